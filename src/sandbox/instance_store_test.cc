#include "sandbox/instance_store.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "sandbox/call.h"

namespace mms::sandbox {
namespace {

namespace fs = std::filesystem;

class InstanceStoreTest : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::temp_directory_path() / ("mms_instances_" + RandomHex(8));
    fs::create_directories(folder_);
    Reopen();
  }
  void TearDown() override {
    store_.reset();
    fs::remove_all(folder_);
  }
  /// As after a kill: nothing is said to the store before.
  void Reopen() {
    store_.reset();
    store_ = InstanceStore::Open(folder_).value();
  }
  InstanceView Add(const std::string& id, const std::string& owner = "me") {
    InstanceView view;
    view.id = id;
    view.project = "p";
    view.owner = owner;
    view.job.task_name = "task";
    view.job.job_text = "<Job>" + id + "</Job>";
    view.submitted_s = 100;
    EXPECT_TRUE(store_->Add(view).has_value());
    return view;
  }
  void Finish(InstanceView view, int64_t ended_s) {
    view.state = InstanceState::kSuccess;
    view.ended_s = ended_s;
    view.is_select = true;
    view.result_path = ".results/" + view.id + ".parquet";
    EXPECT_TRUE(store_->Finish(view).has_value());
  }
  std::vector<std::string> Ids(const InstanceFilter& filter) {
    std::vector<std::string> ids;
    auto views = store_->List("p", filter);
    EXPECT_TRUE(views.has_value());
    for (const InstanceView& view : *views) ids.push_back(view.id);
    return ids;
  }

  fs::path folder_;
  std::unique_ptr<InstanceStore> store_;
};

using Texts = std::vector<std::string>;

TEST_F(InstanceStoreTest, AnEndedInstanceComesBackWholeAndOneThatRanHasFailed) {
  Finish(Add("1"), 150);
  Add("2");
  Reopen();
  auto ended = store_->Find("1").value();
  ASSERT_TRUE(ended.has_value());
  EXPECT_EQ(ended->state, InstanceState::kSuccess);
  EXPECT_EQ(ended->job.job_text, "<Job>1</Job>");
  EXPECT_EQ(ended->job.task_name, "task");
  EXPECT_EQ(ended->submitted_s, 100);
  EXPECT_EQ(ended->ended_s, 150);
  EXPECT_TRUE(ended->is_select);
  EXPECT_EQ(store_->ResultPaths().value(), Texts{".results/1.parquet"});
  auto lost = store_->Find("2").value();
  EXPECT_EQ(lost->state, InstanceState::kFailed);
  EXPECT_TRUE(lost->text.starts_with("FAILED: ODPS-0010000:"));
  EXPECT_GT(lost->ended_s, 0);
  EXPECT_FALSE(store_->Find("3").value().has_value());
}

TEST_F(InstanceStoreTest, OldOnesAndThoseBeyondTheNumberGoButNoneThatRuns) {
  Add("0");
  for (const char* id : {"1", "2", "3", "4"}) Finish(Add(id), 100 * (id[0] - '0'));
  EXPECT_EQ(store_->Forget(150, 100).value(), Texts{".results/1.parquet"});
  EXPECT_EQ(store_->Forget(0, 2).value(), Texts{".results/2.parquet"});
  EXPECT_EQ(Ids({}), (Texts{"4", "3", "0"}));
}

TEST_F(InstanceStoreTest, ListsAreCutByOwnerStateTimeAndPage) {
  Finish(Add("1"), 150);
  Finish(Add("2", "you"), 150);
  Add("3");
  InstanceFilter filter;
  EXPECT_EQ(Ids(filter), (Texts{"3", "2", "1"}));
  filter.owner = "me";
  EXPECT_EQ(Ids(filter), (Texts{"3", "1"}));
  filter.finished = true;
  EXPECT_EQ(Ids(filter), Texts{"1"});
  filter = {};
  filter.limit = 2;
  EXPECT_EQ(Ids(filter), (Texts{"3", "2"}));
  filter.marker = "2";
  EXPECT_EQ(Ids(filter), Texts{"1"});
  filter = {};
  filter.from_s = 101;
  EXPECT_EQ(Ids(filter), Texts{});
}

}  // namespace
}  // namespace mms::sandbox
