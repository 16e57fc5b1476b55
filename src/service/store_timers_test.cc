// Firings of timers in the store, through the deaths of their processes.
#include <gtest/gtest.h>

#include "service/store_fixture.h"

namespace mms::service {
namespace {

class StoreTimersTest : public StoreWithSource {
 protected:
  /// Of one table, always the same.
  Result<int64_t> AddJob(const TimerLogEnd& firing) {
    Job job;
    job.source_id = source_;
    job.dst_project = "dw";
    const auto add_table = [](const Store::AddJobTask& add) -> Status {
      Store::NewTask made;
      made.task.src_table = made.task.dst_table = "a";
      made.task.table_name = "main.s.a";
      return add(made);
    };
    return store_->AddJob(job, add_table, firing);
  }
};

TEST_F(StoreTimersTest, AFiringThatDiedWithItsProcessIsAskedForAgainAndGivenUpAtLast) {
  JobTimer timer;
  timer.source_id = source_;
  timer.schedule = "Daily";
  timer.value = "02:30";
  const int64_t id = *store_->AddTimer(timer);
  const auto fire = [&] {
    return *store_->AnswerTimer(9, {0, id, "start job", "", JobStatus::kDoing, 9});
  };
  const auto newest = [&] { return store_->ListTimerLogs(id, {1, 1})->front(); };
  fire();
  ASSERT_TRUE(store_->Recover(2, 50));
  EXPECT_EQ(newest().status, JobStatus::kFailed);
  EXPECT_EQ(newest().message, "the process that was at it died; it is fired again");
  EXPECT_TRUE(store_->GetTimer(id)->trigger_asked);

  // Its line ends with the job's making, both or neither.
  const int64_t made = fire();
  EXPECT_FALSE(store_->GetTimer(id)->trigger_asked);
  const int64_t job = *AddJob({made, JobStatus::kDone, "fine"});
  EXPECT_EQ(newest().message, "fine");
  const int64_t refused = fire();
  EXPECT_EQ(AddJob({refused, JobStatus::kDone, "fine"}).error().code(), "JOB_CONFLICT");
  EXPECT_EQ(newest().status, JobStatus::kDoing);
  ASSERT_TRUE(store_->Recover(2, 50));
  EXPECT_TRUE(store_->GetTimer(id)->trigger_asked) << "no job was made";
  ASSERT_TRUE(store_->DeleteJob(job));

  fire();
  ASSERT_TRUE(store_->Recover(2, 50));
  EXPECT_TRUE(store_->GetTimer(id)->trigger_asked);
  fire();
  ASSERT_TRUE(store_->Recover(2, 50));
  EXPECT_FALSE(store_->GetTimer(id)->trigger_asked) << "three processes died of it";
  EXPECT_NE(newest().message.find("died 3 times"), std::string::npos) << newest().message;
  fire();
  ASSERT_TRUE(store_->Recover(2, 50));
  EXPECT_TRUE(store_->GetTimer(id)->trigger_asked) << "another match";

  timer = *store_->GetTimer(id);
  timer.stopped = true;
  ASSERT_TRUE(store_->SaveTimer(timer));
  ASSERT_TRUE(store_->ReturnTimerLog(fire()));
  EXPECT_FALSE(store_->GetTimer(id)->trigger_asked);
  EXPECT_EQ(newest().message, "the process ended before the job was made; the timer is stopped");
}

}  // namespace
}  // namespace mms::service
