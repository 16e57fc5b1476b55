// What a timer says, checked as the making of its jobs would. How a job is made is tested where its
// parts are, and by job_test.py.
#include "service/job_making.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <functional>

#include "service/service.h"
#include "service/store_fixture.h"

namespace mms::service {
namespace {

using migration::Metadata;

class CheckTimerTest : public StoreWithSource {
 protected:
  /// Tables of schema s, each with partitions day=1 and day=2.
  void Scan(const std::vector<std::string>& tables) {
    const std::string folder = SourceFolder(folder_, source_);
    std::filesystem::create_directories(folder);
    const auto metadata = *Metadata::Open(folder);
    const int64_t scan = *metadata->BeginScan("", 1);
    ASSERT_TRUE(metadata->SaveDatabase(scan, "s", ""));
    for (const std::string& table : tables) {
      migration::ListedTable listed;
      listed.name = "main.s." + table;
      listed.database = "s";
      listed.table = listed.catalog_id = table;
      listed.columns_json = R"([{"name":"day","type":"int"},{"name":"n","type":"string"}])";
      ASSERT_TRUE(metadata->SaveListed(scan, {listed}));
      migration::TableRead read;
      read.table_id = (*metadata->FindTable(listed.name))->id;
      read.entry.version = read.entry.data_version = 1;
      read.entry.delta_id = "d";
      read.entry.partition_columns = R"(["day"])";
      read.entry.partitions = 2;
      for (const char* value : {R"(["1"])", R"(["2"])"}) {
        migration::PartitionEntry partition;
        partition.values = value;
        partition.data_version = 1;
        read.inserts.push_back(partition);
      }
      ASSERT_TRUE(metadata->SaveRead(scan, read));
    }
    ASSERT_TRUE(metadata->EndScan(scan, {migration::ScanState::kDone, "{}", 2}));
  }

  /// What it says of a timer, "" = nothing.
  std::string Verdict(const std::function<void(JobConfig*)>& say) {
    JobTimer timer;
    timer.source_id = source_;
    timer.name = "nightly";
    timer.src_db = "s";
    say(&timer.config);
    const Status checked = CheckTimer(*store_, folder_, timer);
    return checked ? "" : checked.error().ToString();
  }
};

TEST_F(CheckTimerTest, WhatDoesNotGoTogetherIsRefusedBeforeAnythingIsScanned) {
  struct Case {
    std::function<void(JobConfig*)> say;
    std::string named;
  };
  const Case cases[] = {
      {[](JobConfig* config) { config->schema_migration = config->data_migration = false; },
       "enableSchemaMigration and enableDataMigration are both false"},
      {[](JobConfig* config) {
         config->tables = {"a"};
         config->table_blacklist = {"b"};
       },
       "tableWhiteList and tableBlackList are for a job of a whole schema"},
      {[](JobConfig* config) {
         config->tables = {"a"};
         config->partitions = {1};
       },
       "both say what is meant"},
      {[](JobConfig* config) {
         config->partition_filters = {{"a", "day = 1"}};
       },
       "partitionFilters needs its tables named"},
      {[](JobConfig* config) {
         config->others = {{"task.max.num", "3"}};
       },
       "others.task.max.num is nothing that a job has of its own"},
      {[](JobConfig* config) {
         config->others = {{"max_partition_level", "7"}};
       },
       "others.max_partition_level must be from 0 to 6"},
      {[](JobConfig* config) {
         config->others = {{"max_cost", "much"}};
       },
       "max_cost"},
  };
  for (const Case& item : cases) {
    const std::string verdict = Verdict(item.say);
    EXPECT_NE(verdict.find(item.named), std::string::npos) << item.named << ": " << verdict;
  }
  EXPECT_EQ(Verdict([](JobConfig* config) { config->tables = {"a"}; }), "") << "a scan may find it";
}

TEST_F(CheckTimerTest, WhatTheMetadataRefutesIsRefusedAndWhatAScanMayBringIsNot) {
  Scan({"orders", "people"});
  const auto filter = [&](const std::string& table, const std::string& condition) {
    return Verdict([&](JobConfig* config) {
      config->tables = {"orders", "later"};
      config->partition_filters = {{table, condition}};
    });
  };
  EXPECT_EQ(filter("orders", "day > 1"), "");
  EXPECT_EQ(filter("s.orders", "day > 9"), "") << "such partitions may come";
  EXPECT_EQ(filter("s.later", "week > 9"), "") << "nothing is known of it";
  EXPECT_NE(filter("orders", "week > 9").find("PARTITION_FILTER"), std::string::npos);
  EXPECT_NE(filter("orders", "day >").find("PARTITION_FILTER"), std::string::npos);
  EXPECT_NE(filter("people", "day > 1").find("not among the job's tables"), std::string::npos);
  const std::string one = Verdict([](JobConfig* config) {
    config->table_mapping = {{"orders", "people"}};
  });
  EXPECT_NE(one.find("JOB_COLLISION"), std::string::npos) << one;
  const std::string unknown = Verdict([](JobConfig* config) { config->partitions = {99}; });
  EXPECT_NE(unknown.find("JOB_PARTITIONS_NOT_FOUND"), std::string::npos) << unknown;
  ASSERT_TRUE(store_->SaveMappings(source_, {{"s", "orders", "", "gold", ""}}));
  const std::string two = Verdict([](JobConfig*) {});
  EXPECT_NE(two.find("JOB_DESTINATIONS"), std::string::npos) << two;
  EXPECT_EQ(Verdict([](JobConfig* config) { config->table_whitelist = {"people"}; }), "");
}

}  // namespace
}  // namespace mms::service
