#include "terminal/policy_config.h"

#include <gtest/gtest.h>

#include "terminal/config.h"

namespace mms::terminal {
namespace {

using migration::TableKind;

/// A whole migration file with these lines of `policy:` and this entry of `tables:`.
Result<Config> Parse(const std::string& policy, const std::string& entry) {
  return ParseConfig(
      "target: {project: dw, endpoint: \"https://e.example.com/api\", access_key_id: id,\n"
      "  access_key_secret: env:MMS_NOT_READ}\nstate: s\ntables:\n  - {location: \"file:///t\"" +
          entry + "}\npolicy: {" + policy + "}\n",
      "mms.yaml", SecretUse::kIgnore);
}

TEST(PolicyConfig, EveryKeyReachesItsOption) {
  const auto config = Parse(
      "table_kind: append_delta, on_kind_refused: standard, on_extra_column: ignore,\n"
      "on_missing_column: null, on_dropped_partition: drop, on_long_value: truncate, on_bad_utf8: "
      "replace, on_growth: rewrite,\n"
      "on_timestamp_range: fail, decimal_scale: extended, varchar: keep, not_null: keep,\n"
      "max_partition_levels: 5, null_partition: none, partition_value_map: {\"/\": \"_\"},\n"
      "column_name_map: {é: e}, table_name_map: {\"-\": \"_\"}",
      ", lifecycle: 30, properties: {a.b: c}, cluster: {by: [x], sort: y, buckets: 8, range: "
      "true}, partitions: \"day > 'a'\"");
  ASSERT_TRUE(config) << config.error().ToString();
  const migration::Policy& policy = config->options.plan.policy;
  EXPECT_TRUE(policy.standard_if_refused);
  EXPECT_EQ(policy.on_extra_column, migration::ExtraColumn::kIgnore);
  EXPECT_EQ(policy.on_missing_column, migration::MissingColumn::kNull);
  EXPECT_EQ(policy.on_growth, migration::Growth::kRewrite);
  EXPECT_EQ(policy.on_dropped_partition, migration::DroppedPartition::kDrop);
  EXPECT_EQ(policy.values,
            (migration::ValuePolicy{migration::LongValue::kTruncate, migration::BadUtf8::kReplace,
                                    migration::FarTimestamp::kFail}));
  EXPECT_TRUE(policy.extended_decimal && policy.keep_varchar && policy.keep_not_null);
  EXPECT_EQ(policy.max_partition_levels, 5);
  EXPECT_EQ(policy.null_partition, "none");
  EXPECT_EQ(policy.partition_value_map, (migration::CharacterMap{{"/", "_"}}));
  EXPECT_EQ(policy.column_name_map, (migration::CharacterMap{{"é", "e"}}));
  EXPECT_EQ(policy.table_name_map, (migration::CharacterMap{{"-", "_"}}));
  const migration::TableSettings& settings = config->options.tables.at(0).settings;
  EXPECT_EQ(settings.kind, TableKind::kAppendDelta) << "the policy's, where an entry has none";
  EXPECT_EQ(settings.cluster, (migration::Clustering{{"x"}, {"y"}, 8, true}));
  EXPECT_EQ(settings.lifecycle_days, 30);
  EXPECT_EQ(settings.properties, (std::map<std::string, std::string>{{"a.b", "c"}}));
  EXPECT_EQ(settings.partitions, "day > 'a'");
}

TEST(PolicyConfig, NothingSaidLosesNothing) {
  const auto config = Parse("verify: none", ", kind: pk_delta, primary_key: id");
  ASSERT_TRUE(config) << config.error().ToString();
  EXPECT_EQ(config->options.plan.policy.values, migration::ValuePolicy{});
  EXPECT_EQ(config->options.plan.policy.on_extra_column, migration::ExtraColumn::kStop);
  const migration::TableSettings& settings = config->options.tables.at(0).settings;
  EXPECT_EQ(settings.kind, TableKind::kPkDelta);
  EXPECT_EQ(settings.primary_key, (std::vector<std::string>{"id"}));
}

TEST(PolicyConfig, NoPartitionLevelIsNotTheSameAsNoWord) {
  const auto levels = [](const std::string& policy) {
    return Parse(policy, "")->options.plan.policy.max_partition_levels;
  };
  EXPECT_EQ(levels("max_partition_levels: 0"), 0);
  EXPECT_EQ(levels("verify: none"), std::nullopt);
}

TEST(PolicyConfig, CharacterMapsKeepTheirOrder) {
  const auto config = Parse("table_name_map: {'%': p, 'a b': c, '-': _}", "");
  ASSERT_TRUE(config) << config.error().ToString();
  EXPECT_EQ(config->options.plan.policy.table_name_map,
            (migration::CharacterMap{{"%", "p"}, {"a b", "c"}, {"-", "_"}}));
}

TEST(PolicyConfig, WhatDoesNotFitIsNamed) {
  struct Case {
    std::string policy;
    std::string entry;
    std::string named;
  };
  const Case cases[] = {
      {"on_long_value: cut", "", "policy.on_long_value must be one of fail, null, truncate"},
      {"max_partition_levels: 7", "", "policy.max_partition_levels must be a whole number"},
      {"max_partition_levels: -1", "", "a whole number from 0 to 6"},
      {"on_long_value: , varchar: keep", "", "policy.on_long_value is empty"},
      {"partition_value_map: {'': c}", "", "policy.partition_value_map maps an empty text"},
      {"partition_value_map: {a: ''}", "", "policy.partition_value_map.a is empty"},
      {"column_name_map: [a]", "", "policy.column_name_map must be a mapping"},
      {"verify: none", ", kind: heap", "tables[0].kind must be one of"},
      {"verify: none", ", cluster: {buckets: 0}", "tables[0].cluster.buckets must be a whole"},
      {"verify: none", ", propertie: {a: b}", "did you mean properties?"},
  };
  for (const Case& item : cases) {
    const auto config = Parse(item.policy, item.entry);
    ASSERT_FALSE(config) << item.named;
    EXPECT_NE(config.error().ToString().find(item.named), std::string::npos)
        << config.error().ToString();
  }
}

}  // namespace
}  // namespace mms::terminal
