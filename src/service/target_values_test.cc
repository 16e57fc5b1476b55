#include "service/target_values.h"

#include <gtest/gtest.h>

#include "service/example_source.h"
#include "service/job_choice.h"

namespace mms::service {
namespace {

migration::Policy PolicyOf(const nlohmann::json& more) {
  nlohmann::json settings = ExampleSettings();
  settings.update(more);
  const auto rules = ChoiceRulesOf(*ApplyChanges({}, settings, false), {});
  EXPECT_TRUE(rules) << rules.error().ToString();
  return rules->policy;
}

TEST(MapValues, GivesWhatAJobWouldMakeOfThem) {
  const migration::Policy policy = PolicyOf(
      {{"partition.value.mapping", {{"/", "_"}}}, {"legacy.partition.time.zone", "Asia/Shanghai"}});
  migration::TableEntry table;
  table.partition_columns = R"(["region","n","at"])";
  table.listed.columns_json = R"([{"name":"id","type":"string"},{"name":"region","type":"string"},)"
                              R"({"name":"n","type":"INT"},{"name":"at","type":"timestamp"}])";
  const auto columns = PartitionColumnsOf(table);
  const auto map = [&](const std::string& values) {
    std::vector<std::string> texts;
    for (const auto& value : MapValues(columns, values, policy)) {
      texts.push_back(value ? value->text : "none");
    }
    return texts;
  };
  using Texts = std::vector<std::string>;
  EXPECT_EQ(map(R"(["a/b","007","2024-07-01 08:00:00"])"),
            (Texts{"a_b", "7", "2024-07-01 00:00:00"}));
  const std::string null(migration::kNullPartition);
  EXPECT_EQ(map(R"(["a%b",null,null])"), (Texts{"none", null, null}));
  EXPECT_TRUE(map("[]").empty());
  EXPECT_TRUE(PartitionColumnsOf({}).empty()) << "nothing was read of it";
}

TEST(ColumnCollisions, AreNamedInPairs) {
  const migration::Policy policy = PolicyOf({{"column.name.mapping", {{"-", "_"}}}});
  migration::TableEntry table;
  table.listed.columns_json = R"([{"name":"a-b"},{"name":"A_b"},{"name":"c"},{"name":"d e"}])";
  JobConfig job;
  EXPECT_EQ(ColumnCollisions(table, job, policy), std::vector<std::string>{"a-b and A_b into a_b"});
  job.column_mapping = {{"A_B", "other"}};
  EXPECT_TRUE(ColumnCollisions(table, job, policy).empty());
  job.column_mapping["c"] = "Other";
  EXPECT_EQ(ColumnCollisions(table, job, policy), std::vector<std::string>{"A_b and c into other"});
}

}  // namespace
}  // namespace mms::service
