#include "migration/workflow/unit_window.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "migration/workflow/task_pool.h"
#include "migration/workflow/unit_load.h"

namespace mms::migration {
namespace {

Error Make(ErrorKind kind, const char* code) { return Error(kind, code, "x"); }

TEST(UnitWindow, OneUnitMayAlwaysEnterHoweverLargeItsPlan) {
  UnitWindow window;
  window.Enter(1ULL << 40);
  window.Leave(1ULL << 40);
  window.Drain();
}

TEST(UnitWindow, PlansUnderWayStayWithinTheirBytes) {
  constexpr size_t kPlanBytes = 10ULL << 20;
  UnitWindow window;
  std::atomic<int> inside{0};
  std::atomic<int> most{0};
  TaskPool pool(8);
  for (int i = 0; i < 40; ++i) {
    window.Enter(kPlanBytes);
    const int now = ++inside;
    if (now > most) most = now;
    pool.Submit([&] {
      --inside;
      window.Leave(kPlanBytes);
    });
  }
  window.Drain();
  EXPECT_EQ(inside, 0);
  EXPECT_LE(most, 3);
}

TEST(UnitWindow, AMissingRightStopsTheTableAndOneBadPartitionDoesNot) {
  UnitWindow window;
  window.Fail(Make(ErrorKind::kCorrupt, "ROWS_DIFFER"));
  EXPECT_FALSE(window.ShouldStop());
  EXPECT_EQ(window.error()->code(), "ROWS_DIFFER");
  window.Fail(Make(ErrorKind::kDenied, "STORAGE_SAS_EXPIRED"));
  EXPECT_TRUE(window.ShouldStop());
  EXPECT_EQ(window.error()->code(), "STORAGE_SAS_EXPIRED");
  EXPECT_EQ(window.failed(), 2);
}

TEST(UnitWindow, ManyBadPartitionsStopTheTable) {
  UnitWindow window;
  for (int i = 0; i < 19; ++i) window.Fail(Make(ErrorKind::kCorrupt, "X"));
  EXPECT_FALSE(window.ShouldStop());
  window.Fail(Make(ErrorKind::kCorrupt, "X"));
  EXPECT_TRUE(window.ShouldStop());
}

TEST(UnitWindow, FilesThatAreGoneWeighMoreThanWhatFollowsFromIt) {
  UnitWindow window;
  window.Fail(Make(ErrorKind::kNotFound, "STORAGE_NOT_FOUND"));
  window.Fail(Make(ErrorKind::kCancelled, "CANCELLED"));
  window.Fail(Make(ErrorKind::kUnavailable, "ODPS_UNAVAILABLE"));
  EXPECT_TRUE(window.ShouldStop());
  EXPECT_EQ(window.error()->code(), "STORAGE_NOT_FOUND");
  EXPECT_TRUE(IsSourceGone(*window.error()));
}

TEST(UnitLoad, WhatIsMissingAtTheTargetIsNotTakenForAMissingSource) {
  EXPECT_FALSE(IsSourceGone(Make(ErrorKind::kNotFound, "TUNNEL_NO_SUCH_UPLOAD")));
  EXPECT_FALSE(IsSourceGone(Make(ErrorKind::kNotFound, "ODPS_PARTITION_NOT_FOUND")));
  EXPECT_FALSE(IsSourceGone(Make(ErrorKind::kUnavailable, "STORAGE_UNREACHABLE")));
  EXPECT_TRUE(IsSourceGone(Make(ErrorKind::kNotFound, "STORAGE_NOT_FOUND")));
}

TEST(TaskPool, TasksMayHandOutTasksAndAllAreRunBeforeItEnds) {
  std::atomic<int> ran{0};
  {
    TaskPool second(3);
    TaskPool first(3);
    for (int i = 0; i < 100; ++i) {
      first.Submit([&] {
        ++ran;
        second.Submit([&] { ++ran; });
      });
    }
  }
  EXPECT_EQ(ran, 200);
}

TEST(ForEach, EveryIndexIsVisitedOnce) {
  std::vector<std::atomic<int>> visits(1000);
  ForEach(4, visits.size(), [&](size_t i) { ++visits[i]; });
  for (const auto& count : visits) EXPECT_EQ(count, 1);
  ForEach(4, 0, [](size_t) { FAIL(); });
}

}  // namespace
}  // namespace mms::migration
