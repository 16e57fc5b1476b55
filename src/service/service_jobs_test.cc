// Turns of the service: tasks of jobs, timers, evidence.
#include "service/service_fixture.h"

namespace mms::service {
namespace {

TEST_F(ServiceTest, ATaskThatRunsWhenTheWindowClosesEndsAndNoOtherBegins) {
  HeldTarget target;
  ASSERT_TRUE(service_->UpdateTarget(target.Settings()));
  const int64_t id =
      Add({{"task.max.num", 1}, {"task.window", {{"start", "11:00"}, {"end", "12:01"}}}});
  ASSERT_TRUE(service_->StartDataSource(id));
  AddTasks(service_->store(), id, 2);
  Store::TaskFilter running, waiting;
  running.running = true;
  waiting.running = false;
  waiting.status = JobTaskStatus::kInit;
  Tick();
  EXPECT_EQ(service_->store().CountJobTasks(running).value(), 1);
  now_ms_ += kMinute;
  Tick();
  EXPECT_EQ(service_->store().CountJobTasks(running).value(), 1) << "it is not stopped";
  target.Release();
  service_->WaitForJobTasks();
  Tick();
  service_->WaitForJobTasks();
  EXPECT_EQ(service_->store().CountJobTasks(waiting).value(), 1) << "the other one";
  now_ms_ += 23 * 60 * kMinute;  // 11:01
  Tick();
  service_->WaitForJobTasks();
  EXPECT_EQ(service_->store().CountJobTasks(waiting).value(), 0);
}

TEST_F(ServiceTest, TasksOfAllSourcesTogetherKeepToTheServicesLimit) {
  HeldTarget target;
  Open(3);
  ASSERT_TRUE(service_->UpdateTarget(target.Settings()));
  for (const char* name : {"sales", "hr"}) {
    const int64_t id = Add(nlohmann::json::object(), name);
    ASSERT_TRUE(service_->StartDataSource(id));
    AddTasks(service_->store(), id, 2);
  }
  Store::TaskFilter running, open;
  running.running = true;
  open.running = false;
  open.status = JobTaskStatus::kInit;
  for (int turn = 0; turn < 3; ++turn) {
    Tick();
    EXPECT_EQ(service_->store().CountJobTasks(running).value(), 3) << "turn " << turn;
  }
  target.Release();
  service_->WaitForJobTasks();
  EXPECT_EQ(service_->store().CountJobTasks(open).value(), 1);
  Tick();
  service_->WaitForJobTasks();
  EXPECT_EQ(service_->store().CountJobTasks(open).value(), 0) << "a slot was free";
}

}  // namespace
}  // namespace mms::service
