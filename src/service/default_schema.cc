#include "service/default_schema.h"

#include <memory>
#include <optional>
#include <utility>

#include "clients/maxcompute/client.h"
#include "migration/plan/names.h"
#include "service/instance.h"
#include "service/run_options.h"
#include "service/try_connection.h"

namespace mms::service {
namespace {

constexpr const char* kRemedy =
    "; or say which schema they go to: --target-schema, or mms source map (default: the project's "
    "own)";

Result<bool> HasSchemas(Store& store, const DataSource& source, const std::string& project,
                        const TargetReach& reach) {
  TRY(const std::optional<bool> kept, store.FindProjectSchemas(project));
  if (kept) return *kept;
  TRY(const bool has_target, store.HasTarget());
  if (!has_target) return NoTarget();
  TRY(const migration::RunOptions run, RunOptionsOf(store, source, {}, reach.direct));
  maxcompute::Options options = run.target;
  options.project = project;
  options.retry = ShortRetry(reach.cancelled);
  maxcompute::Client client(options, std::make_shared<HttpClient>(run.target_http));
  const auto info = client.FetchProject();
  if (!info) {
    const Error& met = info.error();
    return Error(met.kind(), met.code(),
                 "whether it has schemas could not be asked: " + met.message() + kRemedy)
        .At(met.where());
  }
  if (!info->has_schemas) return false;
  TRY_VOID(store.KeepProjectSchemas(project, *info->has_schemas));
  return *info->has_schemas;
}

}  // namespace

Result<std::string> DefaultSchema(Store& store, const DataSource& source, const Job& job,
                                  const migration::Policy& policy, const TargetReach& reach) {
  TRY(const bool has_schemas, HasSchemas(store, source, job.dst_project, reach));
  if (!has_schemas) return std::string();
  auto name = migration::MakeSchemaName(job.src_db, policy.table_name_map);
  if (!name) return std::move(name).error().At("schema " + job.src_db);
  return name;
}

}  // namespace mms::service
