// For tests only: the corpus of Delta tables that Spark wrote (tests/corpus), read by location.
// Each run unpacks it into a folder of its own and removes it at the end.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "migration/inspect/inspect.h"

namespace mms::migration {

/// The corpus, unpacked once for the tests of one run.
class Corpus : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    std::string pattern = (std::filesystem::temp_directory_path() / "mms-corpus-XXXXXX").string();
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
    const std::filesystem::path root =
        std::filesystem::path(__FILE__).parent_path().parent_path().parent_path().parent_path();
    const std::string archive = (root / "tests/corpus/corpus.tar.gz").string();
    ASSERT_EQ(std::system(("tar xzf '" + archive + "' -C '" + pattern + "'").c_str()), 0)
        << archive;
  }
  static void TearDownTestSuite() { std::filesystem::remove_all(folder_); }

  static Source MakeSource() {
    return Source({}, std::make_shared<HttpClient>(HttpClient::Options{}));
  }

  static SourceTable Find(Source& source, const std::string& table) {
    std::optional<SourceTable> found;
    TableChoice choice;
    choice.location = "file://" + (folder_ / "corpus" / table).string();
    const Status listed = source.List({choice}, [&](SourceTable one) -> Status {
      found = std::move(one);
      return OkStatus();
    });
    EXPECT_TRUE(listed.has_value());
    return found.value_or(SourceTable{});
  }

  static Result<Snapshot> Inspect(const std::string& table, std::optional<int64_t> version = {}) {
    Source source = MakeSource();
    return source.Inspect(Find(source, table), version);
  }

  static nlohmann::json Expected(const std::string& table) {
    std::ifstream file(folder_ / "expected" / (table + ".json"));
    return nlohmann::json::parse(file);
  }

  inline static std::filesystem::path folder_;
};

}  // namespace mms::migration
