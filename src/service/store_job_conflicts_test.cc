// Tables at the target that jobs hold.
#include <gtest/gtest.h>

#include <atomic>
#include <filesystem>
#include <thread>

#include "service/example_source.h"
#include "service/store_session.h"

namespace mms::service {
namespace {

class StoreJobConflictsTest : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = testing::TempDir() + "conflicts-XXXXXX";
    ASSERT_NE(mkdtemp(folder_.data()), nullptr);
    taken_ = *migration::StateFolder::Take(folder_, "service.lock");
    store_ = *Store::Open(*taken_);
    one_ = AddSource("one");
    other_ = AddSource("other");
  }
  void TearDown() override {
    store_.reset();
    std::filesystem::remove_all(folder_);
  }

  int64_t AddSource(const std::string& name) {
    DataSource source;
    source.name = name;
    source.config = *ApplyChanges({}, ExampleSettings(), false);
    return *store_->AddSource(source);
  }

  struct Wanted {
    int64_t source = 0;
    std::string schema, table, target;
    std::string project = "dw", dst_schema = {};
  };
  /// A job of one task.
  Result<int64_t> Add(const Wanted& wanted) {
    Job job;
    job.source_id = wanted.source;
    job.name = "move";
    job.src_db = wanted.schema;
    job.dst_project = wanted.project;
    job.dst_schema = wanted.dst_schema;
    return store_->AddJob(job, [&](const Store::AddJobTask& add) -> Status {
      Store::NewTask made;
      made.task.src_table = wanted.table;
      made.task.dst_table = wanted.target;
      made.task.table_name = "main." + wanted.schema + "." + wanted.table;
      return add(made);
    });
  }
  std::string Refusal(const Wanted& wanted) {
    const auto added = Add(wanted);
    if (added) {
      EXPECT_TRUE(store_->DeleteJob(*added));
      return "added";
    }
    EXPECT_EQ(added.error().code(), "JOB_COLLISION");
    return added.error().message();
  }
  void EndTask(JobTaskStatus status) {
    const auto next = store_->NextJobTask(one_, 10);
    ASSERT_TRUE(next && *next);
    ASSERT_TRUE(store_->BeginJobTask((*next)->id, 10));
    Store::JobTaskEnd end;
    end.id = (*next)->id;
    end.status = status;
    end.now_ms = 20;
    ASSERT_TRUE(store_->EndJobTask(end));
    const auto all = store_->ListDueEvidence();
    for (const Store::DueEvidence& due : *all) ASSERT_TRUE(store_->SetEvidenceKept(due));
  }

  std::string folder_;
  std::unique_ptr<migration::StateFolder> taken_;
  std::unique_ptr<Store> store_;
  int64_t one_ = 0, other_ = 0;
};

TEST_F(StoreJobConflictsTest, AnotherTableDoesNotGoWhereOneOfAnOpenJobGoes) {
  const int64_t job = *Add({one_, "a", "people", "people"});
  const std::string second = Refusal({one_, "b", "people", "people"});
  EXPECT_NE(second.find("main.b.people and main.a.people of data source one, job " +
                        std::to_string(job) + " move, both into people"),
            std::string::npos)
      << second;
  EXPECT_NE(Refusal({other_, "a", "people", "people"}), "added") << "of another source";
  EXPECT_NE(Refusal({other_, "c", "men", "people", "DW", "Default"}), "added");
  EXPECT_EQ(store_->CountJobs({}).value(), 1) << "nothing of it is stored";
  EXPECT_EQ(Refusal({other_, "a", "people", "persons"}), "added");
  EXPECT_EQ(Refusal({other_, "a", "people", "people", "dw2", ""}), "added");
  EXPECT_EQ(Refusal({other_, "a", "people", "people", "dw", "gold"}), "added");
}

TEST_F(StoreJobConflictsTest, OfOneSourceATargetTableIsFreeOnceItsJobIsDoneOrDeleted) {
  const int64_t first = *Add({one_, "a", "people", "people"});
  ASSERT_TRUE(store_->StopJob(first));
  EXPECT_NE(Refusal({one_, "b", "people", "people"}), "added") << "it goes on once it is started";
  ASSERT_TRUE(store_->StartJob(first));
  EndTask(JobTaskStatus::kDataFailed);
  const auto second = Add({one_, "b", "people", "people"});
  ASSERT_TRUE(second) << second.error().ToString();
  EXPECT_EQ(store_->RetryJob(first).error().code(), "JOB_COLLISION");
  ASSERT_TRUE(store_->DeleteJob(*second));
  EXPECT_TRUE(store_->RetryJob(first));
}

