#include "clients/databricks/call_limit.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <thread>
#include <vector>

namespace mms::databricks {
namespace {

/// How many of the calls that are always ready go out until `until_ms`.
int Taken(TokenBucket& bucket, int64_t from_ms, int64_t until_ms) {
  int taken = 0;
  for (int64_t now = from_ms; now < until_ms;) {
    const int64_t wait_ms = bucket.Take(now);
    taken += wait_ms == 0;
    now += wait_ms;
  }
  return taken;
}

TEST(TokenBucket, GivesABurstAndThenItsRate) {
  TokenBucket bucket({10, 20}, 0);
  EXPECT_EQ(Taken(bucket, 0, 1), 20);
  EXPECT_EQ(bucket.Take(1), 99);
  EXPECT_EQ(Taken(bucket, 1, 10'000), 99);
}

TEST(TokenBucket, SavesNoMoreThanABurst) {
  TokenBucket bucket({10, 20}, 0);
  EXPECT_EQ(Taken(bucket, 3'600'000, 3'600'001), 20);
}

TEST(TokenBucket, HalvesOnceForAnswersThatComeTogether) {
  TokenBucket bucket({10, 20}, 0);
  for (int i = 0; i < 10; ++i) bucket.Halve(5);
  EXPECT_DOUBLE_EQ(bucket.CallsPerSecond(5), 5);
  EXPECT_GT(bucket.Take(5), 0) << "a burst after a refusal";
  bucket.Halve(1005);
  EXPECT_NEAR(bucket.CallsPerSecond(1005), 2.58, 0.01);
}

TEST(TokenBucket, ComesBackSlowlyAndNeverBeyondItsRate) {
  TokenBucket bucket({10, 20}, 0);
  bucket.Halve(0);
  EXPECT_NEAR(bucket.CallsPerSecond(15'000), 7.5, 0.01);
  EXPECT_NEAR(bucket.CallsPerSecond(30'000), 10, 0.01);
  EXPECT_NEAR(bucket.CallsPerSecond(90'000), 10, 0.01);
}

TEST(TokenBucket, NeverStopsAltogether) {
  TokenBucket bucket({10, 20}, 0);
  for (int64_t now = 0; now < 20'000; now += 1000) bucket.Halve(now);
  EXPECT_GT(bucket.CallsPerSecond(19'000), 0.3);
  EXPECT_LE(bucket.Take(19'000), 4000);
}

TEST(TokenBucket, TakesAClockThatStandsStill) {
  TokenBucket bucket({10, 1}, 1000);
  EXPECT_EQ(bucket.Take(500), 0);
  EXPECT_EQ(bucket.Take(500), 100);
}

TEST(CallLimit, NeverHasMoreInFlightThanItsNumber) {
  CallLimit limit({{1e6, 1e6}, 3});
  std::atomic<int> now{0};
  std::atomic<int> most{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&] {
      for (int call = 0; call < 200; ++call) {
        auto turn = limit.Await({});
        ASSERT_TRUE(turn);
        const int seen = ++now;
        int known = most;
        while (seen > known && !most.compare_exchange_weak(known, seen)) {
        }
        std::this_thread::yield();
        --now;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_LE(most, 3);
  EXPECT_GE(most, 1);
}

TEST(CallLimit, StopsWaitingWhenCancelled) {
  CallLimit limit({{1e6, 1e6}, 1});
  auto first = limit.Await({});
  ASSERT_TRUE(first);
  auto second = limit.Await([] { return true; });
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().kind(), ErrorKind::kCancelled);
}

TEST(CallLimit, HoldsItsRateOnTheMachinesClock) {
  CallLimit limit({{50, 1}, 10});
  const auto start = std::chrono::steady_clock::now();
  for (int i = 0; i < 6; ++i) ASSERT_TRUE(limit.Await({}));
  EXPECT_GE(std::chrono::steady_clock::now() - start, std::chrono::milliseconds(98));
}

}  // namespace
}  // namespace mms::databricks
