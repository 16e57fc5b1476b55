#include "service/store.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "migration/ledger/database.h"
#include "service/example_source.h"

namespace mms::service {
namespace {

using enum SourceStatus;

class StoreTest : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = testing::TempDir() + "store-XXXXXX";
    ASSERT_NE(mkdtemp(folder_.data()), nullptr);
    Open();
  }
  void TearDown() override {
    store_.reset();
    std::filesystem::remove_all(folder_);
  }
  void Open() {
    store_.reset();
    taken_.reset();
    taken_ = *migration::StateFolder::Take(folder_, "service.lock");
    auto opened = Store::Open(*taken_);
    ASSERT_TRUE(opened) << opened.error().ToString();
    store_ = std::move(*opened);
  }
  int64_t Add(const std::string& name) {
    DataSource source;
    source.name = name;
    source.created_ms = 1'000;
    source.config = *ApplyChanges({}, ExampleSettings(), false);
    const auto id = store_->AddSource(source);
    EXPECT_TRUE(id) << id.error().ToString();
    return id ? *id : 0;
  }
  static NetworkProfile Network(const std::string& name, const std::string& password) {
    return {name, {{"proxy", "http://p:1"}}, {{"proxy_password", Secret(password)}}};
  }
  Status Take(int64_t id, std::vector<SourceStatus> from, SourceStatus to, int64_t now_ms) {
    return store_->Take({id, std::move(from), to, "", now_ms, 4});
  }
  void StartAt(int64_t id, int64_t now_ms) {
    ASSERT_TRUE(Take(id, {kInit, kStopped}, kStarting, now_ms));
    ASSERT_TRUE(Take(id, {kStarting}, kStarted, now_ms));
  }
  SourceStatus StatusOf(int64_t id) { return store_->GetSource(id)->status; }
  int64_t AddScan(int64_t source, const std::string& db = "") {
    ScanTask scan;
    scan.source_id = source;
    scan.cause = "user";
    scan.db_name = db;
    return *store_->AddScan(scan);
  }

  std::string folder_;
  std::unique_ptr<migration::StateFolder> taken_;
  std::unique_ptr<Store> store_;
};

TEST_F(StoreTest, ASourceIsThereAgainWhenTheStoreIsOpenedAgain) {
  const int64_t id = Add("sales");
  EXPECT_EQ(id, 2'000'000);
  Open();
  const auto source = store_->FindSource("sales");
  ASSERT_TRUE(source) << source.error().ToString();
  EXPECT_EQ(source->id, id);
  EXPECT_EQ(source->status, kInit);
  EXPECT_EQ(source->config.Get("db.catalog"), "main");
  EXPECT_EQ(source->updated_ms, std::nullopt);
  const auto unsealed = store_->UnsealSource(id);
  ASSERT_TRUE(unsealed) << unsealed.error().ToString();
  EXPECT_EQ(unsealed->config.secrets.at("db.access.token").Reveal(), "dapi-secret");
}

TEST_F(StoreTest, SecretsStaySealedUntilTheyAreNeeded) {
  const int64_t id = Add("sales");
  soci::session sql(soci::sqlite3, "db=" + folder_ + "/service.db timeout=5");
  sql << "UPDATE settings SET value = 'none of ours' WHERE key = 'db.access.token'";
  const auto listed = store_->ListSources({}, {1, 10});
  ASSERT_TRUE(listed) << listed.error().ToString();
  EXPECT_TRUE(listed->front().config.Has("db.access.token"));
  for (const auto& [key, secret] : listed->front().config.secrets) EXPECT_TRUE(secret.empty());
  EXPECT_TRUE(store_->GetSource(id));
  EXPECT_TRUE(store_->FindSource("sales"));
  EXPECT_EQ(store_->UnsealSource(id).error().code(), "SECRET_KEY_WRONG");
}

TEST_F(StoreTest, NoFileOfTheFolderHoldsASecret) {
  Add("sales");
  for (const auto& entry : std::filesystem::directory_iterator(folder_)) {
    std::ostringstream text;
    text << std::ifstream(entry.path(), std::ios::binary).rdbuf();
    EXPECT_EQ(text.str().find("dapi-secret"), std::string::npos) << entry.path();
    EXPECT_EQ(text.str().find("c2lnbmF0dXJl"), std::string::npos) << entry.path();
    EXPECT_EQ(std::filesystem::status(entry.path()).permissions() & std::filesystem::perms(0077),
              std::filesystem::perms::none)
        << entry.path();
  }
}

