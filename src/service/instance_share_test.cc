#include "service/instance_share.h"

#include <gtest/gtest.h>

#include <memory>
#include <vector>

namespace mms::service {
namespace {

struct InstanceShareTest : testing::Test {
  int64_t now_ms = 1'000;
  InstanceShares shares{4, [this] { return now_ms; }};
};

TEST_F(InstanceShareTest, TasksThatRunTogetherShareItInEqualParts) {
  const auto first = shares.Begin();
  now_ms += 100;
  auto second = shares.Begin();
  now_ms += 60;
  EXPECT_EQ(first->taken().unit_ms, 400 + 120);
  EXPECT_EQ(second->taken().unit_ms, 120);
  second.reset();
  now_ms += 10;
  EXPECT_EQ(first->taken().unit_ms, 400 + 120 + 40);
  EXPECT_EQ(first->taken().until_ms, 1'170);
}

TEST_F(InstanceShareTest, WhileNoTaskRunsNoneTakesIt) {
  { const auto earlier = shares.Begin(); }
  now_ms += 5'000;
  const auto later = shares.Begin();
  EXPECT_EQ(later->taken().unit_ms, 0);
  now_ms += 5;
  EXPECT_EQ(later->taken().unit_ms, 20);
}

TEST_F(InstanceShareTest, TogetherTheyNeverTakeMoreThanTheInstanceGave) {
  int64_t taken = 0;
  std::vector<std::unique_ptr<InstanceShares::Share>> running;
  const int64_t begun_ms = now_ms;
  for (int64_t i = 0; i < 500; ++i) {
    now_ms += i % 7;
    running.push_back(shares.Begin());
    if (i % 3 == 0) continue;
    taken += running.front()->taken().unit_ms;
    running.erase(running.begin());
  }
  for (const auto& share : running) taken += share->taken().unit_ms;
  EXPECT_LE(taken, (now_ms - begun_ms) * 4);
  EXPECT_GT(taken, (now_ms - begun_ms) * 4 * 9 / 10) << "but for what is left of a division";
}

TEST_F(InstanceShareTest, AClockThatIsSetBackGivesNoTimeTwice) {
  const auto share = shares.Begin();
  now_ms += 1'000;
  EXPECT_EQ(share->taken().unit_ms, 4'000);
  now_ms -= 600;
  EXPECT_EQ(share->taken().unit_ms, 4'000);
  EXPECT_EQ(share->taken().until_ms, 2'000);
  now_ms += 700;
  EXPECT_EQ(share->taken().unit_ms, 4'400);
}

}  // namespace
}  // namespace mms::service
