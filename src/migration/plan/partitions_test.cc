#include "migration/plan/partitions.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace mms::migration {
namespace {

const Policy kDefaults;

PartitionColumn Column(const std::string& type, const std::string& name = "p") {
  return {name, "col-" + name, name, type};
}

delta::File File(const std::string& path,
                 std::map<std::string, std::optional<std::string>> values) {
  delta::File file;
  file.path = path;
  file.partition_values = std::move(values);
  return file;
}

struct ValueCase {
  std::string type;
  std::optional<std::string> value;
  std::string text;   ///< "" = refused
  std::string named;  ///< in the refusal
};

TEST(Partitions, ValuesBecomeTextOrAreRefusedByName) {
  const ValueCase cases[] = {
      {"string", "plain", "plain", ""},
      {"string", "a b", "a b", ""},
      {"string", "a:b#$.!@", "a:b#$.!@", ""},
      {"string", "20240101", "20240101", ""},
      {"string", "-1", "-1", ""},
      {"string", "under_score", "under_score", ""},
      {"string", std::nullopt, "__HIVE_DEFAULT_PARTITION__", ""},
      {"string", "", "__HIVE_DEFAULT_PARTITION__", ""},
      {"integer", std::nullopt, "__HIVE_DEFAULT_PARTITION__", ""},
      {"string", std::string(255, 'v'), std::string(255, 'v'), ""},
      {"string", std::string(256, 'v'), "", "256 bytes"},
      {"string", "a/b", "", "'/'"},
      {"string", "100%", "", "'%'"},
      {"string", "k=v", "", "'='"},
      {"string", "who?", "", "'?'"},
      {"string", "a,b", "", "','"},
      {"string", "it's", "", "'''"},
      {"string", "say \"x\"", "", "'\"'"},
      {"string", "back\\slash", "", "'\\'"},
      {"string", "a+b", "", "'+'"},
      {"string", "中文", "", "outside ASCII"},
      {"string", "a\nb", "", "byte 0x0A"},
      {"string", " a", "", "blank"},
      {"string", "a ", "", "blank"},
      {"string", "__HIVE_DEFAULT_PARTITION__", "", "stands for NULL"},
      {"byte", "-128", "-128", ""},
      {"byte", "128", "", "no integer"},
      {"short", "32768", "", "no integer"},
      {"integer", "-2147483648", "-2147483648", ""},
      {"integer", "2147483648", "", "no integer"},
      {"integer", "1.0", "", "no integer"},
      {"long", "9223372036854775807", "9223372036854775807", ""},
      {"long", "-9223372036854775808", "-9223372036854775808", ""},
      {"long", "9223372036854775808", "", "no integer"},
      {"date", "0001-01-01", "0001-01-01", ""},
      {"boolean", "true", "true", ""},
      {"decimal(9,2)", "-9999999.99", "-9999999.99", ""},
      {"double", "1.0E10", "1.0E10", ""},
      {"timestamp", "2024-03-10T07:00:00.000000Z", "2024-03-10 07:00:00", ""},
      {"timestamp", "1969-12-31T23:59:59.999999Z", "1969-12-31 23:59:59.999999", ""},
      {"timestamp", "2038-01-19T03:14:08.500000Z", "2038-01-19 03:14:08.5", ""},
      {"timestamp", "2024-03-10 07:00:00", "2024-03-10 07:00:00", ""},
      {"timestamp_ntz", "2024-03-10 02:30:00.000001", "2024-03-10 02:30:00.000001", ""},
      {"timestamp", "2024-03-10", "", "no timestamp"},
      {"timestamp", "2024-03-10 07:00:00+01:00", "", "no timestamp"},
      {"timestamp", "2024-03-10 07:00:00.", "", "no timestamp"},
  };
  for (const ValueCase& item : cases) {
    const auto value = MapPartitionValue(Column(item.type), item.value, {});
    const std::string shown = item.type + " " + item.value.value_or("NULL");
    ASSERT_EQ(value.has_value(), !item.text.empty()) << shown;
    if (value) {
      EXPECT_EQ(value->text, item.text) << shown;
      continue;
    }
    EXPECT_EQ(value.error().code(), "PARTITION_VALUE_INVALID") << shown;
    EXPECT_NE(value.error().message().find(item.named), std::string::npos)
        << value.error().ToString();
    EXPECT_NE(value.error().message().find(*item.value), std::string::npos)
        << value.error().ToString();
  }
}

TEST(Partitions, FilesAreGroupedByValueAndSortedByTargetPartition) {
  const std::vector<PartitionColumn> columns = {Column("date", "dt"), Column("integer", "n")};
  const std::vector<delta::File> files = {
      File("a", {{"col-dt", "2024-01-02"}, {"col-n", "1"}}),
      File("b", {{"col-n", "2"}, {"col-dt", "2024-01-01"}}),
      File("c", {{"col-dt", "2024-01-02"}, {"col-n", "1"}}),
      File("d", {{"col-dt", std::nullopt}, {"col-n", "1"}}),
      File("e", {{"col-n", "1"}, {"col-dt", ""}}),
      File("f", {{"col-n", "1"}}),
  };
  std::vector<std::string> warnings;
  const auto groups = GroupByPartition(files, columns, {100, kDefaults}, &warnings);
  ASSERT_TRUE(groups.has_value()) << groups.error().ToString();
  ASSERT_EQ(groups->size(), 3U);
  EXPECT_EQ((*groups)[0].target, (maxcompute::PartitionSpec{{"dt", "2024-01-01"}, {"n", "2"}}));
  EXPECT_EQ((*groups)[0].files, (std::vector<size_t>{1}));
  EXPECT_EQ((*groups)[1].files, (std::vector<size_t>{0, 2}));
  EXPECT_EQ((*groups)[2].target[0].second, "__HIVE_DEFAULT_PARTITION__");
  EXPECT_EQ((*groups)[2].files, (std::vector<size_t>{3, 4, 5}));
  EXPECT_TRUE(warnings.empty());
}

TEST(Partitions, TwoSourcePartitionsThatBecomeOneAreAConflictNamingBoth) {
  const std::vector<delta::File> files = {
      File("a", {{"col-p", "2024-03-10 07:00:00"}}),
      File("b", {{"col-p", "2024-03-10T07:00:00.000000Z"}}),
  };
  std::vector<std::string> warnings;
  const auto groups = GroupByPartition(files, {Column("timestamp")}, {100, kDefaults}, &warnings);
  ASSERT_FALSE(groups.has_value());
  EXPECT_EQ(groups.error().kind(), ErrorKind::kConflict);
  EXPECT_EQ(groups.error().code(), "PARTITION_COLLISION");
  EXPECT_NE(
      groups.error().message().find("p=2024-03-10 07:00:00 and p=2024-03-10T07:00:00.000000Z"),
      std::string::npos)
      << groups.error().ToString();
}

TEST(Partitions, OneInstantInTwoSpellingsIsOnePartition) {
  const std::vector<delta::File> files = {
      File("a", {{"col-p", "2024-03-10T07:00:00Z"}}),
      File("b", {{"col-p", "2024-03-10T07:00:00.000000Z"}}),
  };
  std::vector<std::string> warnings;
  const auto groups = GroupByPartition(files, {Column("timestamp")}, {100, kDefaults}, &warnings);
  ASSERT_TRUE(groups.has_value()) << groups.error().ToString();
  EXPECT_EQ(groups->size(), 1U);
}

TEST(Partitions, AMappedValueIsCountedAndTwoThatBecomeEqualAreRefused) {
  Policy policy;
  policy.partition_value_map = {{"/", "_"}, {"é", "e"}};
  policy.null_partition = "none";
  std::vector<delta::File> files = {File("a", {{"col-p", "a/b"}}), File("b", {{"col-p", "plain"}}),
                                    File("c", {{"col-p", std::nullopt}}),
                                    File("d", {{"col-p", "caf\xc3\xa9"}})};
  std::vector<std::string> warnings;
  const auto groups = GroupByPartition(files, {Column("string")}, {100, policy}, &warnings);
  ASSERT_TRUE(groups.has_value()) << groups.error().ToString();
  std::vector<std::string> values;
  uint32_t mapped = 0;
  for (const PartitionGroup& group : *groups) {
    values.push_back(group.target[0].second);
    mapped += group.mapped_levels;
  }
  EXPECT_EQ(values, (std::vector<std::string>{"a_b", "cafe", "none", "plain"}));
  EXPECT_EQ(mapped, 2U);
  ASSERT_EQ(warnings.size(), 1U);
  EXPECT_NE(warnings[0].find("\"a/b\" -> \"a_b\""), std::string::npos);

  files.push_back(File("e", {{"col-p", "a_b"}}));
  const auto two = GroupByPartition(files, {Column("string")}, {100, policy}, &warnings);
  ASSERT_FALSE(two.has_value());
  EXPECT_EQ(two.error().code(), "PARTITION_COLLISION");
  files.back() = File("e", {{"col-p", "none"}});
  EXPECT_EQ(GroupByPartition(files, {Column("string")}, {100, policy}, &warnings).error().code(),
            "PARTITION_VALUE_INVALID");
}

TEST(Partitions, ASourcePartitionIsTheSameWhateverItsValuesBecome) {
  const std::vector<delta::File> files = {
      File("a", {{"col-s", "a/b"}, {"col-t", "2024-03-10 07:00:00"}, {"col-n", "07"}}),
      File("b", {{"col-s", "a/b"}, {"col-t", "2024-03-10 07:00:00.000"}, {"col-n", "7"}}),
      File("c", {{"col-s", ""}, {"col-t", std::nullopt}, {"col-n", std::nullopt}}),
      File("d", {{"col-s", "no/t"}, {"col-t", "when?"}, {"col-n", "1"}})};
  const std::vector<PartitionColumn> columns = {Column("string", "s"), Column("timestamp", "t"),
                                                Column("integer", "n")};
  Policy other;
  other.partition_value_map = {{"/", "-"}};
  other.partition_zone = "Asia/Shanghai";
  other.null_partition = "none";
  Policy one;
  one.partition_value_map = {{"/", "_"}};
  std::vector<std::vector<std::string>> names, sources;
  for (const Policy& policy : {one, other}) {
    std::vector<std::string> warnings;
    std::unordered_set<std::string> all;
    PartitionRules rules{100, policy, {true, true, true, false}};
    rules.sources = &all;
    const auto groups = GroupByPartition(files, columns, rules, &warnings);
    ASSERT_TRUE(groups) << groups.error().ToString();
    ASSERT_EQ(groups->size(), 2U);
    EXPECT_EQ(all.size(), 3U) << "also one that cannot be at the target, and is not meant";
    std::vector<std::string>& found = sources.emplace_back();
    std::vector<std::string>& text = names.emplace_back();
    for (const PartitionGroup& group : *groups) {
      ASSERT_EQ(group.sources.size(), 1U) << "one partition in two spellings";
      EXPECT_TRUE(all.contains(group.sources[0]));
      found.push_back(group.sources[0]);
      text.push_back(group.target[0].second + "/" + group.target[1].second);
    }
    std::sort(found.begin(), found.end());
  }
  EXPECT_EQ(sources[0], sources[1]);
  EXPECT_NE(sources[0][0], sources[0][1]);
  EXPECT_NE(names[0], names[1]);
}

TEST(Partitions, RefusedValuesAreNamedTogetherAndCounted) {
  std::vector<delta::File> files;
  for (int i = 0; i < 30; ++i) {
    files.push_back(File(std::to_string(i), {{"col-p", "bad/" + std::to_string(i % 10)}}));
  }
  std::vector<std::string> warnings;
  const auto groups = GroupByPartition(files, {Column("string")}, {100, kDefaults}, &warnings);
  ASSERT_FALSE(groups.has_value());
  EXPECT_EQ(groups.error().code(), "PARTITION_VALUE_INVALID");
  EXPECT_NE(groups.error().message().find("p=\"bad/0\""), std::string::npos);
  EXPECT_NE(groups.error().message().find("and 5 more"), std::string::npos)
      << groups.error().ToString();
}

TEST(Partitions, WarnsOncePerColumnOfUnknownZonesAndLongValues) {
  std::vector<delta::File> files;
  for (int i = 0; i < 9; ++i) {
    const std::string digit = std::to_string(i);
    files.push_back(File(digit, {{"col-t", "2024-01-01 00:00:0" + digit},
                                 {"col-s", std::string(129, 's') + digit}}));
  }
  std::vector<std::string> warnings;
  ASSERT_TRUE(GroupByPartition(files, {Column("timestamp", "t"), Column("string", "s")},
                               {100, kDefaults}, &warnings)
                  .has_value());
  ASSERT_EQ(warnings.size(), 2U);
  EXPECT_NE(warnings[0].find("no time zone"), std::string::npos);
  EXPECT_NE(warnings[1].find("128 bytes"), std::string::npos);
}

TEST(Partitions, MoreThanTheLimitIsRefused) {
  std::vector<delta::File> files;
  for (int i = 0; i < 11; ++i) files.push_back(File("f", {{"col-p", std::to_string(i)}}));
  std::vector<std::string> warnings;
  EXPECT_EQ(GroupByPartition(files, {Column("integer")}, {11, kDefaults}, &warnings)->size(), 11U);
  const auto groups = GroupByPartition(files, {Column("integer")}, {10, kDefaults}, &warnings);
  ASSERT_FALSE(groups.has_value());
  EXPECT_EQ(groups.error().kind(), ErrorKind::kLimitReached);
  EXPECT_EQ(groups.error().code(), "PARTITIONS_LIMIT");
}

TEST(Partitions, WithoutColumnsThereIsOneGroupAlsoWhenEmpty) {
  std::vector<std::string> warnings;
  EXPECT_EQ(GroupByPartition({}, {}, {10, kDefaults}, &warnings)->size(), 1U);
  EXPECT_EQ(GroupByPartition({}, {Column("integer")}, {10, kDefaults}, &warnings)->size(), 0U);
}

}  // namespace
}  // namespace mms::migration