TEST_F(StoreTest, AStoreWhoseKeyIsGoneIsNotOpenedWithANewOne) {
  Add("sales");
  store_.reset();
  std::filesystem::remove(folder_ + "/service.key");
  const auto opened = Store::Open(*taken_);
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code(), "SECRET_KEY_UNREADABLE");
}

TEST_F(StoreTest, ANetworkIsThereAgainWithItsSecretsSealed) {
  ASSERT_TRUE(store_->AddNetwork(Network("office", "proxy-value")));
  EXPECT_EQ(store_->AddNetwork(Network("office", "x")).error().code(), "NAME_EXISTS");
  Open();
  const auto got = store_->GetNetwork("office");
  ASSERT_TRUE(got) << got.error().ToString();
  EXPECT_EQ(got->values.at("proxy"), "http://p:1");
  EXPECT_TRUE(got->secrets.at("proxy_password").empty());
  EXPECT_EQ(store_->UnsealNetwork("office")->secrets.at("proxy_password").Reveal(), "proxy-value");
  ASSERT_TRUE(store_->AddNetwork(Network("airport", "x")));
  const auto listed = store_->ListNetworks();
  ASSERT_TRUE(listed) << listed.error().ToString();
  ASSERT_EQ(listed->size(), 2);
  EXPECT_EQ(listed->front().name, "airport");
  for (const auto& entry : std::filesystem::directory_iterator(folder_)) {
    std::ostringstream text;
    text << std::ifstream(entry.path(), std::ios::binary).rdbuf();
    EXPECT_EQ(text.str().find("proxy-value"), std::string::npos) << entry.path();
  }
  store_.reset();
  std::filesystem::remove(folder_ + "/service.key");
  EXPECT_EQ(Store::Open(*taken_).error().code(), "SECRET_KEY_UNREADABLE");
}

