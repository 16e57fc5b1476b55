#include "service/source_config.h"

#include <gtest/gtest.h>

#include <set>

#include "service/config_items.h"
#include "service/example_source.h"

namespace mms::service {
namespace {

using nlohmann::json;

SourceConfig Example() {
  auto config = ApplyChanges({}, ExampleSettings(), false);
  EXPECT_TRUE(config) << config.error().ToString();
  return *config;
}

Result<SourceConfig> Change(const std::string& key, const json& value, bool fixed = true) {
  return ApplyChanges(Example(), {{key, value}}, fixed);
}

std::string Refusal(const std::string& key, const json& value) {
  const auto changed = Change(key, value);
  return changed ? "taken as " + changed->Get(key) : changed.error().ToString();
}

TEST(SourceConfigTest, AWholeConfigurationIsTakenInItsNormalForm) {
  const SourceConfig config = Example();
  const Status whole = CheckWhole(config);
  EXPECT_TRUE(whole) << whole.error().ToString();
  EXPECT_EQ(config.Get("azure.auth.type"), "SAS");
  EXPECT_EQ(config.Get("task.max.num"), "20");
  EXPECT_FALSE(config.values.contains("db.access.token"));
  EXPECT_EQ(config.secrets.at("db.access.token").Reveal(), "dapi-secret");
}

TEST(SourceConfigTest, EveryRequiredSettingIsMissedByItsName) {
  for (const ConfigItem& item : ConfigItems()) {
    if (!item.required) continue;
    SourceConfig config = Example();
    config.values.erase(item.key);
    config.secrets.erase(item.key);
    const Status whole = CheckWhole(config);
    ASSERT_FALSE(whole) << item.key;
    EXPECT_EQ(whole.error().code(), "CONFIG_MISSING");
    EXPECT_TRUE(whole.error().message().starts_with(item.key)) << whole.error().message();
  }
}

TEST(SourceConfigTest, EveryFormThatIsWrongIsRefusedByKeyWithWhatIsRight) {
  const std::pair<const char*, json> wrong[] = {
      {"db.workspace.url", "ftp://host"},
      {"db.workspace.url", "https://x.azuredatabricks.net"},
      {"db.catalog", "a,b"},
      {"db.cluster.id", "my cluster"},
      {"db.warehouse.id", "nope"},
      {"db.jdbc.enable", "perhaps"},
      {"db.jdbc.url", "jdbc:mysql://host"},
      {"db.jdbc.url", "jdbc:databricks://host:443;AuthMech=3;UID=token;PWD=dapi-hidden"},
      {"azure.auth.type", "key"},
      {"azure.sas.token", "no sas"},
      {"azure.authority", "http://login.example"},
      {"azure.storage.endpoint", "https://user@host"},
      {"mc.projects", "a,2b"},
      {"mc.job.project", "2b"},
      {"meta.timer", json{{"type", "daily"}, {"value", "2:30"}}},
      {"meta.timer", json{{"type", "daily"}, {"value", "02:30"}, {"zone", "Nowhere"}}},
      {"meta.timer", json{{"kind", "daily"}}},
      {"meta.api.batch", 0},
      {"meta.api.batch", "many"},
      {"source.database.whitelist", "a.b"},
      {"source.table.blacklist", "cat.schema.table"},
      {"task.max.num", -1},
      {"mc.sql.hints", "text"},
      {"table.name.mapping", json{{"", "_"}}},
      {"column.name.mapping", json{{"a", json::array()}}},
      {"db.task.partition.max.num", -1},
      {"db.task.partition.max.size", "5 GB"},
      {"task.window", json{{"start", "22:00"}}},
      {"db.catalog", json::object()},
  };
  for (const auto& [key, value] : wrong) {
    const auto changed = Change(key, value);
    ASSERT_FALSE(changed) << key << " = " << value;
    EXPECT_EQ(changed.error().code(), "CONFIG_VALUE") << key;
    EXPECT_TRUE(changed.error().message().starts_with(std::string(key) + " "))
        << changed.error().message();
    EXPECT_EQ(changed.error().message().find("dapi-hidden"), std::string::npos);
  }
}

TEST(SourceConfigTest, ValuesAreTakenAsTheApiAndAsAPersonGiveThem) {
  EXPECT_EQ(Change("mc.projects", json{"a", "b"})->Get("mc.projects"), "a,b");
  EXPECT_EQ(Change("mc.projects", "a , b")->Get("mc.projects"), "a,b");
  EXPECT_EQ(Change("task.max.num", 7)->Get("task.max.num"), "7");
  EXPECT_EQ(Change("task.max.num", "7")->Get("task.max.num"), "7");
  EXPECT_EQ(Change("db.jdbc.enable", true)->Get("db.jdbc.enable"), "true");
  EXPECT_EQ(Change("db.jdbc.enable", "True")->Get("db.jdbc.enable"), "true");
  const std::string hints = R"({"odps.sql.decimal.odps2":"true"})";
  EXPECT_EQ(Change("mc.sql.hints", json{{"odps.sql.decimal.odps2", true}})->Get("mc.sql.hints"),
            hints);
  EXPECT_EQ(Change("mc.sql.hints", hints)->Get("mc.sql.hints"), hints);
}

TEST(SourceConfigTest, ACharacterMappingKeepsItsOrder) {
  EXPECT_EQ(Change("table.name.mapping", R"({"b":"1","a":"2"})")->Get("table.name.mapping"),
            R"({"b":"1","a":"2"})");
}

TEST(SourceConfigTest, TheDefaultProjectCannotBeChangedOnceTheSourceIsThere) {
  EXPECT_TRUE(Change("mc.default.project", "other", false));
  EXPECT_TRUE(Change("mc.default.project", "dw"));
  EXPECT_NE(Refusal("mc.default.project", "other").find("CONFIG_FIXED"), std::string::npos);
  EXPECT_NE(Refusal("mc.default.project", nullptr).find("CONFIG_FIXED"), std::string::npos);
}

TEST(SourceConfigTest, AMaskedSecretIsLeftAsItIs) {
  EXPECT_EQ(Change("db.access.token", kMasked)->secrets.at("db.access.token").Reveal(),
            "dapi-secret");
  EXPECT_EQ(Change("db.access.token", "dapi-new")->secrets.at("db.access.token").Reveal(),
            "dapi-new");
  EXPECT_FALSE(Change("db.access.token", nullptr)->Has("db.access.token"));
}

TEST(SourceConfigTest, AnUnknownKeyIsRefused) {
  EXPECT_NE(Refusal("db.catalogue", "x").find("CONFIG_UNKNOWN_KEY"), std::string::npos);
}

TEST(SourceConfigTest, EachWayToSignInNeedsItsOwnSettings) {
  const auto principal = Change("azure.auth.type", "ServicePrincipal");
  ASSERT_TRUE(principal);
  EXPECT_NE(CheckWhole(*principal).error().message().find("azure.client.id"), std::string::npos);
  const auto full = ApplyChanges(*principal,
                                 {{"azure.client.id", "app"},
                                  {"azure.client.secret", "app-secret"},
                                  {"azure.tenant.id", "tenant"}},
                                 true);
  EXPECT_TRUE(CheckWhole(*full));
  EXPECT_EQ(SourceOptionsOf(*full)->storage.principal.client_secret.Reveal(), "app-secret");
  const auto vended =
      ApplyChanges(Example(), {{"azure.auth.type", "vended"}, {"azure.sas.token", ""}}, true);
  EXPECT_TRUE(CheckWhole(*vended));
  EXPECT_EQ(SourceOptionsOf(*vended)->storage.auth, azure::StorageAuth::kVended);
}

TEST(SourceConfigTest, JdbcNeedsAnAddressOrAComputeToDeriveItFrom) {
  const auto jdbc = Change("db.jdbc.enable", true);
  EXPECT_NE(CheckWhole(*jdbc).error().message().find("db.jdbc.url"), std::string::npos);
  EXPECT_TRUE(CheckWhole(*ApplyChanges(*jdbc, {{"db.cluster.id", "0101-120000-abcdefgh"}}, true)));
  const auto both = ApplyChanges(
      *jdbc, {{"db.cluster.id", "0101-120000-abcdefgh"}, {"db.warehouse.id", "0123456789abcdef"}},
      true);
  EXPECT_FALSE(CheckWhole(*both));
}

TEST(SourceConfigTest, WhatAScanNeedsIsTakenFromTheSettings) {
  const auto config = ApplyChanges(Example(),
                                   {{"meta.api.batch", 3},
                                    {"source.database.blacklist", "tmp, Old"},
                                    {"source.table.whitelist", "sales.orders"}},
                                   true);
  const auto options = SourceOptionsOf(*config);
  ASSERT_TRUE(options);
  EXPECT_EQ(options->catalog, "main");
  EXPECT_EQ(options->metastore_concurrency, 3);
  EXPECT_FALSE(options->filter.TakesSchema("old"));
  EXPECT_TRUE(options->filter.TakesTable("sales", "orders"));
  EXPECT_FALSE(options->filter.TakesTable("sales", "returns"));
}

TEST(SourceConfigTest, TheMetaTimerHasAZone) {
  const auto config =
      Change("meta.timer", {{"type", "Daily"}, {"value", "02:30"}, {"zone", "Asia/Shanghai"}});
  const auto timer = TimerOf(*config);
  ASSERT_TRUE(timer);
  EXPECT_EQ(timer->timer, (migration::MetaTimer{migration::MetaTimer::Type::kDaily, 2, 30}));
  EXPECT_EQ(timer->zone, "Asia/Shanghai");
  EXPECT_EQ(TimerOf(Example())->timer.type, migration::MetaTimer::Type::kNone);
}

TEST(ConfigItemsTest, EveryDefaultIsOfItsOwnFormAndEveryKeyIsThereOnce) {
  std::set<std::string> keys;
  for (const ConfigItem& item : ConfigItems()) {
    EXPECT_TRUE(keys.insert(item.key).second) << item.key;
    EXPECT_EQ(FindConfigItem(item.key), &item);
    if (*item.value == '\0') continue;
    const auto normal = item.normal(item.value);
    ASSERT_TRUE(normal) << item.key << " " << normal.error().ToString();
    EXPECT_EQ(*normal, item.value) << item.key;
  }
}

}  // namespace
}  // namespace mms::service
