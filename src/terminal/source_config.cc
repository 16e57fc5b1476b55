#include "terminal/source_config.h"

#include <string>

#include "base/time_zone.h"
#include "migration/inspect/source_settings.h"

namespace mms::terminal {
namespace {

constexpr int64_t kConcurrencyMax = 100;

using Names = std::vector<std::string>;

/// A text that `check` has nothing against; "" when absent.
Status ReadChecked(const YamlMap& source, std::string_view key, Status (*check)(std::string_view),
                   std::string* out) {
  TRY(*out, source.Text(key));
  if (out->empty()) return OkStatus();
  const Status checked = check(*out);
  return checked ? OkStatus() : Status(AtKey(source, key, checked.error()));
}

Status ReadList(const YamlMap& source, std::string_view key, Result<Names> (*parse)(const Names&),
                Names* out) {
  TRY(const Names texts, source.Texts(key));
  Result<Names> names = parse(texts);
  if (!names) return AtKey(source, key, names.error());
  *out = *std::move(names);
  return OkStatus();
}

Status ReadFilter(const YamlMap& source, migration::SourceFilter* out) {
  using migration::ParseSchemaList;
  using migration::ParseTableList;
  TRY_VOID(ReadList(source, "schema_whitelist", ParseSchemaList, &out->schema_whitelist));
  TRY_VOID(ReadList(source, "schema_blacklist", ParseSchemaList, &out->schema_blacklist));
  TRY_VOID(ReadList(source, "table_whitelist", ParseTableList, &out->table_whitelist));
  return ReadList(source, "table_blacklist", ParseTableList, &out->table_blacklist);
}

}  // namespace

std::vector<std::string_view> SourceKeys() {
  return {"workspace",
          "catalog",
          "cluster",
          "warehouse",
          "jdbc",
          "jdbc_url",
          "schema_whitelist",
          "schema_blacklist",
          "table_whitelist",
          "table_blacklist",
          "metastore_concurrency",
          "legacy_partition_time_zone"};
}

Status ReadSourceSettings(const YamlMap& source, migration::SourceOptions* out) {
  TRY(const std::string workspace, source.Text("workspace"));
  if (!workspace.empty()) {
    Result<std::string> origin = migration::ParseWorkspace(workspace);
    if (!origin) return AtKey(source, "workspace", origin.error());
    out->workspace = *std::move(origin);
  }
  TRY_VOID(ReadChecked(source, "catalog", migration::CheckCatalogName, &out->catalog));
  TRY_VOID(ReadChecked(source, "cluster", migration::CheckClusterId, &out->cluster));
  TRY_VOID(ReadChecked(source, "warehouse", migration::CheckWarehouseId, &out->warehouse));
  if (!out->cluster.empty() && !out->warehouse.empty()) {
    return source.Fail("CONFIG_VALUE", "warehouse",
                       "source.cluster and source.warehouse are both set; SQL runs on one of them: "
                       "remove the other");
  }
  TRY(const size_t jdbc, source.Choice("jdbc", {"false", "true"}, 0));
  out->jdbc = jdbc == 1;
  const bool sql = source.Has("jdbc_url") || !out->cluster.empty() || !out->warehouse.empty();
  if (out->jdbc && !sql) {
    return source.Fail("CONFIG_MISSING", "jdbc",
                       "source.jdbc reads every table by SQL, which needs a place to run: set "
                       "source.cluster, source.warehouse or source.jdbc_url");
  }
  TRY_VOID(ReadFilter(source, &out->filter));
  TRY(const int64_t calls, source.Number("metastore_concurrency", 10, {1, kConcurrencyMax}));
  out->metastore_concurrency = static_cast<int>(calls);
  constexpr std::string_view kZone = "legacy_partition_time_zone";
  TRY(out->partition_zone, source.Text(kZone));
  if (out->partition_zone.empty()) return OkStatus();
  const Status zone = CheckZone(out->partition_zone);
  if (!zone) return AtKey(source, kZone, zone.error());
  return OkStatus();
}

Error AtKey(const YamlMap& map, std::string_view key, const Error& error) {
  return map.Fail(error.code(), key, map.NameOf(key) + " " + error.message());
}

}  // namespace mms::terminal