TEST_F(StoreJobConflictsTest, WhatAnotherSourceCopiedIsNotReplacedUntilItsJobsAreDeleted) {
  const int64_t first = *Add({one_, "a", "people", "people"});
  EndTask(JobTaskStatus::kDone);
  const int64_t again = *Add({one_, "a", "people", "people"});
  EndTask(JobTaskStatus::kDone);
  const std::string refused = Refusal({other_, "b", "persons", "people"});
  EXPECT_NE(refused.find("main.b.persons and main.a.people of data source one, job " +
                         std::to_string(again) + " move and 1 before it, both into people"),
            std::string::npos)
      << refused;
  EXPECT_NE(refused.find("delete that job"), std::string::npos) << refused;
  EXPECT_EQ(Refusal({other_, "b", "persons", "people", "dw2"}), "added");
  ASSERT_TRUE(store_->DeleteJob(again));
  EXPECT_NE(Refusal({other_, "a", "people", "people"}), "added") << "the job before it is there";
  ASSERT_TRUE(store_->DeleteJob(first));
  const auto taken = Add({other_, "a", "people", "people"});
  ASSERT_TRUE(taken) << taken.error().ToString();
  EXPECT_NE(Refusal({one_, "a", "people", "people"}), "added") << "now it is the other's";
  ASSERT_TRUE(store_->RemoveSource(other_));
  EXPECT_EQ(Refusal({one_, "a", "people", "people"}), "added");
}

TEST_F(StoreJobConflictsTest, JobsOfAnEarlierVersionHoldTheirTargetsToo) {
  ASSERT_TRUE(Add({one_, "a", "people", "people", "DW"}));
  EndTask(JobTaskStatus::kDone);
  store_.reset();
  {
    soci::session sql(soci::sqlite3, "db=" + folder_ + "/service.db timeout=5");
    sql << "DROP INDEX tasks_of_target";
    sql << "ALTER TABLE job_tasks DROP COLUMN target";
    sql << "ALTER TABLE job_tasks DROP COLUMN statements";
    sql << "DELETE FROM schema_version WHERE version >= 13";
  }
  store_ = *Store::Open(*taken_);
  EXPECT_NE(Refusal({other_, "a", "people", "people"}), "added");
}

TEST_F(StoreJobConflictsTest, WhoHasATargetIsFoundByItsIndex) {
  soci::session sql(soci::sqlite3, "db=" + folder_ + "/service.db timeout=5");
  std::string step, plan, text;
  int id = 0, parent = 0, unused = 0;
  long long number = 0;
  soci::statement statement =
      (sql.prepare << "EXPLAIN QUERY PLAN " + HoldersSql(), soci::use(text, "target"),
       soci::use(number, "source"), soci::use(text, "table"), soci::use(number, "but"),
       soci::into(id), soci::into(parent), soci::into(unused), soci::into(step));
  statement.execute();
  while (statement.fetch()) plan += step + "\n";
  for (const char* side : {"<", ">"}) {
    const std::string found = "INDEX tasks_of_target (target=? AND (source_id,table_name)";
    EXPECT_NE(plan.find(found + side + "(?,?))"), std::string::npos) << plan;
  }
  EXPECT_EQ(plan.find("SCAN o"), std::string::npos) << plan;
}

TEST_F(StoreJobConflictsTest, OfJobsThatAreMadeAtOnceOneHasTheTable) {
  const auto beside = *Store::OpenBeside(folder_);
  for (int round = 0; round < 10; ++round) {
    const std::string table = "t" + std::to_string(round);
    std::atomic<int> made = 0, refused = 0;
    const auto add = [&](Store* store) {
      Job job;
      job.source_id = one_;
      job.src_db = "a";
      job.dst_project = "dw";
      const auto added = store->AddJob(job, [&](const Store::AddJobTask& task) -> Status {
        Store::NewTask wanted;
        wanted.task.src_table = wanted.task.dst_table = table;
        wanted.task.table_name = "main.a." + table;
        return task(wanted);
      });
      if (added) {
        ++made;
      } else {
        EXPECT_EQ(added.error().code(), "JOB_CONFLICT");
        ++refused;
      }
    };
    std::thread first(add, store_.get()), second(add, beside.get());
    first.join();
    second.join();
    EXPECT_EQ(made, 1);
    EXPECT_EQ(refused, 1);
  }
}

TEST_F(StoreJobConflictsTest, OneTableInTwoJobsIsToldAsThat) {
  ASSERT_TRUE(Add({one_, "a", "people", "people"}));
  EXPECT_EQ(Add({one_, "a", "people", "people"}).error().code(), "JOB_CONFLICT");
  JobTask task;
  task.source_id = one_;
  task.table_name = "main.a.people";
  task.dst_project = "DW";
  task.dst_table = "people";
  EXPECT_FALSE(store_->FindTargetHolder(task)->has_value()) << "but for its own";
  task.table_name = "main.a.men";
  EXPECT_EQ((*store_->FindTargetHolder(task))->table_name, "main.a.people");
  task.dst_schema = "gold";
  EXPECT_FALSE(store_->FindTargetHolder(task)->has_value());
}

}  // namespace
}  // namespace mms::service
