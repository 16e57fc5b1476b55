#include "migration/workflow/progress.h"

#include <gtest/gtest.h>

#include <thread>

namespace mms::migration {
namespace {

using Stage = TableProgress::Stage;

TEST(Progress, EveryTableIsShownOnceAndSummedWhateverItsStage) {
  Progress progress;
  const auto first = progress.Add("a");
  const auto second = progress.Add("b");
  const auto third = progress.Add("c");
  progress.SetTotals(first, {0, 100, 2}, {5, 40, 1});
  progress.SetTotals(second, {0, 50, 1}, {});
  progress.Move(first, {5, 60, 1});
  progress.SetStage(first, Stage::kDone);
  progress.SetStage(second, Stage::kCopying);
  progress.SetStage(third, Stage::kRefused);
  const Progress::View view = progress.Read();
  ASSERT_EQ(view.running.size(), 3u);
  EXPECT_EQ(view.running[0].name, "a");
  EXPECT_EQ(view.running[0].units_done, 2);
  EXPECT_TRUE(view.running[0].Ended());
  EXPECT_FALSE(view.running[1].Ended());
  EXPECT_EQ(view.tables_total, 3);
  EXPECT_EQ(view.tables_done, 1);
  EXPECT_EQ(view.tables_failed, 1);
  EXPECT_EQ(view.bytes_total, 150);
  EXPECT_EQ(view.bytes_done, 100);
  EXPECT_EQ(view.rows_done, 10);
}

TEST(Progress, AChangeIsToldOnceAndMayReadFromWithin) {
  Progress progress;
  int told = 0;
  progress.on_change = [&](const TableProgress& table) {
    ++told;
    EXPECT_EQ(progress.Read().running.at(0).stage, table.stage);
  };
  const auto slot = progress.Add("a");
  progress.SetStage(slot, Stage::kCopying);
  progress.SetStage(slot, Stage::kCopying);
  progress.SetStage(slot, Stage::kDone);
  EXPECT_EQ(told, 2);
}

TEST(Progress, WhatIsReadInTheBackgroundCountsAndMayOutliveIt) {
  ByteCount read;
  {
    Progress progress;
    const auto first = progress.Add("a");
    const auto second = progress.Add("b");
    read = progress.ReadCount(second);
    *read += 30;
    progress.Add(first, Traffic{1, 2});
    progress.Add(second, Traffic{5, 7});
    EXPECT_EQ(progress.Read().running[0].traffic, (Traffic{1, 2}));
    EXPECT_EQ(progress.Read().running[1].traffic, (Traffic{35, 7}));
  }
  *read += 1;
}

TEST(Progress, MovesOfManyThreadsAddUp) {
  Progress progress;
  const auto slot = progress.Add("a");
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&] {
      for (int j = 0; j < 1000; ++j) progress.Move(slot, {1, 2, 0});
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(progress.Read().rows_done, 8000);
  EXPECT_EQ(progress.Read().bytes_done, 16000);
}

}  // namespace
}  // namespace mms::migration
