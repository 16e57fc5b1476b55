#include "service/config_items.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <vector>

#include "base/lower_ascii.h"
#include "base/time_zone.h"
#include "clients/azure/sas.h"
#include "clients/databricks/jdbc_url.h"
#include "migration/inspect/source_filter.h"
#include "migration/inspect/source_settings.h"

namespace mms::service {
namespace {

using nlohmann::json;
using Text = Result<std::string>;

Error Invalid(std::string message) {
  return Error(ErrorKind::kInvalidInput, "CONFIG_VALUE", std::move(message));
}

Text AsIs(const std::string& text) { return text; }

template <Status (*check)(std::string_view)>
Text Checked(const std::string& text) {
  TRY_VOID(check(text));
  return text;
}

Text Workspace(const std::string& text) { return migration::ParseWorkspace(text); }

template <int64_t least, int64_t most>
Text Number(const std::string& text) {
  int64_t number = 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), number);
  const bool whole = failure == std::errc() && end == text.data() + text.size();
  if (whole && number >= least && number <= most) return std::to_string(number);
  return Invalid(fmt::format("must be a whole number from {} to {}", least, most));
}

Text Flag(const std::string& text) {
  const std::string word = LowerAscii(text);
  if (word == "true" || word == "1") return std::string("true");
  if (word == "false" || word == "0") return std::string("false");
  return Invalid("must be true or false");
}

Text AuthType(const std::string& text) {
  for (const char* word : {"SAS", "ServicePrincipal", "Vended"}) {
    if (LowerAscii(text) == LowerAscii(word)) return std::string(word);
  }
  return Invalid("must be one of SAS, ServicePrincipal, Vended");
}

Text Sas(const std::string& text) {
  const auto sas = azure::ParseSas(Secret(text));
  if (sas) return text;
  return Invalid("must be a SAS token (" + sas.error().message() + ")");
}

Text HttpsAddress(const std::string& text) {
  const bool local = text.starts_with("http://127.0.0.1:") || text.starts_with("http://localhost:");
  if (!text.starts_with("https://") && !local) return Invalid("must begin with https://");
  if (text.find_first_of("@?# ") == std::string::npos) return text;
  return Invalid("must be an address without user, query and fragment");
}

Text JdbcUrl(const std::string& text) {
  const auto url = databricks::ParseJdbcUrl(text);
  if (!url) return Invalid("must be a JDBC URL: " + url.error().message());
  const bool secret = url->auth != databricks::JdbcAuth::kNone || !url->headers.empty() ||
                      !url->proxy.password.empty() || !url->link_proxy.password.empty();
  if (!secret) return text;
  return Invalid(
      "must carry no credential (PWD, Auth_AccessToken, OAuth2Secret, ProxyPwd, http.header.*): "
      "the token is db.access.token, and a proxy belongs to the network profile");
}

template <Result<std::vector<std::string>> (*parse)(const std::vector<std::string>&)>
Text Names(const std::string& text) {
  TRY(const std::vector<std::string> names, parse({text}));
  return fmt::format("{}", fmt::join(names, ","));
}

Result<std::vector<std::string>> ParseProjects(const std::vector<std::string>& texts) {
  TRY(std::vector<std::string> names, migration::ParseSchemaList(texts));
  for (const std::string& name : names) TRY_VOID(migration::CheckProjectName(name));
  return names;
}

/// An object of texts, in the order given: character mappings are applied in it.
Result<nlohmann::ordered_json> ParseMap(const std::string& text) {
  auto map = nlohmann::ordered_json::parse(text, nullptr, false);
  if (!map.is_object()) return Invalid(R"(must be a JSON object, for example {"key": "value"})");
  for (auto& [key, value] : map.items()) {
    if (value.is_structured() || value.is_null()) {
      return Invalid("must be a JSON object whose values are texts, numbers or flags");
    }
    if (!value.is_string()) value = value.dump();
  }
  return map;
}

Text Map(const std::string& text) {
  TRY(const nlohmann::ordered_json map, ParseMap(text));
  return map.dump();
}

Text CharacterMap(const std::string& text) {
  TRY(const nlohmann::ordered_json map, ParseMap(text));
  if (map.contains("")) return Invalid("must not map an empty text");
  return map.dump();
}

