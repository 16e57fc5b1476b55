#include "migration/inspect/inspect.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "migration/inspect/corpus.h"

namespace mms::migration {
namespace {

TEST_F(Corpus, AnOlderVersionCanBePinned) {
  const auto first = Inspect("plain", 1);
  ASSERT_TRUE(first.has_value()) << first.error().ToString();
  EXPECT_EQ(first->version, 1);
  EXPECT_EQ(first->files.size(), 1U);
  EXPECT_EQ(Inspect("plain")->files.size(), 2U);
  const auto none = Inspect("plain", 99);
  ASSERT_FALSE(none.has_value());
  EXPECT_NE(none.error().where().find("plain"), std::string::npos);
}

TEST_F(Corpus, AnUnknownFeatureIsRefusedByName) {
  const auto snapshot = Inspect("unknown_feature");
  ASSERT_FALSE(snapshot.has_value());
  EXPECT_EQ(snapshot.error().code(), "DELTA_FEATURE_UNSUPPORTED");
  EXPECT_NE(snapshot.error().ToString().find("fromTheFuture"), std::string::npos);
}

TEST_F(Corpus, APlaceWithoutATableIsNotFound) {
  const auto snapshot = Inspect("no_such_table");
  ASSERT_FALSE(snapshot.has_value());
  EXPECT_EQ(snapshot.error().kind(), ErrorKind::kNotFound);
}

TEST_F(Corpus, OneSourceInspectsFromManyThreads) {
  Source source = MakeSource();
  const SourceTable table = Find(source, "parts");
  std::vector<std::jthread> threads;
  std::atomic<int> good = 0;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&] {
      const auto snapshot = source.Inspect(table, std::nullopt);
      good += snapshot.has_value() && snapshot->files.size() == 12 ? 1 : 0;
    });
  }
  threads.clear();
  EXPECT_EQ(good, 8);
}

TEST(Source, VisitsALocationOnceAndRefusesTwoNamesForIt) {
  Source source({}, std::make_shared<HttpClient>(HttpClient::Options{}));
  TableChoice choice;
  choice.location = "file:///lake/a";
  TableChoice same = choice;
  same.location = "file:///lake/a/";
  int visits = 0;
  const auto count = [&](SourceTable) -> Status {
    ++visits;
    return OkStatus();
  };
  EXPECT_TRUE(source.List({choice, same}, count).has_value());
  EXPECT_EQ(visits, 1);
  same.as = "b";
  const Status twice = source.List({choice, same}, count);
  ASSERT_FALSE(twice.has_value());
  EXPECT_EQ(twice.error().code(), "TABLE_CHOSEN_TWICE");
}

TEST(Source, AVisitorsErrorEndsTheList) {
  Source source({}, std::make_shared<HttpClient>(HttpClient::Options{}));
  TableChoice choice;
  choice.location = "file:///lake/a";
  const Status listed = source.List(
      {choice}, [](SourceTable) -> Status { return Error(ErrorKind::kCancelled, "STOP", "stop"); });
  ASSERT_FALSE(listed.has_value());
  EXPECT_EQ(listed.error().code(), "STOP");
}

TEST(Source, AnIncludeNeedsACatalog) {
  Source source({}, std::make_shared<HttpClient>(HttpClient::Options{}));
  TableChoice choice;
  choice.include = "sales.*";
  const Status listed = source.List({choice}, [](SourceTable) -> Status { return OkStatus(); });
  ASSERT_FALSE(listed.has_value());
  EXPECT_EQ(listed.error().code(), "SOURCE_CATALOG_MISSING");
}

}  // namespace
}  // namespace mms::migration
