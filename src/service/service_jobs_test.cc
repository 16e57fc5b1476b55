// Turns of the service: tasks of jobs, timers, evidence.
#include <fstream>

#include "migration/ledger/database.h"
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

TEST_F(ServiceTest, AClockThatIsSetBackMakesNoTaskWaitLonger) {
  HeldTarget target;
  target.Release();
  ASSERT_TRUE(service_->UpdateTarget(target.Settings()));
  const int64_t id = Add();
  ASSERT_TRUE(service_->StartDataSource(id));
  AddTasks(service_->store(), id, 1);
  const int64_t task = (*service_->store().ListJobTasks({}, {1, 1}))[0].id;
  ASSERT_TRUE(service_->store().BeginJobTask(task, now_ms_));
  Store::JobTaskEnd failed;
  failed.id = task;
  failed.status = JobTaskStatus::kDataFailed;
  failed.not_before_ms = now_ms_ + 8'000;
  ASSERT_TRUE(service_->store().EndJobTask(failed));
  set_by_ms_ = -60 * kMinute;
  const auto attempts = [&] { return service_->store().GetJobTask(task)->attempts; };
  now_ms_ += 7'000;
  Tick();
  service_->WaitForJobTasks();
  EXPECT_EQ(attempts(), 1);
  now_ms_ += 1'000;
  Tick();
  service_->WaitForJobTasks();
  EXPECT_EQ(attempts(), 2);
}

TEST_F(ServiceTest, EvidenceThatCouldNotBeWrittenIsTriedAgainAndTellsWhoWaitsForIt) {
  HeldTarget target;
  target.Release();
  ASSERT_TRUE(service_->UpdateTarget(target.Settings()));
  const int64_t id = Add();
  ASSERT_TRUE(service_->StartDataSource(id));
  const std::string in_the_way = folder_ + "/evidence";
  std::ofstream(in_the_way) << "no folder";
  std::string told;
  const auto turn = [&] {
    const Status ticked = service_->Tick();
    if (!ticked) told += ticked.error().code();
    service_->WaitForJobTasks();
  };
  AddTasks(service_->store(), id, 1);
  turn();
  AddTasks(service_->store(), id, 1);
  turn();
  Store::TaskFilter waiting;
  waiting.status = JobTaskStatus::kInit;
  EXPECT_EQ(service_->store().CountJobTasks(waiting).value(), 1);
  const std::string why = *service_->WhyJobsWait(Get(id));
  EXPECT_NE(why.find("evidence of job 1"), why.npos) << why;
  EXPECT_NE(why.find("EVIDENCE_UNREADABLE"), why.npos) << why;
  EXPECT_EQ(service_->store().ListEvidenceWaits(0).value(), (Store::EvidenceWaits{{2, {1}}}));

  now_ms_ += 10'000;
  turn();
  turn();
  EXPECT_EQ(told, "EVIDENCE_UNREADABLE") << "once, though it was tried twice";
  std::filesystem::remove(in_the_way);
  now_ms_ += 9'000;
  turn();
  EXPECT_EQ(service_->store().ListDueEvidence()->size(), 1u) << "there is a pause";
  now_ms_ += 1'000;
  turn();
  EXPECT_EQ(service_->store().ListDueEvidence()->size(), 0u);
  EXPECT_EQ(*service_->WhyJobsWait(Get(id)), "");
  turn();
  EXPECT_EQ(service_->store().CountJobTasks(waiting).value(), 0);
}

TEST_F(ServiceTest, ABundleThatCannotBeWrittenKeepsNoOtherFromBeingWritten) {
  const int64_t id = Add();
  const auto write = [&](const char* statement) {
    soci::session sql(soci::sqlite3, "db=" + folder_ + "/service.db timeout=5");
    sql << statement;
  };
  for (const char* project : {"dw", "dw2"}) {
    AddTasks(service_->store(), id, 1, project);
    write("UPDATE job_tasks SET status = 10");
  }
  write("UPDATE jobs SET evidence_due = 1");
  const std::string ledger = SourceFolder(folder_, id) + "/to/dw";
  std::filesystem::create_directories(ledger);
  std::ofstream(ledger + "/ledger.db") << "this is no database, and cannot be read as one";
  Open();
  const auto due = service_->store().ListDueEvidence();
  ASSERT_EQ(due->size(), 1u);
  EXPECT_EQ(due->front().job_id, 1);
  EXPECT_FALSE(service_->Tick()) << "it is told";
}

/// Daily at 12:30 of a clock that stands at noon.
JobTimer MakeTimer(int64_t source_id) {
  JobTimer timer;
  timer.source_id = source_id;
  timer.name = "nightly";
  timer.src_db = "sales";
  timer.config.others = {{"views", "true"}};  // the one table there is is a view
  timer.schedule = "Daily";
  timer.value = "12:30";
  timer.created_ms = kNoon;
  return timer;
}

TEST_F(ServiceTest, AFolderHasMoreToDoWhileATimerIsSetOrSomethingOfAnySourceIsOpen) {
  const auto more = [&] { return service_->HasMoreToDo().value(); };
  Store& store = service_->store();
  const int64_t first = Add();
  EXPECT_FALSE(more());
  const int64_t timer = *store.AddTimer(MakeTimer(first));
  EXPECT_TRUE(more());
  JobTimer stopped = *store.GetTimer(timer);
  stopped.stopped = true;
  ASSERT_TRUE(store.SaveTimer(stopped));
  EXPECT_FALSE(more());
  const int64_t second = Add(nlohmann::json::object(), "hr");
  ASSERT_TRUE(service_->CreateFetchMetadataJob(second, {}));
  EXPECT_TRUE(more());
  TickThrough();
  EXPECT_FALSE(more()) << "it is idle, though still started";
  AddTasks(store, second, 1);
  EXPECT_TRUE(more());
  ASSERT_TRUE(store.AskStop(second, true));
  Tick();
  EXPECT_FALSE(more()) << "its tasks wait for a user";
  Add({{"meta.timer", {{"type", "hourly"}, {"value", "30"}}}}, "ops");
  EXPECT_TRUE(more());
}

TEST_F(ServiceTest, ATimerThatTheEndOfTheServiceCutsOffFiresAgainOnce) {
  const int64_t id = Add();
  Store* store = &service_->store();
  ASSERT_TRUE(store->KeepProjectSchemas("dw", false));
  const int64_t timer = *store->AddTimer(MakeTimer(id));
  workspace_.Hold();
  now_ms_ += 30 * kMinute;
  TickUntil([&] { return !Scans(id).empty() && Scans(id).front().status == TaskStatus::kDoing; });
  workspace_.WaitUntilAsked();
  Open();
  store = &service_->store();
  workspace_.Release();
  const auto logs = [&] { return store->ListTimerLogs(timer, {1, 10}).value(); };
  ASSERT_EQ(logs().size(), 1u);
  EXPECT_EQ(logs()[0].status, JobStatus::kFailed);
  EXPECT_NE(logs()[0].message.find("it is fired again"), std::string::npos) << logs()[0].message;
  now_ms_ += 5 * kMinute;
  TickUntil([&] { return logs().size() == 2 && logs()[0].status != JobStatus::kDoing; });
  EXPECT_EQ(logs()[0].status, JobStatus::kDone) << logs()[0].message;
  EXPECT_EQ(store->CountJobs({}).value(), 1);
  Open();
  store = &service_->store();
  Tick();
  EXPECT_EQ(logs().size(), 2u);
  EXPECT_EQ(store->CountJobs({}).value(), 1);
}

}  // namespace
}  // namespace mms::service
