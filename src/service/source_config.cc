#include "service/source_config.h"

#include <fmt/format.h>

#include <algorithm>
#include <sstream>

#include "migration/inspect/source_filter.h"
#include "service/config_items.h"

namespace mms::service {
namespace {

using nlohmann::json;

Error Invalid(std::string code, std::string message) {
  return Error(ErrorKind::kInvalidInput, std::move(code), std::move(message));
}

/// The error of a value's own check, with its key before it.
Error OfKey(const std::string& key, const Error& error) {
  return Error(error.kind(), error.code(), key + " " + error.message());
}

Status Apply(const ConfigItem& item, const json& value, bool fixed, SourceConfig* config) {
  const std::string key = item.key;
  TRY(const std::string text, TextOfValue(item, value));
  if (item.type == ConfigType::kPassword && text == kMasked) return OkStatus();
  std::string normal;
  if (!text.empty()) {
    TRY(normal, item.normal(text));
  }
  if (fixed && item.fixed && normal != config->Get(key)) {
    return Invalid("CONFIG_FIXED", "cannot be changed; it is " + config->Get(key) +
                                       ": add another data source for another one");
  }
  config->values.erase(key);
  config->secrets.erase(key);
  if (normal.empty()) return OkStatus();
  if (item.type == ConfigType::kPassword) {
    config->secrets.emplace(key, Secret(normal));
  } else {
    config->values.emplace(key, normal);
  }
  return OkStatus();
}

Status Require(const SourceConfig& config, const std::string& key, const std::string& why) {
  if (config.Has(key)) return OkStatus();
  return Invalid("CONFIG_MISSING", key + " is missing" + why);
}

Status CheckAuth(const SourceConfig& config) {
  const std::string auth = config.Get("azure.auth.type");
  const std::string why = "; azure.auth.type is " + auth;
  if (auth == "SAS") return Require(config, "azure.sas.token", why);
  if (auth == "Vended") return OkStatus();
  for (const char* key : {"azure.client.id", "azure.client.secret", "azure.tenant.id"}) {
    TRY_VOID(Require(config, key, why));
  }
  return OkStatus();
}

const std::string& SecretOf(const SourceConfig& config, const char* key) {
  static const std::string kNone;
  const auto found = config.secrets.find(key);
  return found == config.secrets.end() ? kNone : found->second.Reveal();
}

/// "" = no list.
Result<std::vector<std::string>> ListOf(
    const SourceConfig& config, const char* key,
    Result<std::vector<std::string>> (*parse)(const std::vector<std::string>&)) {
  const std::string text = config.Get(key);
  if (text.empty()) return std::vector<std::string>();
  return parse({text});
}

}  // namespace

std::string SourceConfig::Get(const std::string& key) const {
  const auto found = values.find(key);
  if (found != values.end()) return found->second;
  const ConfigItem* item = FindConfigItem(key);
  CHECK(item != nullptr);
  return item->value;
}

Result<SourceConfig> ApplyChanges(const SourceConfig& before, const json& changes, bool fixed) {
  SourceConfig config = before;
  for (const auto& [key, value] : changes.items()) {
    const ConfigItem* item = FindConfigItem(key);
    if (item == nullptr) {
      return Invalid("CONFIG_UNKNOWN_KEY",
                     key + " is no setting of a data source; mms source items lists them");
    }
    const Status applied = Apply(*item, value, fixed, &config);
    if (!applied) return OfKey(key, applied.error());
  }
  return config;
}

Status CheckWhole(const SourceConfig& config) {
  for (const ConfigItem& item : ConfigItems()) {
    if (item.required) TRY_VOID(Require(config, item.key, std::string(" (") + item.name + ")"));
  }
  TRY_VOID(CheckAuth(config));
  if (config.Has("db.cluster.id") && config.Has("db.warehouse.id")) {
    return Invalid("CONFIG_VALUE",
                   "db.warehouse.id and db.cluster.id are both set; SQL runs on one of them: "
                   "remove the other");
  }
  const bool compute = config.Has("db.cluster.id") || config.Has("db.warehouse.id");
  if (config.Get("db.jdbc.enable") == "true" && !compute) {
    return Require(config, "db.jdbc.url",
                   "; db.jdbc.enable is true: give it, or db.cluster.id to derive it from");
  }
  return OkStatus();
}

Result<ZonedTimer> TimerOf(const SourceConfig& config) {
  const json map = json::parse(config.Get("meta.timer"));
  ZonedTimer out;
  TRY(out.timer, migration::ParseMetaTimer(map.value("type", ""), map.value("value", "")));
  out.zone = map.value("zone", "UTC");
  return out;
}

std::vector<std::string> ProjectsOf(const SourceConfig& config) {
  std::vector<std::string> projects = {config.Get("mc.default.project")};
  std::string list = config.Get("mc.projects");
  std::replace(list.begin(), list.end(), ',', ' ');
  std::istringstream names(list);
  for (std::string name; names >> name;) {
    if (std::find(projects.begin(), projects.end(), name) == projects.end()) {
      projects.push_back(name);
    }
  }
  return projects;
}

Result<std::string> ProjectOf(const SourceConfig& config, const std::string& wanted) {
  const std::vector<std::string> projects = ProjectsOf(config);
  const std::string& standard = projects.front();
  if (wanted.empty()) return standard;
  if (std::find(projects.begin(), projects.end(), wanted) != projects.end()) return wanted;
  return Invalid("JOB_CONFIG",
                 fmt::format("dstDbName {} is neither the data source's default project {} nor in "
                             "its list (mc.projects); add it there first",
                             wanted, standard));
}

Result<migration::TimeWindow> WindowOf(const SourceConfig& config) {
  const json map = json::parse(config.Get("task.window"));
  return migration::ParseTimeWindow(map.value("start", "") + "-" + map.value("end", ""));
}

std::map<std::string, std::string> SqlHintsOf(const SourceConfig& config) {
  std::map<std::string, std::string> hints;
  const json map = json::parse(config.Get("mc.sql.hints"));
  for (const auto& [name, value] : map.items()) {
    hints[name] = value.is_string() ? value.get<std::string>() : value.dump();
  }
  return hints;
}

Result<migration::SourceFilter> FilterOf(const SourceConfig& config) {
  using migration::ParseSchemaList;
  using migration::ParseTableList;
  migration::SourceFilter filter;
  TRY(filter.schema_whitelist, ListOf(config, "source.database.whitelist", ParseSchemaList));
  TRY(filter.schema_blacklist, ListOf(config, "source.database.blacklist", ParseSchemaList));
  TRY(filter.table_whitelist, ListOf(config, "source.table.whitelist", ParseTableList));
  TRY(filter.table_blacklist, ListOf(config, "source.table.blacklist", ParseTableList));
  return filter;
}

Result<migration::SourceOptions> SourceOptionsOf(const SourceConfig& config) {
  migration::SourceOptions out;
  out.workspace = config.Get("db.workspace.url");
  out.catalog = config.Get("db.catalog");
  out.cluster = config.Get("db.cluster.id");
  out.warehouse = config.Get("db.warehouse.id");
  out.sign_in.token = Secret(SecretOf(config, "db.access.token"));
  out.jdbc = config.Get("db.jdbc.enable") == "true";
  if (out.jdbc) out.jdbc_url = Secret(config.Get("db.jdbc.url"));
  out.metastore_concurrency = std::stoi(config.Get("meta.api.batch"));
  out.partition_zone = config.Get("legacy.partition.time.zone");
  TRY(out.filter, FilterOf(config));
  azure::StorageOptions& storage = out.storage;
  storage.account = config.Get("azure.storage.account");
  storage.endpoint = config.Get("azure.storage.endpoint");
  const std::string auth = config.Get("azure.auth.type");
  storage.auth = auth == "SAS"      ? azure::StorageAuth::kSas
                 : auth == "Vended" ? azure::StorageAuth::kVended
                                    : azure::StorageAuth::kServicePrincipal;
  storage.sas = Secret(SecretOf(config, "azure.sas.token"));
  storage.principal.tenant_id = config.Get("azure.tenant.id");
  storage.principal.client_id = config.Get("azure.client.id");
  storage.principal.client_secret = Secret(SecretOf(config, "azure.client.secret"));
  storage.principal.authority = config.Get("azure.authority");
  return out;
}

}  // namespace mms::service
