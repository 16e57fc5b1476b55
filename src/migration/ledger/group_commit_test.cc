#include "migration/ledger/group_commit.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

namespace mms::migration {
namespace {

/// A database that holds one number and can be told to fail.
class Number : public Transaction {
 public:
  Status Begin() override {
    pending = value;
    return OkStatus();
  }
  Status Commit() override {
    while (commits_held) std::this_thread::yield();
    if (commit_fails) return Error(ErrorKind::kLimitReached, "STATE_DISK_FULL", "full");
    value = pending;
    return OkStatus();
  }
  void Rollback() override { pending = value; }

  int value = 0;
  int pending = 0;
  std::atomic<bool> commits_held{false};
  std::atomic<bool> commit_fails{false};
};

TEST(GroupCommit, WhatWaitsDuringATransactionGoesIntoTheNextOneTogether) {
  Number number;
  number.commits_held = true;
  GroupCommit commit(&number);
  std::vector<std::thread> threads;
  for (int i = 0; i < 50; ++i) {
    threads.emplace_back([&] {
      EXPECT_TRUE(commit
                      .Queue([&] {
                        ++number.pending;
                        return OkStatus();
                      })
                      .get()
                      .has_value());
    });
  }
  // The first commit is held until the others have had every chance to queue behind it.
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  number.commits_held = false;
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(number.value, 50);
  EXPECT_LT(commit.transactions(), 50);
}

TEST(GroupCommit, AConflictOfOneLeavesItsNeighboursAlone) {
  Number number;
  GroupCommit commit(&number);
  std::future<Status> refused =
      commit.Queue([] { return Status(Error(ErrorKind::kConflict, "X", "x")); });
  EXPECT_FALSE(refused.get().has_value());
  EXPECT_TRUE(commit
                  .Queue([&] {
                    ++number.pending;
                    return OkStatus();
                  })
                  .get()
                  .has_value());
  EXPECT_EQ(number.value, 1);
}

TEST(GroupCommit, ABrokenWriteFailsAloneAndLeavesNothingBehind) {
  Number number;
  number.commits_held = true;
  GroupCommit commit(&number);
  std::atomic<int> failed{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 20; ++i) {
    threads.emplace_back([&, i] {
      Status status = commit
                          .Queue([&, i]() -> Status {
                            ++number.pending;
                            if (i == 7) return Error(ErrorKind::kCorrupt, "X", "x");
                            return OkStatus();
                          })
                          .get();
      if (!status.has_value()) ++failed;
    });
  }
  number.commits_held = false;
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(failed, 1);
  EXPECT_EQ(number.value, 19);
}

TEST(GroupCommit, AFailedCommitIsTheErrorOfAllItCarried) {
  Number number;
  number.commit_fails = true;
  GroupCommit commit(&number);
  Status status = commit
                      .Queue([&] {
                        ++number.pending;
                        return OkStatus();
                      })
                      .get();
  ASSERT_FALSE(status.has_value());
  EXPECT_EQ(status.error().code(), "STATE_DISK_FULL");
  EXPECT_EQ(number.value, 0);
}

}  // namespace
}  // namespace mms::migration
