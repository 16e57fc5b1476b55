#include "migration/workflow/run_facts.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace mms::migration {
namespace {

TEST(RunFacts, ComeBackAsTheyWereKept) {
  for (const std::optional<CodecReport>& codec :
       {std::optional<CodecReport>(), std::optional(CodecReport{"raw", "\"no\" to zstd"})}) {
    RunFacts facts{codec, {{"blocks", 960, 460, 12'000}, {"commits", 2, 0, 0}}};
    for (const std::optional<RateReport>& rate :
         {std::optional<RateReport>(), std::optional(RateReport{1LL << 40, 7})}) {
      facts.rate = rate;
      const auto back = RunFactsFromJson(nlohmann::json::parse(ToJson(facts).dump()));
      ASSERT_TRUE(back) << back.error().ToString();
      EXPECT_EQ(*back, facts);
    }
  }
}

TEST(RunFacts, ThoseOfAnEarlierReleaseHaveNoRate) {
  const auto back = RunFactsFromJson(nlohmann::json::parse(R"({"codec":null,"pacing":{}})"));
  ASSERT_TRUE(back) << back.error().ToString();
  EXPECT_EQ(back->rate, std::nullopt);
}

TEST(RunFacts, WhatIsNoneIsTold) {
  for (const char* text : {"", "[]", "{}", R"({"codec": 7, "pacing": {}})"}) {
    const auto back = RunFactsFromJson(nlohmann::json::parse(text, nullptr, false));
    ASSERT_FALSE(back) << text;
    EXPECT_EQ(back.error().code(), "LEDGER_RUN_UNREADABLE");
  }
}

}  // namespace
}  // namespace mms::migration
