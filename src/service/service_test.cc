#include "service/service.h"

#include <thread>

#include "migration/ledger/database.h"
#include "service/instance.h"
#include "service/service_fixture.h"

namespace mms::service {
namespace {

using enum SourceStatus;

TEST_F(ServiceTest, AStartTriesTheConnectionAndAStopEndsTheBill) {
  const int64_t id = Add();
  const Status started = service_->StartDataSource(id);
  ASSERT_TRUE(started) << started.error().ToString();
  EXPECT_EQ(Get(id).status, kStarted);
  EXPECT_TRUE(service_->StartDataSource(id)) << "it is started already";
  now_ms_ += kMinute;
  ASSERT_TRUE(service_->StopDataSource(id));
  EXPECT_EQ(Get(id).status, kStopped);
  EXPECT_TRUE(service_->StopDataSource(id));
  const auto totals = service_->store().Totals(id, now_ms_);
  EXPECT_EQ(totals->running_ms, kMinute);
  EXPECT_EQ(totals->unit_seconds, 60 * Service::kComputeUnits);
}

TEST_F(ServiceTest, AClockThatIsSetPutsNothingOnTheBill) {
  const int64_t id = Add();
  ASSERT_TRUE(service_->StartDataSource(id));
  for (const int64_t set_by_ms : {60 * kMinute, -60 * kMinute}) {
    set_by_ms_ = set_by_ms;
    now_ms_ += kMinute;
    Tick();
  }
  set_by_ms_ = 0;
  ASSERT_TRUE(service_->StopDataSource(id));
  EXPECT_EQ(service_->store().Totals(id, now_ms_)->running_ms, 2 * kMinute);
}

TEST_F(ServiceTest, ATokenThatIsRefusedLeavesStartFailedWithTheReason) {
  const int64_t id = Add();
  workspace_.status = 403;
  ASSERT_FALSE(service_->StartDataSource(id));
  EXPECT_EQ(Get(id).status, kStartFailed);
  EXPECT_NE(Get(id).error, "");
  EXPECT_EQ(service_->store().Totals(id, now_ms_)->spans, 0);
  workspace_.status = 200;
  ASSERT_TRUE(service_->StartDataSource(id));
  EXPECT_EQ(Get(id).error, "");
}

TEST_F(ServiceTest, TheStepThatKeepsASourceFromStartingIsKeptWithItsRemedy) {
  const int64_t id = Add();
  workspace_.status = 401;
  const Status started = service_->StartDataSource(id);
  ASSERT_FALSE(started);
  const AsyncTask task = Last(id, AsyncType::kSourceStart);
  EXPECT_EQ(task.status, TaskStatus::kFailed);
  EXPECT_EQ(task.cause, "user");
  EXPECT_EQ(task.ended_ms, kNoon);
  const auto steps = nlohmann::json::parse(task.result)["steps"];
  ASSERT_EQ(steps.size(), 2u) << steps;
  EXPECT_EQ(steps[0]["outcome"], "ok") << steps;
  EXPECT_EQ(steps[1]["name"], "Databricks token");
  EXPECT_EQ(steps[1]["outcome"], "failed");
  EXPECT_NE(Get(id).error.find("Databricks token"), std::string::npos) << Get(id).error;
  EXPECT_EQ(task.result.find("dapi-secret"), std::string::npos);
  workspace_.status = 200;
  ASSERT_TRUE(service_->StartDataSource(id));
  EXPECT_EQ(Last(id, AsyncType::kSourceStart).status, TaskStatus::kDone);
}

TEST_F(ServiceTest, ASecondStartJoinsTheOneThatIsInWork) {
  const int64_t id = Add();
  workspace_.HoldCatalog();
  const auto first = service_->BeginTask({id, AsyncType::kSourceStart});
  workspace_.WaitUntilAsked();
  auto second = std::async(std::launch::async, [&] { return service_->StartDataSource(id); });
  const auto third = service_->BeginTask({id, AsyncType::kSourceStart});
  EXPECT_EQ(*third, *first);
  EXPECT_EQ(service_->store().GetTask(*first)->status, TaskStatus::kDoing);
  EXPECT_EQ(service_->DeleteDataSource(id).error().code(), "SOURCE_STATE");
  workspace_.Release();
  EXPECT_TRUE(second.get());
  EXPECT_EQ(service_->WaitForTask(*third)->status, TaskStatus::kDone);
  EXPECT_EQ(Get(id).status, kStarted);
  EXPECT_EQ(service_->store().Totals(id, now_ms_)->spans, 1);
}

TEST_F(ServiceTest, AStopEndsAStartThatIsInWorkAndALaterStartStarts) {
  const int64_t id = Add();
  workspace_.HoldCatalog();
  const auto start = service_->BeginTask({id, AsyncType::kSourceStart, "job"});
  workspace_.WaitUntilAsked();
  ASSERT_TRUE(service_->StopDataSource(id));
  EXPECT_EQ(Get(id).status, kStopped) << "and no start undoes it";
  EXPECT_EQ(service_->WaitForTask(*start)->status, TaskStatus::kFailed);
  EXPECT_EQ(Get(id).status, kStopped);
  workspace_.Release();
  ASSERT_TRUE(service_->StartDataSource(id));
  EXPECT_EQ(Get(id).status, kStarted);
  EXPECT_EQ(service_->store().Totals(id, now_ms_)->spans, 1);
}

TEST_F(ServiceTest, SettingsAreStoredOnlyWhenTheTestThatWasAskedForPasses) {
  const int64_t id = Add();
  const Status refused = Update(id, {{"db.catalog", "other"}}, true);
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().ToString().find("other"), std::string::npos)
      << refused.error().ToString();
  EXPECT_EQ(Get(id).config.Get("db.catalog"), "main");
  const AsyncTask task = Last(id, AsyncType::kConfigUpdate);
  EXPECT_EQ(task.status, TaskStatus::kFailed);
  EXPECT_FALSE(nlohmann::json::parse(task.result)["steps"].empty());
  const auto fixed = service_->BeginTask(
      {id, AsyncType::kConfigUpdate, "user", {{"mc.default.project", "x"}}, true});
  ASSERT_FALSE(fixed);
  EXPECT_NE(fixed.error().message().find("mc.default.project"), std::string::npos);
  EXPECT_TRUE(Update(id, {{"db.catalog", "other"}})) << "without a test it is stored as it is";
  EXPECT_EQ(Get(id).config.Get("db.catalog"), "other");
}

TEST_F(ServiceTest, TheStartsAndStopsOfAScansAndOfIdlenessAreTasksToo) {
  const int64_t id = Add();
  ASSERT_TRUE(service_->CreateFetchMetadataJob(id, {}));
  TickThrough();
  now_ms_ += 30 * kMinute;
  Tick();
  Open();
  const auto tasks = service_->store().ListTasks(id, {1, 10});
  ASSERT_EQ(tasks->size(), 2u);
  EXPECT_EQ(tasks->at(0).type, AsyncType::kSourceStop);
  EXPECT_EQ(tasks->at(0).cause, "idle");
  EXPECT_EQ(tasks->at(1).cause, "scan");
  EXPECT_EQ(tasks->at(1).status, TaskStatus::kDone);
}

TEST_F(ServiceTest, AScanStartsTheSourceByItselfAndKeepsItsResult) {
  const int64_t id = Add();
  const auto scan = service_->CreateFetchMetadataJob(id, {});
  ASSERT_TRUE(scan);
  EXPECT_EQ(Scans(id).front().status, TaskStatus::kInit);
  TickThrough();
  const ScanTask done = *service_->store().GetScan(*scan);
  EXPECT_EQ(done.status, TaskStatus::kDone) << done.error_json;
  EXPECT_EQ(done.progress, 10'000);
  const auto result = nlohmann::json::parse(done.result);
  EXPECT_EQ(result["databases"], 1);
  EXPECT_EQ(result["tables"], 1);
  EXPECT_EQ(Get(id).status, kStarted);
  EXPECT_EQ(Get(id).updated_ms, kNoon);
}

TEST_F(ServiceTest, AScanThatWaitsBeginsOnceTheThreadOfTheLastOneHasEnded) {
  const int64_t id = Add();
  const auto first = service_->CreateFetchMetadataJob(id, {"sales", {}});
  const auto second = service_->CreateFetchMetadataJob(id, {});
  // Held where the first one has ended in the store, and its thread has not.
  std::promise<void> held, release;
  std::atomic<bool> once{false};
  const auto status = [&](int64_t scan) { return service_->store().GetScan(scan)->status; };
  on_clock_ = [&, here = std::this_thread::get_id()] {
    if (std::this_thread::get_id() == here || status(*first) != TaskStatus::kDone) return;
    if (once.exchange(true)) return;
    held.set_value();
    release.get_future().wait();
  };
  Tick();
  held.get_future().wait();
  Tick();
  EXPECT_EQ(status(*second), TaskStatus::kInit);
  release.set_value();
  service_->WaitForScans();
  TickThrough();
  EXPECT_EQ(status(*second), TaskStatus::kDone);
  on_clock_ = nullptr;
}

TEST_F(ServiceTest, AScanOfNamedTablesFailsByNameWhenThereIsNone) {
  const int64_t id = Add();
  ASSERT_TRUE(service_->CreateFetchMetadataJob(id, {"sales", {"nothing"}}));
  TickThrough();
  const ScanTask scan = Scans(id).front();
  EXPECT_EQ(scan.status, TaskStatus::kFailed);
  EXPECT_NE(scan.error_json.find("main.sales.nothing"), std::string::npos) << scan.error_json;
  EXPECT_EQ(Get(id).updated_ms, std::nullopt);
}

TEST_F(ServiceTest, ASourceThatCannotBeStartedFailsTheScanThatWantedIt) {
  const int64_t id = Add();
  workspace_.status = 401;
  ASSERT_TRUE(service_->CreateFetchMetadataJob(id, {}));
  TickThrough();
  EXPECT_EQ(Scans(id).front().status, TaskStatus::kFailed);
  EXPECT_EQ(Get(id).status, kStartFailed);
}

TEST_F(ServiceTest, AnIdleSourceIsShutDownAndStartedAgainOnDemand) {
  const int64_t id = Add();
  ASSERT_TRUE(service_->CreateFetchMetadataJob(id, {}));
  TickThrough();
  now_ms_ += 29 * kMinute;
  Tick();
  EXPECT_EQ(Get(id).status, kStarted);
  now_ms_ += kMinute;
  Tick();
  EXPECT_EQ(Get(id).status, kStopped);
  ASSERT_TRUE(service_->CreateFetchMetadataJob(id, {}));
  TickThrough();
  EXPECT_EQ(Get(id).status, kStarted);
  EXPECT_EQ(service_->store().Totals(id, now_ms_)->spans, 2);
}

TEST_F(ServiceTest, AMetaTimerScansOnceForEachMatchAlsoAfterARestart) {
  const int64_t id = Add({{"meta.timer", {{"type", "hourly"}, {"value", "30"}}}});
  TickThrough();
  EXPECT_EQ(Scans(id).size(), 0u) << "what matched before it was set does not count";
  now_ms_ = kNoon + 30 * kMinute;
  TickThrough();
  ASSERT_EQ(Scans(id).size(), 1u);
  EXPECT_EQ(Scans(id).front().cause, "timer");
  EXPECT_EQ(Scans(id).front().status, TaskStatus::kDone);
  now_ms_ += 10'000;
  Open();
  TickThrough();
  EXPECT_EQ(Scans(id).size(), 1u) << "the match is answered";
  now_ms_ -= 40 * kMinute;
  TickThrough();
  now_ms_ += 40 * kMinute;
  TickThrough();
  EXPECT_EQ(Scans(id).size(), 1u) << "a clock that was set back";
  now_ms_ += 5 * 60 * kMinute;
  TickThrough();
  EXPECT_EQ(Scans(id).size(), 2u) << "matches that were missed are answered by one";
}

TEST_F(ServiceTest, ASourceWhoseTurnFailsKeepsNoOtherFromItsOwn) {
  const int64_t first = Add();
  const int64_t second = Add(nlohmann::json::object(), "hr");
  {
    soci::session sql(soci::sqlite3, "db=" + folder_ + "/service.db timeout=5");
    long long id = first;
    sql << "INSERT INTO settings (source_id, key, sealed, value) VALUES (:id, 'meta.timer', 0, "
           "'{\"type\":\"daily\",\"value\":\"01:00\",\"zone\":\"Gone/Tzdata\"}')",
        soci::use(id);
  }
  ASSERT_TRUE(service_->CreateFetchMetadataJob(second, {}));
  now_ms_ += kMinute;
  const Status ticked = service_->Tick();
  service_->WaitForScans();
  ASSERT_FALSE(ticked);
  EXPECT_EQ(ticked.error().code(), "CONFIG_VALUE");
  EXPECT_EQ(Scans(second).front().status, TaskStatus::kDone) << Scans(second).front().error_json;
}

TEST_F(ServiceTest, AScanOfACatalogInWhichNothingIsVisibleEndsWithZeroTablesAndSaysWhy) {
  const int64_t id = Add();
  workspace_.empty = true;
  ASSERT_TRUE(service_->CreateFetchMetadataJob(id, {}));
  TickThrough();
  ASSERT_EQ(Scans(id).front().status, TaskStatus::kDone) << Scans(id).front().error_json;
  const auto result = nlohmann::json::parse(Scans(id).front().result);
  EXPECT_EQ(result["tables"], 0);
  EXPECT_NE(result["note"].get<std::string>().find("USE SCHEMA"), std::string::npos) << result;
  workspace_.empty = false;
  ASSERT_TRUE(service_->CreateFetchMetadataJob(id, {}));
  TickThrough();
  EXPECT_EQ(nlohmann::json::parse(Scans(id).front().result)["note"], nullptr);
}

TEST_F(ServiceTest, AStopEndsTheScanThatRuns) {
  const int64_t id = Add();
  workspace_.Hold();
  ASSERT_TRUE(service_->CreateFetchMetadataJob(id, {}));
  Tick();
  workspace_.WaitUntilAsked();
  Tick();
  EXPECT_EQ(Scans(id).front().status, TaskStatus::kDoing);
  EXPECT_GT(Scans(id).front().progress, 0);
  ASSERT_TRUE(service_->StopDataSource(id));
  EXPECT_EQ(Get(id).status, kStopped);
  EXPECT_EQ(Scans(id).front().status, TaskStatus::kFailed);
  EXPECT_NE(Scans(id).front().error_json, "");
}

TEST_F(ServiceTest, AStopThatAnotherProcessAsksForIsObeyed) {
  const int64_t id = Add();
  ASSERT_TRUE(service_->StartDataSource(id));
  ASSERT_TRUE((*Store::OpenBeside(folder_))->AskStop(id, true));
  Tick();
  EXPECT_EQ(Get(id).status, kStopped);
  ASSERT_TRUE(service_->StartDataSource(id));
  Tick();
  EXPECT_EQ(Get(id).status, kStarted) << "it was asked for once";
}

TEST_F(ServiceTest, AScanThatTheEndOfTheServiceCutsOffIsRunByTheNextOne) {
  const int64_t id = Add();
  workspace_.Hold();
  ASSERT_TRUE(service_->CreateFetchMetadataJob(id, {}));
  Tick();
  workspace_.WaitUntilAsked();
  Open();
  workspace_.Release();
  EXPECT_EQ(Get(id).status, kStopped);
  EXPECT_EQ(Scans(id).front().status, TaskStatus::kInit);
  TickThrough();
  EXPECT_EQ(Scans(id).front().status, TaskStatus::kDone) << Scans(id).front().error_json;
}

TEST_F(ServiceTest, SettingsAndTheSourceItselfStayWhileItIsStarted) {
  const int64_t id = Add();
  ASSERT_TRUE(service_->StartDataSource(id));
  EXPECT_EQ(Update(id, {{"task.max.num", 3}}).error().code(), "SOURCE_STATE");
  EXPECT_EQ(service_->DeleteDataSource(id).error().code(), "SOURCE_STATE");
  EXPECT_TRUE(service_->RenameDataSource(id, "vertrieb"));
  ASSERT_TRUE(service_->StopDataSource(id));
  EXPECT_TRUE(Update(id, {{"task.max.num", 3}}));
  EXPECT_EQ(Update(id, {{"mc.default.project", "x"}}).error().code(), "CONFIG_FIXED");
  EXPECT_EQ(Get(id).config.Get("task.max.num"), "3");
  EXPECT_TRUE(std::filesystem::exists(SourceFolder(folder_, id)));
  ASSERT_TRUE(service_->DeleteDataSource(id));
  EXPECT_FALSE(std::filesystem::exists(SourceFolder(folder_, id)));
}

TEST_F(ServiceTest, AFolderWithoutItsSourceIsRemovedAtTheNextStart) {
  const int64_t id = Add();
  ASSERT_TRUE(service_->StartDataSource(id));
  ASSERT_TRUE(service_->StopDataSource(id));
  ASSERT_TRUE(service_->store().RemoveSource(id));  // as far as a killed removal came
  Open();
  EXPECT_FALSE(std::filesystem::exists(SourceFolder(folder_, id)));
}

TEST_F(ServiceTest, TheFolderHasOneOwner) {
  ServiceOptions options;
  options.folder = folder_;
  const auto second = Service::Open(options);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code(), "STATE_IN_USE");
}

TEST_F(ServiceTest, OtherTypesNamesAndLinksAreRefused) {
  NewDataSource source;
  source.config = ExampleSettings();
  source.name = "no blanks";
  EXPECT_EQ(service_->CreateDataSource(source).error().code(), "CONFIG_VALUE");
  source.name = "sales";
  source.type = "Hive";
  EXPECT_EQ(service_->CreateDataSource(source).error().code(), "SOURCE_TYPE_UNSUPPORTED");
  source.type = "DATABRICKS";
  source.networklink = "vpc-1:cn-shanghai";
  EXPECT_EQ(service_->CreateDataSource(source).error().code(), "CONFIG_VALUE");
  source.networklink = "office";
  EXPECT_EQ(service_->CreateDataSource(source).error().code(), "NETWORK_NOT_FOUND");
  EXPECT_EQ(*service_->store().CountSources({}), 0);
}

TEST_F(ServiceTest, ASourceIsReachedByTheNetworkItNames) {
  // Where the workspace says it is, nobody listens.
  const int64_t id = Add({{"db.workspace.url", "http://127.0.0.1:1"}});
  EXPECT_FALSE(service_->StartDataSource(id));
  const std::string there = workspace_.url().substr(std::string("http://").size());
  ASSERT_TRUE(service_->CreateNetwork("lab", {{"addresses", {{"127.0.0.1", "127.0.0.1:1"}}}}));
  ASSERT_TRUE(service_->UpdateNetwork("lab", {{"addresses", {{"127.0.0.1", there}}}}));

  AsyncRequest request{id, AsyncType::kConfigUpdate};
  request.networklink = "lap";
  EXPECT_EQ(service_->RunTask(request).error().code(), "NETWORK_NOT_FOUND");
  request.networklink = "lab";
  ASSERT_TRUE(service_->RunTask(request));
  EXPECT_EQ(Get(id).networklink, "lab:local");
  const Status started = service_->StartDataSource(id);
  ASSERT_TRUE(started) << started.error().ToString();
  ASSERT_TRUE(service_->CreateFetchMetadataJob(id, {}));
  TickThrough();
  EXPECT_EQ(Scans(id).front().status, TaskStatus::kDone) << Scans(id).front().error_json;

  EXPECT_EQ(service_->UpdateNetwork("lab", {{"ca_file", "/ca"}}).error().code(), "SOURCE_STATE");
  ASSERT_TRUE(service_->StopDataSource(id));
  ASSERT_TRUE(service_->UpdateNetwork("lab", {{"addresses", ""}}));
  EXPECT_FALSE(service_->StartDataSource(id));
  EXPECT_EQ(service_->CreateNetwork("direct", {}).error().code(), "CONFIG_VALUE");
}

TEST_F(ServiceTest, AJobIsMadeByAnAsynchronousTaskThatHasItsId) {
  const int64_t id = Add();
  ASSERT_TRUE(service_->CreateFetchMetadataJob(id, {}));
  TickThrough();
  AsyncRequest request{id, AsyncType::kTaskCreate};
  NewJob job;
  job.source_id = id;
  job.name = "move";
  job.src_db = "sales";
  job.config.others = {{"views", "true"}};  // the one table there is is a view
  request.job = job;
  const AsyncTask unasked = *service_->WaitForTask(*service_->BeginTask(request));
  EXPECT_NE(unasked.error_json.find("TARGET_MISSING"), std::string::npos)
      << "nobody can tell whether the project has schemas: " << unasked.error_json;
  request.job->dst_schema = "sales";
  const auto begun = service_->BeginTask(request);
  ASSERT_TRUE(begun) << begun.error().ToString();
  const AsyncTask made = *service_->WaitForTask(*begun);
  ASSERT_EQ(made.status, TaskStatus::kDone) << made.error_json;
  ASSERT_TRUE(made.object_id);
  EXPECT_EQ(service_->store().GetJob(*made.object_id)->tasks.total, 1);
  EXPECT_EQ(nlohmann::json::parse(made.result)["job_id"], *made.object_id);
  const AsyncTask refused = *service_->WaitForTask(*service_->BeginTask(request));
  EXPECT_EQ(refused.status, TaskStatus::kFailed);
  EXPECT_EQ(refused.object_id, std::nullopt);
  EXPECT_NE(refused.error_json.find("JOB_CONFLICT"), std::string::npos) << refused.error_json;
}

}  // namespace
}  // namespace mms::service
