#include "sandbox/limits.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace mms::sandbox {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

Target On(CallName name, const std::string& table) {
  Target target;
  target.name = name;
  target.project = "p";
  target.object = table;
  return target;
}

LimitOptions Enforced() {
  LimitOptions options;
  options.enforce = true;
  return options;
}

TEST(Limits, FiveHundredBlocksOfATableInFiveMinutesAndNotOneMore) {
  Limits limits(Enforced());
  auto now = Limits::Clock::now();
  for (int i = 0; i < 500; ++i) {
    ASSERT_TRUE(limits.Admit(On(CallName::kPutBlock, "t"), now + milliseconds(i))) << i;
  }
  auto refused = limits.Admit(On(CallName::kPutBlock, "t"), now + seconds(1));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), "FlowExceeded");
  EXPECT_TRUE(limits.Admit(On(CallName::kPutBlock, "other"), now + seconds(1)));
  EXPECT_TRUE(limits.Admit(On(CallName::kGetUpload, "t"), now + seconds(1)));
  EXPECT_FALSE(limits.Admit(On(CallName::kPutBlock, "t"), now + seconds(299)));
  EXPECT_TRUE(limits.Admit(On(CallName::kPutBlock, "t"), now + seconds(300)));
}

TEST(Limits, AScaleShortensTheWindowsAndKeepsTheNumbers) {
  LimitOptions options = Enforced();
  options.window_scale = 0.02;
  Limits limits(options);
  auto now = Limits::Clock::now();
  for (int i = 0; i < 75; ++i) ASSERT_TRUE(limits.Admit(On(CallName::kCommitUpload, "t"), now));
  EXPECT_FALSE(limits.Admit(On(CallName::kCommitUpload, "t"), now + milliseconds(299)));
  EXPECT_TRUE(limits.Admit(On(CallName::kCommitUpload, "t"), now + milliseconds(301)));
}

TEST(Limits, ASlotIsHeldUntilItsCallEnds) {
  LimitOptions options = Enforced();
  options.slots = 2;
  Limits limits(options);
  auto now = Limits::Clock::now();
  auto first = limits.Admit(On(CallName::kPutBlock, "a"), now);
  auto second = limits.Admit(On(CallName::kReadDownload, "b"), now);
  ASSERT_TRUE(first);
  ASSERT_TRUE(second);
  auto third = limits.Admit(On(CallName::kCreateUpload, "c"), now);
  ASSERT_FALSE(third);
  EXPECT_EQ(third.error().code(), "SlotExceeded");
  first->reset();
  EXPECT_TRUE(limits.Admit(On(CallName::kCreateUpload, "c"), now));
}

TEST(Limits, ThirtyTwoCommitsOfATableRunAtOnce) {
  Limits limits(Enforced());
  auto now = Limits::Clock::now();
  std::vector<std::unique_ptr<Limits::Admission>> running;
  for (int i = 0; i < 32; ++i) {
    auto admitted = limits.Admit(On(CallName::kCommitUpload, "t"), now);
    ASSERT_TRUE(admitted);
    running.push_back(std::move(*admitted));
  }
  EXPECT_FALSE(limits.Admit(On(CallName::kCommitUpload, "t"), now));
  running.pop_back();
  EXPECT_TRUE(limits.Admit(On(CallName::kCommitUpload, "t"), now));
  auto told = limits.Describe()["commits_at_once"];
  EXPECT_EQ(told["refused"], 1);
  EXPECT_EQ(told["peak"], 32);
}

TEST(Limits, WhatIsRefusedDoesNotCount) {
  Limits limits(Enforced());
  auto now = Limits::Clock::now();
  for (int i = 0; i < 200; ++i) ASSERT_TRUE(limits.Admit(On(CallName::kCreateDownload, "t"), now));
  for (int i = 0; i < 1000; ++i) {
    ASSERT_FALSE(limits.Admit(On(CallName::kCreateDownload, "t"), now + seconds(200)));
  }
  EXPECT_TRUE(limits.Admit(On(CallName::kCreateDownload, "t"), now + seconds(300)));
}

TEST(Limits, NothingIsRefusedUnlessEnforced) {
  Limits limits({});
  auto now = Limits::Clock::now();
  for (int i = 0; i < 2'000; ++i) ASSERT_TRUE(limits.Admit(On(CallName::kPutBlock, "t"), now));
  EXPECT_EQ(limits.BytesPerSecond(CallName::kPutBlock), 0);
}

TEST(Limits, TheThrottleIsForRowsThatComeOrGo) {
  Limits limits(Enforced());
  EXPECT_EQ(limits.BytesPerSecond(CallName::kPutBlock), 10'000'000);
  EXPECT_EQ(limits.BytesPerSecond(CallName::kReadDownload), 10'000'000);
  EXPECT_EQ(limits.BytesPerSecond(CallName::kGetTable), 0);
}

}  // namespace
}  // namespace mms::sandbox
