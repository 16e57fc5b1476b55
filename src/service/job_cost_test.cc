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
                                 {"maxcompute.statement", "0.001"}});
  const auto lines = CostOf({std::nullopt, 5'000'000'000, 8'000'000'000, 20, 1'800'000}, prices);
  ASSERT_EQ(lines.size(), 5U);
  EXPECT_DOUBLE_EQ(*lines[0].cost(), 0.4);
  EXPECT_DOUBLE_EQ(*lines[1].cost(), 0.1);
  EXPECT_DOUBLE_EQ(*lines[2].cost(), 4);
  EXPECT_DOUBLE_EQ(*lines[3].cost(), 0.02);
  EXPECT_DOUBLE_EQ(*lines[4].cost(), 2);
  EXPECT_DOUBLE_EQ(*SumOf(lines), 6.52);
}

TEST(JobCost, WhatHasNoPriceIsUnknownUnlessThereIsNothingOfIt) {
  const Profile prices = Prices({{"azure.egress.gb", "0.08"}, {"network.gb", "0"}});
  const auto used = CostOf({std::nullopt, 1, 1, 1, 0}, prices);
  EXPECT_EQ(used[2].cost(), std::nullopt);
  EXPECT_EQ(used[3].cost(), std::nullopt);
  EXPECT_EQ(*used[4].cost(), 0) << "nothing was read by SQL";
  EXPECT_EQ(SumOf(used), std::nullopt);
  EXPECT_TRUE(SumOf(CostOf({std::nullopt, 1'000'000'000, 0, 0, 0}, prices)));
  EXPECT_EQ(SumOf(EstimateOf({std::nullopt, 0, 0, 0, 0}, prices)), std::nullopt);
}

TEST(JobCost, WhatCostsNothingIsKnownWhateverThereIsOfIt) {
  const Profile prices = Prices({{"azure.egress.gb", "0.08"}, {"network.sent.gb", "0"}});
  const auto estimated = EstimateOf({1'000'000'000, 0, 0, 0, 0, 3}, prices);
  EXPECT_EQ(estimated[2].quantity, std::nullopt);
  EXPECT_EQ(*estimated[2].cost(), 0);
}

TEST(JobCost, ABudgetInMoneyIsNotKeptWithoutAPrice) {
  const Profile prices =
      Prices({{"azure.egress.gb", "1"}, {"network.gb", "0"}, {"network.sent.gb", "0"}});
  JobConfig config;
  config.others = {{"max_egress_gb", "2"}, {"max_cost", "1.5"}};
  const Budget budget = *BudgetOf(config);
  EXPECT_EQ(ExceededBy({std::nullopt, 1'400'000'000, 0, 0, 0}, prices, budget), "");
  EXPECT_EQ(ExceededBy({std::nullopt, 1'600'000'000, 0, 0, 0}, prices, budget),
            "max_cost: 1.60 USD were spent, 1.5 are allowed");
  EXPECT_EQ(ExceededBy({std::nullopt, 2'000'000'000, 0, 9, 0}, prices, budget),
            "max_egress_gb: 2.000 GB were read, 2 are allowed");
  EXPECT_EQ(ExceededBy({std::nullopt, 100, 0, 9, 0}, prices, budget),
            "max_cost: what was spent is unknown: maxcompute.statement has no price; mms source "
            "prices set --set maxcompute.statement=...");
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