Status CheckKeys(const nlohmann::ordered_json& map, std::initializer_list<std::string_view> keys) {
  for (const auto& [key, value] : map.items()) {
    if (std::find(keys.begin(), keys.end(), key) == keys.end()) {
      return Invalid(fmt::format("must have the keys {} only", fmt::join(keys, ", ")));
    }
  }
  return OkStatus();
}

Text MetaTimerMap(const std::string& text) {
  TRY(const nlohmann::ordered_json map, ParseMap(text));
  TRY_VOID(CheckKeys(map, {"type", "value", "zone"}));
  const std::string type = map.value("type", "");
  const std::string value = map.value("value", "");
  TRY_VOID(migration::ParseMetaTimer(type, value));
  const std::string zone = map.value("zone", "UTC");
  TRY_VOID(CheckZone(zone));
  const nlohmann::ordered_json kept = {
      {"type", LowerAscii(type)}, {"value", value}, {"zone", zone}};
  return kept.dump();
}

Text WindowMap(const std::string& text) {
  TRY(const nlohmann::ordered_json map, ParseMap(text));
  TRY_VOID(CheckKeys(map, {"start", "end"}));
  const bool parsed =
      map.contains("start") && map.contains("end") &&
      migration::ParseTimeWindow(map.value("start", "") + "-" + map.value("end", ""));
  if (parsed) return map.dump();
  return Invalid(R"(must be two times HH:MM, for example {"start": "22:00", "end": "06:00"})");
}

constexpr ConfigType kString = ConfigType::kString;
constexpr ConfigType kPassword = ConfigType::kPassword;
constexpr ConfigType kBoolean = ConfigType::kBoolean;
constexpr ConfigType kInt = ConfigType::kInt;
constexpr ConfigType kMap = ConfigType::kMap;
constexpr const char* kDatabricks = "group.databricks";
constexpr const char* kAzure = "group.azure";
constexpr const char* kTarget = "group.maxcompute";
constexpr const char* kMeta = "group.metadata";
constexpr const char* kTask = "group.task";

