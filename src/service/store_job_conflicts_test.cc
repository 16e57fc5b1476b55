// Tables at the target that jobs hold while they are not done.
#include <gtest/gtest.h>

#include <atomic>
#include <filesystem>
#include <thread>

#include "service/example_source.h"
#include "service/store.h"

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
    Store::Destination into = {"dw", ""};
  };
  /// A job of one task.
  Result<int64_t> Add(const Wanted& wanted) {
    Job job;
    job.source_id = wanted.source;
    job.name = "move";
    job.src_db = wanted.schema;
    job.dst_project = wanted.into.project;
    job.dst_schema = wanted.into.schema;
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
  EXPECT_NE(Refusal({other_, "c", "men", "people", {"DW", "Default"}}), "added");
  EXPECT_EQ(store_->CountJobs({}).value(), 1) << "nothing of it is stored";
  EXPECT_EQ(Refusal({other_, "a", "people", "persons"}), "added");
  EXPECT_EQ(Refusal({other_, "a", "people", "people", {"dw2", ""}}), "added");
  EXPECT_EQ(Refusal({other_, "a", "people", "people", {"dw", "gold"}}), "added");
}

TEST_F(StoreJobConflictsTest, ATargetTableIsFreeOnceItsJobIsDoneOrDeleted) {
  const int64_t first = *Add({one_, "a", "people", "people"});
  ASSERT_TRUE(store_->StopJob(first));
  EXPECT_NE(Refusal({other_, "a", "people", "people"}), "added") << "it goes on once it is started";
  ASSERT_TRUE(store_->StartJob(first));
  EndTask(JobTaskStatus::kDataFailed);
  const auto second = Add({other_, "a", "people", "people"});
  ASSERT_TRUE(second) << second.error().ToString();
  EXPECT_EQ(store_->RetryJob(first).error().code(), "JOB_COLLISION");
  ASSERT_TRUE(store_->DeleteJob(*second));
  EXPECT_TRUE(store_->RetryJob(first));
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
  const auto held = store_->ListOpenTargets({"dw", ""});
  ASSERT_EQ(held->size(), 1U);
  EXPECT_TRUE(held->front().Holds(one_, "main.a.people"));
  EXPECT_TRUE(store_->ListOpenTargets({"dw", "gold"})->empty());
}

}  // namespace
}  // namespace mms::service
