// Jobs, their tasks and timers in the store.
#include <gtest/gtest.h>

#include "migration/ledger/database.h"
#include "service/store_fixture.h"

namespace mms::service {
namespace {

using enum JobTaskStatus;

class StoreJobsTest : public StoreWithSource {
 protected:
  /// A job with `tasks` tasks of each table, of two partitions each.
  Result<int64_t> Add(const std::vector<std::string>& tables, int tasks = 1,
                      const std::string& eta = "", std::optional<int64_t> timer = {}) {
    Job job;
    job.source_id = source_;
    job.name = "move";
    job.src_db = "s";
    job.dst_project = "dw";
    job.eta = eta;
    job.timer_id = timer;
    return store_->AddJob(job, [&](const Store::AddJobTask& add) -> Status {
      for (const std::string& table : tables) {
        for (int turn = 0; turn < tasks; ++turn) {
          Store::NewTask made;
          made.task.src_table = made.task.dst_table = table;
          made.task.table_name = "main.s." + table;
          made.task.whole_table = false;
          made.task.partitions = 2;
          made.task.turn = turn;
          const auto bytes = bytes_.find(table);
          if (bytes != bytes_.end()) made.task.bytes = bytes->second;
          const std::string name = std::to_string(turn);
          made.values = {"[\"" + name + "a\"]", "[\"" + name + "b\"]"};
          TRY_VOID(add(made));
        }
      }
      return OkStatus();
    });
  }
  int64_t Next(int64_t now_ms = 10) {
    const auto next = store_->NextJobTask(source_, now_ms);
    EXPECT_TRUE(next);
    return next && *next ? (*next)->id : 0;
  }
  int64_t Begin(int64_t now_ms = 10) {
    const int64_t id = Next(now_ms);
    EXPECT_TRUE(store_->BeginJobTask(id, now_ms));
    return id;
  }
  void End(int64_t id, JobTaskStatus status, int64_t not_before_ms = 0) {
    Store::JobTaskEnd end;
    end.id = id;
    end.status = status;
    end.now_ms = 20;
    end.not_before_ms = not_before_ms;
    if (status != kDone) end.error_json = R"({"code":"X"})";
    ASSERT_TRUE(store_->EndJobTask(end));
  }
  JobTask Task(int64_t id) { return *store_->GetJobTask(id); }

