#include "clients/maxcompute/pacer.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

namespace mms::maxcompute {
namespace {

/// Time that passes when somebody sleeps.
struct Time {
  std::atomic<int64_t> now_ms{1'000'000};

  Pacer::Options Options() {
    Pacer::Options options;
    options.now_ms = [this] { return now_ms.load(); };
    options.sleep_ms = [this](int64_t ms) { now_ms += ms; };
    return options;
  }
};

const std::function<bool()> kNever;

/// The service's own count: no window of its length holds more than its number.
void ExpectWithin(const std::vector<int64_t>& times, size_t count, int64_t window_ms) {
  for (size_t i = count; i < times.size(); ++i) {
    ASSERT_GE(times[i] - times[i - count], window_ms) << "event " << i;
  }
}

TEST(Pacer, KeepsEveryDocumentedLimit) {
  const struct {
    Limit limit;
    size_t count;
    int64_t window_ms;
  } limits[] = {{Limit::kUploadSessions, 500, 300'000},
                {Limit::kBlocks, 500, 300'000},
                {Limit::kCommits, 75, 15'000},
                {Limit::kDownloadSessions, 200, 300'000},
                {Limit::kInstanceDownloads, 200, 300'000}};
  for (const auto& item : limits) {
    Time time;
    Pacer pacer(time.Options());
    std::vector<int64_t> times;
    for (int i = 0; i < 2000; ++i) {
      ASSERT_TRUE(pacer.Await(item.limit, "t", kNever));
      times.push_back(time.now_ms);
      time.now_ms += i * 37 % 400;  // work between
    }
    ExpectWithin(times, item.count, item.window_ms);
    const Pacer::Waits waits = pacer.waits(item.limit);
    EXPECT_EQ(waits.granted, 2000) << LimitName(item.limit);
    EXPECT_GT(waits.delayed, 0);
    EXPECT_GT(waits.wait_ms, 0);
  }
}

TEST(Pacer, WhatFitsIsNeverHeldUp) {
  Time time;
  Pacer pacer(time.Options());
  for (int i = 0; i < 500; ++i) EXPECT_EQ(pacer.Ask(Limit::kBlocks, "t"), 0);
  EXPECT_EQ(pacer.Ask(Limit::kBlocks, "other"), 0) << "tables are counted apart";
  EXPECT_EQ(pacer.Ask(Limit::kUploadSessions, "t"), 0) << "and so are limits";
  EXPECT_EQ(time.now_ms, 1'000'000);
  EXPECT_EQ(pacer.waits(Limit::kBlocks).delayed, 0);
}

TEST(Pacer, WhoAsksIsToldWhenToAskAgain) {
  Time time;
  Pacer pacer(time.Options());
  for (int i = 0; i < 500; ++i) ASSERT_EQ(pacer.Ask(Limit::kBlocks, "t"), 0);
  const int64_t wait_ms = pacer.Ask(Limit::kBlocks, "t");
  EXPECT_EQ(wait_ms, 305'000);
  time.now_ms += wait_ms - 1;
  EXPECT_EQ(pacer.Ask(Limit::kBlocks, "t"), 1) << "a refusal is not counted";
  time.now_ms += 1;
  EXPECT_EQ(pacer.Ask(Limit::kBlocks, "t"), 0);
  const Pacer::Waits waits = pacer.waits(Limit::kBlocks);
  EXPECT_EQ(waits.granted, 501);
  EXPECT_EQ(waits.delayed, 1);
  EXPECT_EQ(waits.wait_ms, 305'000);
}

TEST(Pacer, NobodyOvertakesThoseWhoWait) {
  Time time;
  Pacer pacer(time.Options());
  for (int i = 0; i < 75; ++i) ASSERT_TRUE(pacer.Await(Limit::kCommits, "t", kNever));
  EXPECT_EQ(time.now_ms, 1'000'000);
  // Turns are kept free in advance, so a pacer whose sleeps do nothing gives out later and later
  // ones.
  Pacer::Options options = time.Options();
  options.sleep_ms = [](int64_t) {};
  Pacer ahead(options);
  for (int i = 0; i < 150; ++i) ASSERT_TRUE(ahead.Await(Limit::kCommits, "t", kNever));
  EXPECT_EQ(ahead.Ask(Limit::kCommits, "t"), 2 * 15'500);
}

TEST(Pacer, TheScaleShortensWindowsOnly) {
  Time time;
  Pacer::Options options = time.Options();
  options.time_scale = 0.01;
  Pacer pacer(options);
  for (int i = 0; i < 75; ++i) ASSERT_EQ(pacer.Ask(Limit::kCommits, "t"), 0);
  EXPECT_EQ(pacer.Ask(Limit::kCommits, "t"), 150 + 500);
}

TEST(Pacer, CancellingEndsTheWait) {
  Time time;
  Pacer pacer(time.Options());
  for (int i = 0; i < 75; ++i) ASSERT_EQ(pacer.Ask(Limit::kCommits, "t"), 0);
  const Status status = pacer.Await(Limit::kCommits, "t", [] { return true; });
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().kind(), ErrorKind::kCancelled);
  EXPECT_EQ(time.now_ms, 1'000'000);
}

TEST(Pacer, CommitsAtOnceAreCountedUntilTheyEnd) {
  Time time;
  Pacer::Options options = time.Options();
  options.commits_at_once = 2;
  Pacer pacer(options);
  auto first = std::make_unique<Result<Pacer::CommitTurn>>(pacer.AwaitCommit("t", kNever));
  ASSERT_TRUE(*first);
  const Result<Pacer::CommitTurn> second = pacer.AwaitCommit("t", kNever);
  ASSERT_TRUE(second);
  EXPECT_TRUE(pacer.AwaitCommit("other", kNever));
  int looks = 0;
  const auto third = pacer.AwaitCommit("t", [&looks] { return ++looks > 10; });
  ASSERT_FALSE(third);
  EXPECT_EQ(third.error().kind(), ErrorKind::kCancelled);
  first.reset();
  EXPECT_TRUE(pacer.AwaitCommit("t", kNever));
}

TEST(Pacer, ManyTablesAreForgottenAgain) {
  Time time;
  Pacer pacer(time.Options());
  for (int i = 0; i < 5000; ++i) {
    ASSERT_EQ(pacer.Ask(Limit::kBlocks, "t" + std::to_string(i)), 0);
    time.now_ms += 1000;
  }
  EXPECT_EQ(pacer.waits(Limit::kBlocks).granted, 5000);
}

TEST(Pacer, ThreadsShareOneCount) {
  Time time;
  Pacer pacer(time.Options());
  std::atomic<int> granted{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 8; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 100; ++i) granted += pacer.Ask(Limit::kBlocks, "t") == 0;
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(granted, 500);
}

}  // namespace
}  // namespace mms::maxcompute
