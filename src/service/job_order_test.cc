#include "service/job_order.h"

#include <gtest/gtest.h>

namespace mms::service {
namespace {

migration::JobTaskOrder Order(const JobConfig& config) {
  JobTask task;
  task.src_db = "sales";
  task.src_table = "Orders";
  return *OrderOf(task, config, nullptr);
}

TEST(JobOrder, ATableIsRenamedByEveryFormThatTheChoiceOfTablesTakes) {
  for (const char* entry : {"Orders", "ORDERS", "sales.orders", "Sales.Orders", "*.orders"}) {
    JobConfig config;
    config.table_mapping = {{entry, "bought"}};
    EXPECT_EQ(Order(config).target_as, "bought") << entry;
  }
  for (const char* entry : {"orders2", "hr.orders"}) {
    JobConfig config;
    config.table_mapping = {{entry, "bought"}};
    EXPECT_EQ(Order(config).target_as, "") << entry;
  }
}

TEST(JobOrder, PartitionLevelsAreTheJobs) {
  JobConfig config;
  EXPECT_EQ(Order(config).partition_levels, std::nullopt);
  config.others["max_partition_level"] = "0";
  EXPECT_EQ(Order(config).partition_levels, 0);
  config.others["max_partition_level"] = "7";
  EXPECT_EQ(OrderOf({}, config, nullptr).error().code(), "JOB_CONFIG");
}

}  // namespace
}  // namespace mms::service