  std::map<std::string, int64_t> bytes_;  ///< of each of a table's tasks
};

TEST_F(StoreJobsTest, TasksOfAJobGoInTurnOverItsTables) {
  ASSERT_TRUE(Add({"a", "b"}, 2));
  std::vector<std::string> order;
  for (int i = 0; i < 4; ++i) order.push_back(Task(Begin()).src_table);
  EXPECT_EQ(order, (std::vector<std::string>{"a", "b", "a", "b"}));
  EXPECT_EQ(Next(), 0);
}

TEST_F(StoreJobsTest, OfTablesWhoseTurnItIsTheOneWithTheLargestTaskGoesFirst) {
  bytes_ = {{"a", 1}, {"b", 30}, {"c", 2}};
  ASSERT_TRUE(Add({"a", "b", "unknown", "c"}, 2));
  std::vector<std::string> order;
  for (int i = 0; i < 8; ++i) order.push_back(Task(Begin()).src_table);
  EXPECT_EQ(order, (std::vector<std::string>{"b", "c", "a", "unknown", "b", "c", "a", "unknown"}));
}

TEST_F(StoreJobsTest, TheJobThatIsWantedSoonerGoesFirstAndOneWithoutAWishLast) {
  ASSERT_TRUE(Add({"none"}));
  ASSERT_TRUE(Add({"late"}, 1, "2027-01-01 00:00:00"));
  ASSERT_TRUE(Add({"soon"}, 1, "2026-12-01 00:00:00"));
  EXPECT_EQ(Task(Begin()).src_table, "soon");
  EXPECT_EQ(Task(Begin()).src_table, "late");
  EXPECT_EQ(Task(Begin()).src_table, "none");
}

TEST_F(StoreJobsTest, EvidenceIsDueWithTheLastTaskAndHoldsItsTablesBackUntilItIsKept) {
  const int64_t job = *Add({"a", "b"});
  End(Begin(), kDone);
  EXPECT_FALSE(store_->FindDueEvidence(job)->has_value());
  End(Begin(), kDataFailed);
  const auto due = *store_->FindDueEvidence(job);
  ASSERT_TRUE(due);
  EXPECT_EQ(store_->ListDueEvidence()->size(), 1U);
  ASSERT_TRUE(Add({"b"}));
  EXPECT_EQ(Next(), 0);
  const int64_t other = *Add({"c"});
  EXPECT_EQ(Task(Next()).job_id, other) << "of another table";
  ASSERT_TRUE(store_->SetEvidenceKept(*due));
  EXPECT_FALSE(store_->FindDueEvidence(job)->has_value());
  EXPECT_EQ(Task(Next()).src_table, "b");
}

TEST_F(StoreJobsTest, AJobThatEndsAgainWhileItsEvidenceIsWrittenStaysDue) {
  const int64_t job = *Add({"a"});
  const int64_t task = Begin();
  End(task, kDataFailed);
  const auto due = *store_->FindDueEvidence(job);
  ASSERT_TRUE(due);
  ASSERT_TRUE(store_->RetryJob(job));
  EXPECT_EQ(Next(), 0);
  ASSERT_TRUE(store_->BeginJobTask(task, 30));  // as if it had begun before
  End(task, kDone);
  ASSERT_TRUE(store_->SetEvidenceKept(*due));
  EXPECT_EQ((*store_->FindDueEvidence(job))->ends, 2);
  ASSERT_TRUE(store_->DeleteJob(job));
  EXPECT_FALSE(store_->FindDueEvidence(job)->has_value()) << "deleted";
}

TEST_F(StoreJobsTest, AJobsConfigIsReadAlone) {
  const int64_t job = *Add({"a", "b"});
  EXPECT_EQ(store_->GetJobConfig(job).value(), store_->GetJob(job)->config);
  EXPECT_EQ(store_->GetJobConfig(99).error().code(), "JOB_NOT_FOUND");
}

TEST_F(StoreJobsTest, OfAJobThatIsThereNoSettingIsTakenThatWouldChangeNothing) {
  const int64_t job = *Add({"a"});
  ASSERT_TRUE(store_->StopJob(job));
  for (const char* key : {"max_egres_gb", "max_partition_level", "views", "task.max.num"}) {
    const Status started = store_->StartJob(job, {{"max_cost", "5"}, {key, "1"}});
    ASSERT_FALSE(started) << key;
    EXPECT_EQ(started.error().code(), "JOB_CONFIG");
    const std::string& message = started.error().message();
    EXPECT_NE(message.find("others." + std::string(key)), std::string::npos) << message;
    EXPECT_NE(
        message.find(
            "max_cost, max_egress_gb, on_dropped_partition, on_extra_column, verification.method"),
        std::string::npos)
        << message;
    EXPECT_TRUE(store_->GetJob(job)->stopped) << "it goes on with what is kept, or not at all";
    EXPECT_TRUE(store_->GetJobConfig(job)->others.empty());
  }
  ASSERT_TRUE(store_->StartJob(job, {{"max_egress_gb", "5"}}));
  EXPECT_EQ(store_->GetJobConfig(job)->others.at("max_egress_gb"), "5");
}

TEST_F(StoreJobsTest, WhatWaitsIsFoundByItsIndex) {
  soci::session sql(soci::sqlite3, "db=" + folder_ + "/service.db timeout=5");
  std::string step, plan;
  int id = 0, parent = 0, unused = 0;
  soci::statement statement =
      (sql.prepare
           << "EXPLAIN QUERY PLAN SELECT id FROM job_tasks t WHERE source_id = 1 AND "
              "running = 0 AND stopped = 0 AND status IN (0, 2, 5) AND not_before_ms <= 5 "
              "AND NOT EXISTS (SELECT 1 FROM jobs j JOIN job_tasks d ON d.job_id = j.id "
              "WHERE j.source_id = t.source_id AND j.evidence_due > 0 AND d.table_name = "
              "t.table_name) ORDER BY eta, job_id, goes_first DESC, turn, bytes DESC, id LIMIT "
              "1",
       soci::into(id), soci::into(parent), soci::into(unused), soci::into(step));
  statement.execute();
  while (statement.fetch()) plan += step + "\n";
  EXPECT_NE(plan.find("INDEX tasks_waiting"), std::string::npos) << plan;
  EXPECT_NE(plan.find("INDEX jobs_evidence_due"), std::string::npos) << plan;
  EXPECT_EQ(plan.find("B-TREE"), std::string::npos) << "and not sorted: " << plan;
}

TEST_F(StoreJobsTest, ATaskKeepsItsStepsAndItsEnd) {
  const int64_t job = *Add({"a"});
  EXPECT_EQ(StatusOf(*store_->GetJob(job)), JobStatus::kInit);
  const int64_t id = Begin();
  ASSERT_TRUE(store_->StepJobTask({id, kSchemaDoing, "plan", "x", 11}));
  ASSERT_TRUE(store_->StepJobTask({id, kDataDoing, "copy", "y", 12}));
  EXPECT_TRUE(Task(id).running);
  EXPECT_EQ(Task(id).status, kDataDoing);
  EXPECT_EQ(StatusOf(*store_->GetJob(job)), JobStatus::kDoing);
  End(id, kDone);
  EXPECT_EQ(store_->StepJobTask({id, kDataDoing, "copy", "z", 21}).error().code(), "TASK_STATE");
  const auto logs = store_->ListTaskLogs(id);
  ASSERT_EQ(logs->size(), 3U);
  EXPECT_EQ(logs->at(1).message, "y");
  const auto ended = store_->GetJob(job);
  EXPECT_EQ(StatusOf(*ended), JobStatus::kDone);
  EXPECT_EQ(ended->ended_ms, 20);
}

TEST_F(StoreJobsTest, ATransientFailureWaitsAndIsNoEnd) {
  const int64_t job = *Add({"a"});
  const int64_t id = Begin();
  ASSERT_TRUE(store_->StepJobTask({id, kDataDoing, "copy", "", 11}));
  End(id, kDataFailed, 500);
  EXPECT_EQ(Task(id).status, kSchemaDone);
  EXPECT_EQ(Next(499), 0);
  EXPECT_EQ(Next(500), id);
  EXPECT_TRUE(store_->HasOpenJobTasks(source_).value());
  EXPECT_EQ(StatusOf(*store_->GetJob(job)), JobStatus::kInit);
}

TEST_F(StoreJobsTest, ARetryGoesFirstAndBeginsWhereItMust) {
  const int64_t job = *Add({"a", "b", "c"});
  const int64_t schema = Begin(), data = Begin();
  End(schema, kSchemaFailed);
  End(data, kVerificationFailed);
  EXPECT_EQ(store_->RetryTask(Next(), 30).error().code(), "TASK_STATE");
  EXPECT_EQ(store_->RetryJob(job).value(), 2);
  EXPECT_EQ(Task(schema).status, kInit);
  EXPECT_EQ(Task(data).status, kSchemaDone);
  EXPECT_EQ(Task(data).retried, 1);
  EXPECT_EQ(Task(data).error_json, "");
  EXPECT_EQ(Next(), schema) << "before the one that never ran";
}

TEST_F(StoreJobsTest, AJobThatMeansATableOfAnOpenJobIsRefusedWholeAndByName) {
  const int64_t first = *Add({"a"});
  const auto second = Add({"b", "a"});
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code(), "JOB_CONFLICT");
  EXPECT_NE(second.error().message().find("main.s.a"), std::string::npos);
  EXPECT_EQ(store_->CountJobs({}).value(), 1);
  EXPECT_EQ(store_->CountJobTasks({}).value(), 1);
  End(Begin(), kDataFailed);
  ASSERT_TRUE(Add({"b", "a"}));
  EXPECT_EQ(store_->RetryJob(first).error().code(), "JOB_CONFLICT");
}

TEST_F(StoreJobsTest, AStoppedJobBeginsNothingAndItsRunningTaskIsTold) {
  const int64_t job = *Add({"a", "b"});
  const int64_t id = Begin();
  ASSERT_TRUE(store_->StopJob(job, {"spent", "start it"}));
  EXPECT_EQ(store_->GetJob(job)->stop_reason, "spent");
  EXPECT_EQ(store_->GetJob(job)->stop_remedy, "start it");
  EXPECT_TRUE(Task(id).stopped);
  EXPECT_EQ(Next(), 0);
  ASSERT_TRUE(store_->ReturnJobTask({id, migration::Traffic{7, 5}, 30, "stopped"}));
  EXPECT_EQ(Task(id).attempts, 0);
  EXPECT_EQ(store_->UseOfJob(job)->bytes_read, 7);
  EXPECT_EQ(store_->UseOfJob(job)->bytes_sent, 5);
  EXPECT_FALSE(store_->HasOpenJobTasks(source_).value());
  EXPECT_FALSE(store_->ListOpenJobs()->at(0).waits);
  ASSERT_TRUE(store_->StartJob(job));
  EXPECT_EQ(store_->GetJob(job)->stop_remedy, "");
  EXPECT_TRUE(store_->HasOpenJobTasks(source_).value());
  EXPECT_TRUE(store_->ListOpenJobs()->at(0).waits);
  EXPECT_NE(Next(), 0);
}

TEST_F(StoreJobsTest, StatementsInTheLogsOfItsTasksAreOnAJobsBill) {
  const int64_t job = *Add({"a", "b"});
  for (const int64_t id : {Begin(), Begin()}) {
    ASSERT_TRUE(store_->LogJobTask({id, kSchemaDoing, kStatementAction, "CREATE", 11}));
    ASSERT_TRUE(store_->LogJobTask({id, kSchemaDoing, "note", "no statement", 12}));
    ASSERT_TRUE(store_->StepJobTask({id, kSchemaDone, "create table", "ok", 13}));
  }
  EXPECT_EQ(store_->UseOfJob(job)->statements, 2);
}

TEST_F(StoreJobsTest, HoursOfSqlAreKeptThroughAStop) {
  const int64_t job = *Add({"a"});
  const int64_t id = Begin();
  ASSERT_TRUE(store_->SetJobTaskProgress({{id, {1, 2, migration::Traffic{}, {}, 5'000}}}));
  EXPECT_EQ(store_->UseOfJob(job)->sql_ms, 5'000) << "while it runs";
  ASSERT_TRUE(store_->ReturnJobTask({id, migration::Traffic{}, 30, "stopped", {}, 7'000}));
  EXPECT_EQ(*Task(Begin()).sql_ms, 7'000) << "what the next try adds to";
  Store::JobTaskEnd end;
  end.id = id;
  end.sql_ms = 9'000;
  ASSERT_TRUE(store_->EndJobTask(end));
  EXPECT_EQ(store_->UseOfJob(job)->sql_ms, 9'000);
}

TEST_F(StoreJobsTest, AJobIsOpenWhileATaskOfItWaitsOrRuns) {
  const int64_t first = *Add({"a"});
  const int64_t second = *Add({"b"});
  const int64_t task = Begin();
  const auto open = store_->ListOpenJobs();
  ASSERT_EQ(open->size(), 2U);
  EXPECT_EQ(open->at(0).id, first);
  EXPECT_TRUE(open->at(0).running);
  EXPECT_EQ(open->at(1).id, second);
  EXPECT_FALSE(open->at(1).running);
  End(task, kDone);
  ASSERT_TRUE(store_->DeleteJob(second));
  EXPECT_TRUE(store_->ListOpenJobs()->empty());
}

TEST_F(StoreJobsTest, ADeletedJobIsSeenNoMore) {
  const int64_t job = *Add({"a"});
  ASSERT_TRUE(store_->DeleteJob(job));
  EXPECT_EQ(store_->GetJob(job).error().code(), "JOB_NOT_FOUND");
  EXPECT_EQ(store_->ListJobs({}, {1, 10})->size(), 0U);
  EXPECT_EQ(Next(), 0);
  EXPECT_TRUE(Add({"a"}));
}

TEST_F(StoreJobsTest, WhatADeadProcessWasAtWaitsToBeGoneOnWith) {
  ASSERT_TRUE(Add({"a"}));
  const int64_t id = Begin();
  ASSERT_TRUE(store_->StepJobTask({id, kDataDoing, "copy", "", 11}));
  ASSERT_TRUE(store_->Recover(3, 50));
  EXPECT_FALSE(Task(id).running);
  EXPECT_EQ(Task(id).status, kSchemaDone);
  EXPECT_EQ(store_->ListTaskLogs(id)->back().message, "its process ended; to be gone on with");
  EXPECT_EQ(Next(), id);
}

TEST_F(StoreJobsTest, ValuesAreThoseOfATaskOrOfATablesOpenTasks) {
  const int64_t job = *Add({"a", "b"}, 2);
  const int64_t first = Begin();
  std::vector<std::string> values;
  ASSERT_TRUE(store_->VisitTaskValues(first, [&](std::string value) -> Status {
    values.push_back(std::move(value));
    return OkStatus();
  }));
  EXPECT_EQ(values, (std::vector<std::string>{R"(["0a"])", R"(["0b"])"}));
  const auto open = [&] {
    std::map<std::string, int64_t> found;
    const Status visited =
        store_->VisitTableValues(job, "main.s.a", [&](int64_t task, std::string value) -> Status {
          found.emplace(std::move(value), task);
          return OkStatus();
        });
    EXPECT_TRUE(visited);
    return found;
  };
  EXPECT_EQ(open().size(), 4U);
  EXPECT_EQ(open().at(R"(["0a"])"), first);
  End(first, kDone);
  EXPECT_EQ(open().size(), 2U);
}

TEST_F(StoreJobsTest, JobsAndTasksAreFilteredAndPaged) {
  const int64_t first = *Add({"a", "b"});
  const int64_t second = *Add({"c"});
  End(Begin(), kDone);
  End(Begin(), kDataFailed);
  Store::JobFilter filter;
  filter.status = JobStatus::kFailed;
  ASSERT_EQ(store_->ListJobs(filter, {1, 10})->size(), 1U);
  EXPECT_EQ(store_->ListJobs(filter, {1, 10})->front().id, first);
  EXPECT_EQ(store_->CountJobs(filter).value(), 1);
  filter.status = JobStatus::kInit;
  EXPECT_EQ(store_->ListJobs(filter, {1, 10})->front().id, second);
  EXPECT_EQ(store_->ListJobs({}, {2, 1})->front().id, first);
  Store::TaskFilter tasks;
  tasks.failed = true;
  ASSERT_EQ(store_->ListJobTasks(tasks, {1, 10})->size(), 1U);
  EXPECT_EQ(store_->ListJobTasks(tasks, {1, 10})->front().src_table, "b");
  Store::TaskFilter by_partition;
  by_partition.partition = "0a";
  EXPECT_EQ(store_->CountJobTasks(by_partition).value(), 3);
}

TEST_F(StoreJobsTest, ATimerIsKeptAnsweredAndItsJobsAreCounted) {
  JobTimer timer;
  timer.source_id = source_;
  timer.name = "nightly";
  timer.src_db = "s";
  timer.schedule = "Daily";
  timer.value = "02:30";
  timer.created_ms = 5;
  timer.config.table_blacklist = {"x"};
  const int64_t id = *store_->AddTimer(timer);
  EXPECT_EQ(store_->GetTimer(id)->match_ms, 5);
  EXPECT_EQ(store_->GetTimer(id)->config, timer.config);
  ASSERT_TRUE(store_->AskTrigger(id));
  EXPECT_TRUE(store_->GetTimer(id)->trigger_asked);
  const int64_t log = *store_->AnswerTimer(99, {0, id, "start job", "", JobStatus::kDoing, 7});
  EXPECT_FALSE(store_->GetTimer(id)->trigger_asked);
  EXPECT_EQ(store_->GetTimer(id)->match_ms, 99);
  EXPECT_EQ(store_->CountOpenJobsOfTimer(id).value(), 0);
  ASSERT_TRUE(Add({"a"}, 1, "", id));
  EXPECT_EQ(store_->CountOpenJobsOfTimer(id).value(), 1);
  End(Begin(), kDone);
  EXPECT_EQ(store_->CountOpenJobsOfTimer(id).value(), 0);
  EXPECT_EQ(store_->ListTimerLogs(id, {1, 5})->front().status, JobStatus::kDoing);
  ASSERT_TRUE(store_->EndTimerLog({log, JobStatus::kDone, "fine"}));
  EXPECT_EQ(store_->ListTimerLogs(id, {1, 5})->front().message, "fine");
  ASSERT_TRUE(store_->RemoveTimer(id));
  EXPECT_EQ(store_->GetTimer(id).error().code(), "TIMER_NOT_FOUND");
}

TEST_F(StoreJobsTest, TheTargetsSecretsAreSealed) {
  EXPECT_FALSE(store_->HasTarget().value());
  Profile target;
  target.values["endpoint"] = "http://h/api";
  target.secrets.emplace("access_key_secret", Secret("very-secret-key"));
  ASSERT_TRUE(store_->SaveTarget(target));
  EXPECT_TRUE(store_->HasTarget().value());
  EXPECT_TRUE(store_->GetTarget()->secrets.at("access_key_secret").empty());
  EXPECT_EQ(store_->UnsealTarget()->GetSecret("access_key_secret").Reveal(), "very-secret-key");
  soci::session sql(soci::sqlite3, "db=" + folder_ + "/service.db timeout=5");
  std::string kept;
  sql << "SELECT sealed FROM target", soci::into(kept);
  EXPECT_EQ(kept.find("very-secret"), std::string::npos);
}

TEST_F(StoreJobsTest, OldScansAndAsynchronousTasksAreDropped) {
  for (int64_t i = 0; i < Store::kRecordsKept + 5; ++i) {
    AsyncTask task;
    task.source_id = source_;
    task.type = AsyncType::kConfigTest;
    const auto asked = store_->AddTask(task);
    ASSERT_TRUE(store_->EndTask(asked->id, {}));
  }
  ASSERT_TRUE(store_->Recover(3, 50));
  soci::session sql(soci::sqlite3, "db=" + folder_ + "/service.db timeout=5");
  long long left = 0;
  sql << "SELECT COUNT(*) FROM async_tasks", soci::into(left);
  EXPECT_EQ(left, Store::kRecordsKept);
}

TEST_F(StoreJobsTest, TheRateOfTheLastJobIsThatOfTheTimeItsTasksRan) {
  EXPECT_FALSE(store_->LastRate(source_)->has_value());
  ASSERT_TRUE(Add({"a", "b", "c"}));
  // Two side by side, then one after a night in which none ran.
  const int64_t first = Begin(1'000), second = Begin(2'000);
  const auto end = [&](int64_t id, int64_t now_ms, int64_t bytes) {
    Store::JobTaskEnd done;
    done.id = id;
    done.now_ms = now_ms;
    done.bytes_copied = bytes;
    ASSERT_TRUE(store_->EndJobTask(done));
  };
  end(first, 3'000, 10);
  end(second, 4'000, 20);
  const int64_t third = Begin(90'000);
  EXPECT_FALSE(store_->LastRate(source_)->has_value()) << "it is not over";
  end(third, 91'000, 30);
  const auto rate = *store_->LastRate(source_);
  ASSERT_TRUE(rate);
  EXPECT_EQ(rate->bytes, 60);
  EXPECT_EQ(rate->duration_ms, 4'000);
  EXPECT_FALSE(store_->LastRate(source_ + 1)->has_value());
}

TEST_F(StoreJobsTest, WhatAJobSentAndTookOfTheInstanceIsInItsRate) {
  const int64_t job = *Add({"a", "b"});
  for (const int64_t bytes : {10, 20}) {
    Store::JobTaskEnd done;
    done.id = Begin(1'000);
    done.now_ms = 2'000;
    done.bytes_copied = bytes;
    done.traffic = migration::Traffic{bytes, 3 * bytes};
    done.share = ShareTaken{40 * bytes, 2'000};
    ASSERT_TRUE(store_->EndJobTask(done));
  }
  EXPECT_EQ((*store_->LastRate(source_))->bytes_sent, 90);
  EXPECT_EQ((*store_->LastRate(source_))->unit_ms, 1'200);
  EXPECT_FALSE(store_->LastRate(source_, job)->has_value()) << "none is older";
  EXPECT_TRUE(store_->LastRate(source_, job + 1)->has_value());
}

TEST_F(StoreJobsTest, WhatATaskTookOfTheInstanceIsInTheInstancesOwnAccountAfterAKill) {
  using enum SourceStatus;
  const auto take = [&](SourceStatus from, SourceStatus to) {
    ASSERT_TRUE(store_->Take({source_, {from}, to, "", 1'000, 4}));
  };
  take(kInit, kStarting);
  take(kStarting, kStarted);
  const int64_t job = *Add({"a", "b"});
  const int64_t id = Begin();
  ASSERT_TRUE(
      store_->SetJobTaskProgress({{id, {1, 2, migration::Traffic{}, ShareTaken{36'000, 10'000}}}}));
  EXPECT_EQ(Task(id).unit_ms, 36'000);
  ASSERT_TRUE(store_->Recover(3, 99'000));
  EXPECT_EQ(store_->Totals(source_, 99'000)->unit_seconds, 36);
  EXPECT_EQ(store_->UseOfJob(job)->unit_ms, 36'000);
  ASSERT_TRUE(store_->ReturnJobTask({Begin(), migration::Traffic{}, 30, "stopped"}));
  EXPECT_EQ(Task(id).unit_ms, 36'000) << "it had no instance this time";
}

TEST_F(StoreJobsTest, WhatBeganBeforeTheInstanceWasSharedOutIsUnknown) {
  const int64_t job = *Add({"a", "b"});
  ASSERT_TRUE(store_->LogJobTask({Begin(), kSchemaDoing, kStatementAction, "CREATE", 11}));
  {
    soci::session sql(soci::sqlite3, "db=" + folder_ + "/service.db timeout=5");
    sql << "ALTER TABLE job_tasks DROP COLUMN unit_ms";
    sql << "ALTER TABLE jobs DROP COLUMN stop_remedy";
    sql << "DROP INDEX uses_running";
    sql << "DROP INDEX tasks_of_target";
    sql << "ALTER TABLE job_tasks DROP COLUMN target";
    sql << "ALTER TABLE job_tasks DROP COLUMN statements";
    sql << "DELETE FROM schema_version WHERE version >= 12";
  }
  store_.reset();
  store_ = *Store::Open(*taken_);
  ASSERT_TRUE(store_->Recover(3, 50));
  const int64_t begun = Begin(), fresh = Begin();
  Store::JobTaskEnd end;
  end.id = begun;
  ASSERT_TRUE(store_->EndJobTask(end));
  EXPECT_EQ(store_->UseOfJob(job)->statements, 1) << "its log tells";
  EXPECT_EQ(Task(begun).unit_ms, std::nullopt);
  EXPECT_EQ(Task(fresh).unit_ms, 0);
  EXPECT_EQ(store_->UseOfJob(job)->unit_ms, std::nullopt) << "one part of it is unknown";
}

TEST_F(StoreJobsTest, ATaskWhoseComparisonIsRefusedStaysWhatItWas) {
  const int64_t job = *Add({"a", "b"});
  Store::JobTaskEnd end;
  for (const JobTaskStatus status : {kDone, kVerificationFailed}) {
    end.id = Begin();
    end.status = status;
    end.action = "end";
    ASSERT_TRUE(store_->EndJobTask(end));
  }
  Store::TaskFilter uncompared;
  uncompared.uncompared = true;
  ASSERT_TRUE(store_->VerifyJob(job, "", 30));
  auto tasks = *store_->ListJobTasks({}, {});
  for (const JobTask& task : tasks) {
    end.id = task.id;
    ASSERT_TRUE(store_->BeginJobTask(end.id, 40));
    end.status = kVerificationDoing;
    end.as_before = true;
    end.error_json = "{}";
    end.action = "compare again";
    ASSERT_TRUE(store_->EndJobTask(end));
  }
  tasks = *store_->ListJobTasks({}, {});
  EXPECT_EQ(tasks[0].status, kDone);
  EXPECT_EQ(tasks[1].status, kVerificationFailed);
  EXPECT_FALSE(tasks[0].compare_alone);
  EXPECT_EQ(*store_->CountJobTasks(uncompared), 1);
}

TEST_F(StoreJobsTest, WhatWasReadIsWhatWasCounted) {
  const int64_t job = *Add({"a", "b"});
  const int64_t id = Begin();
  ASSERT_TRUE(store_->SetJobTaskProgress({{id, {1, 20, migration::Traffic{30, 40}}}}));
  EXPECT_EQ(store_->UseOfJob(job)->bytes_read, 30);
  EXPECT_EQ(Task(id).traffic->bytes_sent, 40);
  Store::JobTaskEnd end;
  end.id = id;
  end.bytes_copied = 100;  // not all that is in its files was asked for
  end.traffic = migration::Traffic{35, 45};
  ASSERT_TRUE(store_->EndJobTask(end));
  EXPECT_EQ(store_->UseOfJob(job)->bytes_read, 35);
  EXPECT_EQ(store_->UseOfJob(job)->bytes_sent, 45);
  // As one that began before this was counted.
  const int64_t other = Begin();
  ASSERT_TRUE(store_->ReturnJobTask({other, std::nullopt, 30, "stopped"}));
  EXPECT_EQ(Task(other).traffic, std::nullopt);
  EXPECT_EQ(store_->UseOfJob(job)->bytes_sent, std::nullopt) << "one part of it is unknown";
  EXPECT_EQ(store_->UseOfJob(job)->bytes_read, 35);
}

TEST_F(StoreJobsTest, TablesOfOpenJobsAreListed) {
  const int64_t job = *Add({"a", "b"});
  End(Begin(), kDone);
  EXPECT_EQ(*store_->ListOpenTables(source_), (std::vector<std::string>{"main.s.b"}));
  ASSERT_TRUE(store_->DeleteJob(job));
  EXPECT_TRUE(store_->ListOpenTables(source_)->empty());
}

TEST_F(StoreJobsTest, MappingsAreKeptByNamesWithoutCase) {
  const Mapping schema{"Sales", "", "dw2", "", ""}, table{"sales", "orders", "", "", "sold"};
  ASSERT_TRUE(store_->SaveMappings(source_, {table, schema, {"b", "t", "dw", "", ""}}));
  EXPECT_EQ(*store_->ListMappings(source_, "SALES"), (std::vector<Mapping>{schema, table}));
  EXPECT_EQ(store_->ListMappings(source_)->size(), 3U);
  ASSERT_TRUE(store_->SaveMappings(source_, {{"SALES", "Orders", "", "gold", ""}}));
  EXPECT_EQ(store_->ListMappings(source_, "sales")->back().dst_schema, "gold");
  ASSERT_TRUE(store_->SaveMappings(source_, {{"sales", "ORDERS", "", "", ""}}));
  EXPECT_EQ(*store_->ListMappings(source_, "sales"), (std::vector<Mapping>{schema}));
  EXPECT_EQ(store_->SaveMappings(99, {schema}).error().code(), "SOURCE_NOT_FOUND");
  ASSERT_TRUE(store_->RemoveSource(source_));
  EXPECT_TRUE(store_->ListMappings(source_)->empty());
}

}  // namespace
}  // namespace mms::service
