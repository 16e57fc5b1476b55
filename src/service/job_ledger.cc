#include "service/job_ledger.h"

#include <filesystem>
#include <nlohmann/json.hpp>
#include <set>
#include <system_error>
#include <utility>

#include "base/clock.h"
#include "base/version.h"
#include "migration/evidence/signing_key.h"
#include "service/instance.h"
#include "service/service.h"
#include "service/target_profile.h"

namespace mms::service {
namespace {

using migration::TableRecord;

constexpr int64_t kPage = 1'000;

std::string SelectionOf(const TableRecord& table) {
  const auto plan = nlohmann::json::parse(table.plan_json, nullptr, false);
  if (!plan.is_object() || !plan.contains("settings")) return "";
  return plan["settings"].value("selection", "");
}

Result<std::set<std::string>> TablesOf(Store& store, const Job& job) {
  std::set<std::string> names;
  Store::TaskFilter filter;
  filter.job_id = job.id;
  for (int64_t page = 1;; ++page) {
    TRY(const std::vector<JobTask> tasks, store.ListJobTasks(filter, {page, kPage}));
    for (const JobTask& task : tasks) names.insert(task.table_name);
    if (static_cast<int64_t>(tasks.size()) < kPage) return names;
  }
}

}  // namespace

Result<std::unique_ptr<migration::Ledger>> OpenJobLedger(Store& store, const std::string& folder,
                                                         const Job& job) {
  TRY(auto names, TablesOf(store, job));
  const Destination destination{job.dst_project, job.dst_schema};
  auto ledger =
      migration::Ledger::OpenToRead(LedgerFolder(SourceFolder(folder, job.source_id), destination));
  if (!ledger) {
    if (ledger.error().code() != "STATE_NOT_FOUND") return ledger.error();
    return Error(ErrorKind::kNotFound, "JOB_NOT_BEGUN",
                 "none of its tasks has begun yet; see mms job tasks")
        .At("job " + std::to_string(job.id));
  }
  const std::string selection = "job " + std::to_string(job.id);
  (*ledger)->Narrow([names = std::move(names), selection](const TableRecord& table) {
    if (!names.contains(table.source_name)) return false;
    const bool unplanned = table.state == migration::TableState::kRefused ||
                           table.state == migration::TableState::kFailed;
    return unplanned || SelectionOf(table) == selection;
  });
  return ledger;
}

std::string EvidencePath(const std::string& folder, int64_t job_id) {
  return folder + "/evidence/job-" + std::to_string(job_id) + ".tar";
}

Result<migration::BundleSummary> WriteJobEvidence(Store& store, const std::string& folder,
                                                  const Job& job, const std::string& path) {
  TRY(const auto ledger, OpenJobLedger(store, folder, job));
  TRY(const auto key, migration::SigningKey::Open(folder + "/evidence.key"));
  TRY(const DataSource source, store.GetSource(job.source_id));
  TRY(const Profile target, store.GetTarget());
  migration::EvidenceFacts facts;
  facts.product_version = kVersion;
  facts.made_ms = UnixMs();
  facts.workspace = source.config.Get("db.workspace.url");
  facts.catalog = source.config.Get("db.catalog");
  facts.target = TargetOptionsOf(target);
  facts.target.project = job.dst_project;
  facts.target.schema = job.dst_schema;
  std::error_code failure;
  const auto parent = std::filesystem::path(path).parent_path();
  // What keeps it from being made keeps the bundle from being written, and is told there.
  if (!parent.empty()) std::filesystem::create_directories(parent, failure);
  return migration::WriteBundle(*ledger, facts, key, path);
}

}  // namespace mms::service