TEST_F(StoreTest, ANetworkStaysWhileASourceIsReachedByIt) {
  ASSERT_TRUE(store_->AddNetwork(Network("office", "x")));
  DataSource source = *store_->UnsealSource(Add("sales"));
  source.networklink = "ofice:local";
  const Status unknown = store_->SaveSource(source);
  ASSERT_FALSE(unknown);
  EXPECT_EQ(unknown.error().code(), "NETWORK_NOT_FOUND");
  EXPECT_NE(unknown.error().message().find("direct, office"), std::string::npos);
  source.networklink = "office:local";
  ASSERT_TRUE(store_->SaveSource(source));
  EXPECT_EQ(*store_->UsersOfNetwork("office"), std::vector<std::string>{"sales"});
  const Status removed = store_->RemoveNetwork("office");
  ASSERT_FALSE(removed);
  EXPECT_EQ(removed.error().code(), "NETWORK_IN_USE");
  EXPECT_NE(removed.error().message().find("(sales)"), std::string::npos);

  StartAt(source.id, 2'000);
  EXPECT_EQ(store_->SaveNetwork(Network("office", "y")).error().code(), "SOURCE_STATE");
  ASSERT_TRUE(Take(source.id, {kStarted}, kStopping, 3'000));
  ASSERT_TRUE(Take(source.id, {kStopping}, kStopped, 3'000));
  ASSERT_TRUE(store_->SaveNetwork(Network("office", "y")));
  EXPECT_EQ(store_->UnsealNetwork("office")->secrets.at("proxy_password").Reveal(), "y");

  source.networklink = kDirectLink;
  ASSERT_TRUE(store_->SaveSource(source));
  ASSERT_TRUE(store_->RemoveNetwork("office"));
  EXPECT_EQ(store_->RemoveNetwork("office").error().code(), "NETWORK_NOT_FOUND");
  EXPECT_EQ(store_->SaveNetwork(Network("office", "y")).error().code(), "NETWORK_NOT_FOUND");
}

TEST_F(StoreTest, NamesAreThereOnce) {
  const int64_t first = Add("sales");
  Add("hr");
  DataSource again = *store_->UnsealSource(first);
  EXPECT_EQ(store_->RenameSource(first, "hr").error().code(), "NAME_EXISTS");
  EXPECT_EQ(store_->AddSource(again).error().code(), "NAME_EXISTS");
  EXPECT_TRUE(store_->RenameSource(first, "vertrieb"));
  EXPECT_EQ(store_->RenameSource(17, "x").error().code(), "SOURCE_NOT_FOUND");
  EXPECT_TRUE(store_->FindSource("vertrieb"));
  EXPECT_EQ(store_->FindSource("sales").error().code(), "SOURCE_NOT_FOUND");
}

TEST_F(StoreTest, ListsArePagedAndFilteredInSql) {
  for (const char* name : {"a1", "b_2", "a3", "bx2"}) Add(name);
  const auto page = store_->ListSources({"", ""}, {2, 3});
  ASSERT_TRUE(page);
  ASSERT_EQ(page->size(), 1u);
  EXPECT_EQ(page->front().name, "bx2");
  EXPECT_EQ(*store_->CountSources({"a", ""}), 2);
  EXPECT_EQ(*store_->CountSources({"b_", ""}), 1) << "_ is a letter, no pattern";
  EXPECT_EQ(*store_->CountSources({"", "HIVE"}), 0);
}

TEST_F(StoreTest, ATransitionHitsFromTheStatesThatItMayFollowAlone) {
  const int64_t id = Add("sales");
  const Status wrong = Take(id, {kStarting}, kStarted, 1);
  ASSERT_FALSE(wrong);
  EXPECT_EQ(wrong.error().code(), "SOURCE_STATE");
  EXPECT_EQ(StatusOf(id), kInit);
  StartAt(id, 10'000);
  EXPECT_EQ(StatusOf(id), kStarted);
  EXPECT_EQ(store_->RemoveSource(id).error().code(), "SOURCE_STATE");
}

TEST_F(StoreTest, TheInstanceIsAccountedForFromStartToStop) {
  const int64_t id = Add("sales");
  StartAt(id, 10'000);
  ASSERT_TRUE(store_->Heartbeat(15'000));
  EXPECT_EQ(store_->Totals(id, 15'000)->running_ms, 5'000);
  ASSERT_TRUE(Take(id, {kStarted}, kStopping, 20'000));
  ASSERT_TRUE(Take(id, {kStopping}, kStopped, 40'000));
  StartAt(id, 100'000);
  ASSERT_TRUE(Take(id, {kStarted}, kStopped, 90'000)) << "a clock that was set back";
  const auto totals = store_->Totals(id, 200'000);
  EXPECT_EQ(totals->spans, 2);
  EXPECT_EQ(totals->running_ms, 30'000);
  EXPECT_EQ(totals->unit_seconds, 120);
  ASSERT_TRUE(store_->RemoveSource(id));
  EXPECT_EQ(store_->Totals(id, 200'000)->unit_seconds, 120) << "a bill outlives its source";
}

TEST_F(StoreTest, WhatADeadProcessLeftIsPutRight) {
  const int64_t id = Add("sales");
  StartAt(id, 10'000);
  const int64_t scan = AddScan(id);
  ASSERT_TRUE(store_->BeginScan(scan, 11'000));
  ASSERT_TRUE(store_->SetScanProgress(id, 1'234));
  ASSERT_TRUE(store_->Heartbeat(16'000));
  Open();
  ASSERT_TRUE(store_->Recover(1, 99'000));
  EXPECT_EQ(StatusOf(id), kStopped);
  EXPECT_EQ(store_->Totals(id, 99'000)->running_ms, 6'000) << "until the last heartbeat";
  EXPECT_TRUE(store_->ListUses(id, {1, 10})->front().ended_ms.has_value());
  EXPECT_EQ(store_->GetScan(scan)->status, TaskStatus::kInit);
  EXPECT_EQ(store_->GetScan(scan)->progress, 0);
  ASSERT_TRUE(store_->BeginScan(scan, 100'000));
  ASSERT_TRUE(store_->Recover(1, 101'000));
  EXPECT_EQ(store_->GetScan(scan)->status, TaskStatus::kFailed) << "it died with each process";
  EXPECT_NE(store_->GetScan(scan)->error_json, "");
}

TEST_F(StoreTest, ATaskInWorkWhenItsProcessDiedIsToldAsInterrupted) {
  const int64_t id = Add("sales");
  AsyncTask task;
  task.source_id = id;
  task.type = AsyncType::kConfigTest;
  task.started_ms = 10'000;
  const auto cut = store_->AddTask(task);
  const auto done = store_->AddTask(task);
  EXPECT_NE(cut->id, done->id);
  ASSERT_TRUE(store_->EndTask(done->id, {TaskStatus::kDone, "{}", "", 11'000}));
  EXPECT_EQ(store_->EndTask(done->id, {}).error().code(), "TASK_NOT_FOUND");
  EXPECT_EQ(*store_->CountOpenTasks(), 1);
  EXPECT_EQ(store_->RemoveSource(id).error().code(), "SOURCE_STATE");
  Open();
  ASSERT_TRUE(store_->Recover(1, 99'000));
  EXPECT_EQ(*store_->CountOpenTasks(), 0);
  const AsyncTask interrupted = *store_->GetTask(cut->id);
  EXPECT_EQ(interrupted.status, TaskStatus::kFailed);
  EXPECT_EQ(interrupted.ended_ms, 99'000);
  EXPECT_NE(interrupted.error_json.find("TASK_INTERRUPTED"), std::string::npos);
  EXPECT_EQ(store_->GetTask(done->id)->status, TaskStatus::kDone);
  ASSERT_TRUE(store_->RemoveSource(id));
  EXPECT_EQ(store_->GetTask(cut->id).error().code(), "TASK_NOT_FOUND");
  EXPECT_EQ(store_->AddTask(task).error().code(), "SOURCE_NOT_FOUND");
}

TEST_F(StoreTest, OneScanAtATimeAndTheSameOneWaitsOnce) {
  const int64_t id = Add("sales");
  const int64_t whole = AddScan(id);
  EXPECT_EQ(whole, 1'000'000);
  EXPECT_EQ(AddScan(id), whole);
  const int64_t schema = AddScan(id, "hr");
  EXPECT_NE(schema, whole);
  EXPECT_EQ((*store_->NextScan(id))->id, whole);
  ASSERT_TRUE(store_->BeginScan(whole, 1));
  EXPECT_EQ(*store_->NextScan(id), std::nullopt);
  EXPECT_EQ(store_->BeginScan(schema, 1).error().code(), "SCAN_STATE");
  EXPECT_NE(AddScan(id), whole) << "one that runs may have missed what changed since";
  EXPECT_EQ(*store_->CountOpenScans(id), 3);
  ASSERT_TRUE(store_->EndScan(whole, {TaskStatus::kDone, "{}", "", 7'000}));
  EXPECT_EQ(store_->GetScan(whole)->progress, 10'000);
  EXPECT_EQ(store_->GetSource(id)->updated_ms, 7'000);
  EXPECT_EQ(store_->EndScan(whole, {}).error().code(), "SCAN_STATE");
  EXPECT_EQ((*store_->NextScan(id))->id, schema);
  EXPECT_EQ(store_->ListScans(id, {1, 2})->size(), 2u);
}

TEST_F(StoreTest, AnotherProcessReadsAndAsksForAStopBesideTheOwner) {
  const int64_t id = Add("sales");
  StartAt(id, 1'000);
  const auto beside = Store::OpenBeside(folder_);
  ASSERT_TRUE(beside) << beside.error().ToString();
  EXPECT_EQ((*beside)->GetSource(id)->status, kStarted);
  ASSERT_TRUE((*beside)->AskStop(id, true));
  EXPECT_TRUE(store_->GetSource(id)->stop_asked);
  ASSERT_TRUE(Take(id, {kStarted}, kStopped, 2'000));
  EXPECT_FALSE(store_->GetSource(id)->stop_asked);
  EXPECT_EQ(Store::OpenBeside(folder_ + "/none").error().code(), "SERVICE_NOT_FOUND");
}

TEST_F(StoreTest, WhetherAProjectHasSchemasIsKeptUntilTheEndpointChanges) {
  Profile target{"target", {{"endpoint", "https://one/api"}, {"quota", "a"}}, {}};
  ASSERT_TRUE(store_->SaveTarget(target));
  EXPECT_EQ(*store_->FindProjectSchemas("dw"), std::nullopt);
  ASSERT_TRUE(store_->KeepProjectSchemas("dw", true));
  ASSERT_TRUE(store_->KeepProjectSchemas("flat", false));
  target.values["quota"] = "b";
  ASSERT_TRUE(store_->SaveTarget(target));
  Open();
  EXPECT_EQ(*store_->FindProjectSchemas("DW"), true);
  EXPECT_EQ(*store_->FindProjectSchemas("flat"), false);
  target.values["endpoint"] = "https://other/api";
  ASSERT_TRUE(store_->SaveTarget(target));
  EXPECT_EQ(*store_->FindProjectSchemas("dw"), std::nullopt);
}

TEST_F(StoreTest, ARemovedSourceTakesItsScansWithIt) {
  const int64_t id = Add("sales");
  const int64_t scan = AddScan(id);
  ASSERT_TRUE(store_->RemoveSource(id));
  EXPECT_EQ(store_->GetScan(scan).error().code(), "SCAN_NOT_FOUND");
  EXPECT_GT(Add("sales"), id) << "an id is never used again";
}

}  // namespace
}  // namespace mms::service