constexpr auto kItems = std::to_array<ConfigItem>({
    {"db.workspace.url", kString, kDatabricks, "Databricks Workspace URL", "Databricks 工作区 URL",
     "", Workspace, true},
    {"db.catalog", kString, kDatabricks, "Databricks Unity Catalog", "Databricks Unity Catalog", "",
     Checked<migration::CheckCatalogName>, true},
    {"db.cluster.id", kString, kDatabricks, "Databricks Cluster ID", "Databricks 集群 ID", "",
     Checked<migration::CheckClusterId>},
    {"db.warehouse.id", kString, kDatabricks, "Databricks SQL Warehouse ID",
     "Databricks SQL 仓库 ID", "", Checked<migration::CheckWarehouseId>},
    {"db.access.token", kPassword, kDatabricks, "Databricks Access Token", "Databricks 访问令牌",
     "", AsIs, true},
    {"db.jdbc.enable", kBoolean, kDatabricks, "Use Databricks JDBC to read table data",
     "使用 Databricks JDBC 读取表数据", "false", Flag},
    {"db.jdbc.url", kString, kDatabricks, "Databricks JDBC URL", "Databricks JDBC URL", "",
     JdbcUrl},
    {"azure.auth.type", kString, kAzure, "Azure Authentication", "Azure 认证方式", "", AuthType,
     true},
    {"azure.sas.token", kPassword, kAzure, "Azure Storage Account SAS Token",
     "Azure 存储账户 SAS 令牌", "", Sas},
    {"azure.client.id", kString, kAzure, "Azure Application ID", "Azure 应用程序 ID", "", AsIs},
    {"azure.client.secret", kPassword, kAzure, "Azure App Client Secret", "Azure 应用客户端密码",
     "", AsIs},
    {"azure.tenant.id", kString, kAzure, "Azure Tenant ID", "Azure 租户 ID", "", AsIs},
    {"azure.authority", kString, kAzure, "Azure Sign-in Address", "Azure 登录地址", "",
     HttpsAddress},
    {"azure.storage.account", kString, kAzure, "Azure Storage Account", "Azure 存储账户", "", AsIs},
    {"azure.storage.endpoint", kString, kAzure, "Azure Blob Endpoint", "Azure Blob 终结点", "",
     HttpsAddress},
    {"mc.default.project", kString, kTarget, "Default Destination MaxCompute Project",
     "默认目标 MaxCompute 项目", "", Checked<migration::CheckProjectName>, true, true},
    {"mc.projects", kString, kTarget, "Destination MaxCompute Project List",
     "目标 MaxCompute 项目列表", "", Names<ParseProjects>},
    {"mc.job.project", kString, kTarget, "MaxCompute Project For Migration Jobs",
     "执行迁移作业的 MaxCompute 项目", "", Checked<migration::CheckProjectName>, true},
    {"mc.sql.hints", kMap, kTarget, "SQL Parameters For MaxCompute Migration Tasks",
     "MaxCompute 迁移任务 SQL 参数", "{}", Map},
    {"meta.timer", kMap, kMeta, "Meta Timer", "元数据定时更新",
     R"({"type":"none","value":"","zone":"UTC"})", MetaTimerMap},
    {"meta.api.batch", kInt, kMeta, "Metastore Access Concurrency", "元数据访问并发数", "10",
     Number<1, 100>},
    {"legacy.partition.time.zone", kString, kMeta, "Legacy Partition Time Zone", "旧分区值时区", "",
     Checked<CheckZone>},
    {"source.database.whitelist", kString, kMeta, "Schema Whitelist", "Schema 白名单", "",
     Names<migration::ParseSchemaList>},
    {"source.database.blacklist", kString, kMeta, "Schema Blacklist", "Schema 黑名单", "",
     Names<migration::ParseSchemaList>},
    {"source.table.whitelist", kString, kMeta, "Table Whitelist", "Table 白名单", "",
     Names<migration::ParseTableList>},
    {"source.table.blacklist", kString, kMeta, "Table Blacklist", "Table 黑名单", "",
     Names<migration::ParseTableList>},
    {"task.max.num", kInt, kTask, "Maximum Concurrency For Data Migration Tasks",
     "数据迁移任务最大并发数", "20", Number<1, 1'000>},
    {"db.task.partition.max.num", kInt, kTask, "Maximum Partitions Per Task",
     "单个任务处理的最大分区数", "50", Number<0, 100'000>},
    {"db.task.partition.max.size", kInt, kTask, "Maximum Data Size Per Task (GB)",
     "单个任务处理的最大数据量 (GB)", "5", Number<0, 100'000>},
    {"table.name.mapping", kMap, kTask, "Table Name Character Mapping", "表名字符映射", "{}",
     CharacterMap},
    {"column.name.mapping", kMap, kTask, "Column Name Character Mapping", "列名字符映射", "{}",
     CharacterMap},
    {"partition.value.mapping", kMap, kTask, "Partition Value Character Mapping", "分区值字符映射",
     "{}", CharacterMap},
    {"task.window", kMap, kTask, "Migration Time Window", "迁移时间窗口",
     R"({"start":"00:00","end":"00:00"})", WindowMap},
});

}  // namespace

std::string_view TypeName(ConfigType type) {
  switch (type) {
    case ConfigType::kString: return "string";
    case ConfigType::kPassword: return "password";
    case ConfigType::kBoolean: return "boolean";
    case ConfigType::kInt: return "int";
    case ConfigType::kMap: return "map";
  }
  CHECK(false);
}

std::span<const ConfigItem> ConfigItems() { return kItems; }

const ConfigItem* FindConfigItem(std::string_view key) {
  const auto* const found = std::find_if(kItems.begin(), kItems.end(),
                                         [&](const ConfigItem& item) { return item.key == key; });
  return found == kItems.end() ? nullptr : &*found;
}

Result<std::string> TextOfValue(const ConfigItem& item, const json& value) {
  if (value.is_null()) return std::string();
  if (value.is_string()) return value.get<std::string>();
  if (value.is_boolean() || value.is_number_integer()) return value.dump();
  if (value.is_object() && item.type == ConfigType::kMap) return value.dump();
  if (value.is_array() && item.type == ConfigType::kString) {
    std::vector<std::string> texts;
    for (const json& entry : value) {
      if (!entry.is_string()) return Invalid("must be a list of texts");
      texts.push_back(entry.get<std::string>());
    }
    return fmt::format("{}", fmt::join(texts, ","));
  }
  return Invalid(fmt::format("must be of type {}", TypeName(item.type)));
}

}  // namespace mms::service
