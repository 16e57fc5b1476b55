#include "service/job_cost.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace mms::service {
namespace {

Profile Prices(const nlohmann::json& changes) {
  const auto prices = ApplyPriceChanges({}, changes);
  EXPECT_TRUE(prices) << prices.error().ToString();
  return prices ? *prices : Profile();
}

TEST(JobCost, EachPayersQuantityIsPricedByTheBook) {
  const Profile prices = Prices({{"azure.egress.gb", "0.08"},
                                 {"network.gb", "0.02"},
                                 {"network.sent.gb", "0.5"},
                                 {"databricks.hour", "4"},
                                 {"maxcompute.statement", "0.001"},
                                 {"maxcompute.cu.hour", "0.3"}});
  JobUse use{std::nullopt, 5'000'000'000, 8'000'000'000, 20, 1'800'000};
  use.unit_ms = 7'200'000;
  const auto lines = CostOf(use, prices);
  ASSERT_EQ(lines.size(), 6U);
  EXPECT_DOUBLE_EQ(*lines[0].cost(), 0.4);
  EXPECT_DOUBLE_EQ(*lines[1].cost(), 0.1);
  EXPECT_DOUBLE_EQ(*lines[2].cost(), 4);
  EXPECT_DOUBLE_EQ(*lines[3].cost(), 0.02);
  EXPECT_DOUBLE_EQ(*lines[4].quantity, 2) << "compute units and hours";
  EXPECT_DOUBLE_EQ(*lines[4].cost(), 0.6);
  EXPECT_DOUBLE_EQ(*lines[5].cost(), 2);
  EXPECT_DOUBLE_EQ(*SumOf(lines), 7.12);
}

TEST(JobCost, WhatHasNoPriceIsUnknownUnlessThereIsNothingOfIt) {
  const Profile prices = Prices({{"azure.egress.gb", "0.08"}, {"network.gb", "0"}});
  const auto used = CostOf({std::nullopt, 1, 1, 1, 0}, prices);
  EXPECT_EQ(used[2].cost(), std::nullopt);
  EXPECT_EQ(used[3].cost(), std::nullopt);
  EXPECT_EQ(*used[5].cost(), 0) << "nothing was read by SQL";
  EXPECT_EQ(SumOf(used), std::nullopt);
  EXPECT_TRUE(SumOf(CostOf({std::nullopt, 1'000'000'000, 0, 0, 0}, prices)));
  EXPECT_EQ(SumOf(EstimateOf({std::nullopt, 0, 0, 0, 0}, prices, {})), std::nullopt);
}

TEST(JobCost, WhatCostsNothingIsKnownWhateverThereIsOfIt) {
  const Profile prices = Prices({{"azure.egress.gb", "0.08"}, {"network.sent.gb", "0"}});
  const auto estimated = EstimateOf({1'000'000'000, 0, 0, 0, 0, 3}, prices, {});
  EXPECT_EQ(estimated[2].quantity, std::nullopt);
  EXPECT_EQ(*estimated[2].cost(), 0);
}

TEST(JobCost, WhatAnEarlierJobTookForAsManyBytesIsExpectedAndNothingElse) {
  JobUse use;
  use.bytes_planned = 6'000'000'000;
  const JobRate earlier{2'000'000'000, 5'000, 3'000'000'000, 7'200'000};
  const auto lines = EstimateOf(use, {}, earlier);
  EXPECT_DOUBLE_EQ(*lines[2].quantity, 9) << "GB that are sent";
  EXPECT_DOUBLE_EQ(*lines[4].quantity, 6) << "compute units and hours";
  const auto uncounted = EstimateOf(use, {}, JobRate{2'000'000'000, 5'000});
  EXPECT_EQ(uncounted[2].quantity, std::nullopt);
  EXPECT_EQ(uncounted[4].quantity, std::nullopt);
  const auto first = EstimateOf(use, {}, {});
  EXPECT_EQ(first[2].quantity, std::nullopt);
  EXPECT_EQ(first[4].quantity, std::nullopt);
  use.bytes_planned.reset();
  EXPECT_EQ(EstimateOf(use, {}, earlier)[2].quantity, std::nullopt);
}

TEST(JobCost, ABudgetInMoneyIsNotKeptWithoutAPrice) {
  const Profile prices =
      Prices({{"azure.egress.gb", "1"}, {"network.gb", "0"}, {"network.sent.gb", "0"}});
  JobConfig config;
  config.others = {{"max_egress_gb", "2"}, {"max_cost", "1.5"}};
  const Budget budget = *BudgetOf(config);
  EXPECT_FALSE(ExceededBy(7, {std::nullopt, 1'400'000'000, 0, 0, 0}, prices, budget));
  const auto spent = ExceededBy(7, {std::nullopt, 1'600'000'000, 0, 0, 0}, prices, budget);
  ASSERT_TRUE(spent);
  EXPECT_EQ(spent->reason, "max_cost: 1.60 USD were spent, 1.5 are allowed");
  EXPECT_EQ(spent->remedy, "mms job start 7 --set max_cost=...");
  const auto read = ExceededBy(7, {std::nullopt, 2'000'000'000, 0, 9, 0}, prices, budget);
  ASSERT_TRUE(read);
  EXPECT_EQ(read->reason, "max_egress_gb: 2.000 GB were read, 2 are allowed");
  EXPECT_EQ(read->remedy, "mms job start 7 --set max_egress_gb=...");
  config.others = {{"max_egress_gb", "0.000001"}};
  const auto little = ExceededBy(7, {std::nullopt, 1'024, 0, 9, 0}, prices, *BudgetOf(config));
  ASSERT_TRUE(little);
  EXPECT_EQ(little->reason, "max_egress_gb: 0.000001024 GB were read, 0.000001 are allowed");
}

TEST(JobCost, AStopForAPriceNamesEachThatIsMissing) {
  const Profile prices =
      Prices({{"azure.egress.gb", "1"}, {"network.gb", "0"}, {"network.sent.gb", "0"}});
  const Budget budget{std::nullopt, 1.5};
  const auto one = ExceededBy(7, {std::nullopt, 100, 0, 9, 0}, prices, budget);
  ASSERT_TRUE(one);
  EXPECT_EQ(one->reason, "max_cost: what was spent is unknown: maxcompute.statement has no price");
  EXPECT_EQ(one->remedy,
            "mms source prices set --set maxcompute.statement=..., then mms job start 7");
  JobUse use{std::nullopt, 100, 0, 9, 0};
  use.unit_ms = 1;
  EXPECT_EQ(ExceededBy(7, use, prices, budget)->reason,
            "max_cost: what was spent is unknown: maxcompute.statement, maxcompute.cu.hour have no "
            "price");
  use.unit_ms.reset();  // of a task that began before this was counted
  use.statements = 0;
  const auto uncounted = ExceededBy(7, use, prices, budget);
  ASSERT_TRUE(uncounted);
  EXPECT_EQ(uncounted->reason,
            "max_cost: what was spent is unknown: not all of it was counted for "
            "maxcompute.cu.hour");
  EXPECT_EQ(uncounted->remedy,
            "mms source prices set --set maxcompute.cu.hour=0, then mms job start 7");
}

TEST(JobCost, ANumberThatIsNoneIsRefusedByItsKey) {
  JobConfig config;
  config.others = {{"max_cost", "0"}};
  EXPECT_EQ(BudgetOf(config).error().code(), "JOB_CONFIG");
  config.others = {{"max_egress_gb", "much"}};
  EXPECT_NE(BudgetOf(config).error().message().find("max_egress_gb"), std::string::npos);
  EXPECT_EQ(ApplyPriceChanges({}, {{"network.gb", "1 USD"}}).error().code(), "CONFIG_VALUE");
  EXPECT_EQ(ApplyPriceChanges({}, {{"rent", "1"}}).error().code(), "CONFIG_UNKNOWN_KEY");
}

}  // namespace
}  // namespace mms::service
