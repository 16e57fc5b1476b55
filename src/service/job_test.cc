#include "service/job.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace mms::service {
namespace {

TEST(JobConfig, IsThereAgainWithTheKeysOfTheApi) {
  JobConfig config;
  config.tables = {"a"};
  config.partitions = {7};
  config.partition_filters = {{"a", "p = 1"}};
  config.table_blacklist = {"x"};
  config.column_mapping = {{"c", "d"}};
  config.schema_migration = false;
  config.increment = false;
  config.others = {{"k", "v"}};
  EXPECT_EQ(JobConfigFromJson(ToJson(config)).value(), config);
  EXPECT_TRUE(ToJson(config).contains("tableBlackList"));
  EXPECT_EQ(JobConfigFromJson(nlohmann::json::object()).value(), JobConfig());
}

TEST(JobConfig, AValueOfAnotherFormIsRefusedByItsKey) {
  for (const char* text : {R"({"tables": 5})", R"({"increment": "yes"})", R"({"partitions": "x"})",
                           R"({"tableMapping": ["a"]})"}) {
    const auto read = JobConfigFromJson(nlohmann::json::parse(text));
    ASSERT_FALSE(read) << text;
    EXPECT_EQ(read.error().code(), "JOB_CONFIG");
    const std::string key = nlohmann::json::parse(text).begin().key();
    EXPECT_EQ(read.error().message().find(key), 0U) << read.error().message();
  }
}

TEST(Job, ItsStatusIsThatOfItsTasks) {
  const auto status = [](TaskCounts tasks) {
    Job job;
    job.tasks = tasks;
    return StatusName(StatusOf(job));
  };
  EXPECT_EQ(status({3, 3, 0, 0, 0}), "INIT");
  EXPECT_EQ(status({3, 2, 1, 0, 0}), "DOING");
  EXPECT_EQ(status({3, 1, 0, 1, 1}), "DOING");
  EXPECT_EQ(status({3, 0, 0, 2, 1}), "FAILED");
  EXPECT_EQ(status({3, 0, 0, 3, 0}), "DONE");
}

}  // namespace
}  // namespace mms::service
