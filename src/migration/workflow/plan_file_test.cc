#include "migration/workflow/plan_file.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

namespace mms::migration {
namespace {

namespace fs = std::filesystem;

PlanFile Plan() {
  PlanFile plan;
  plan.config_path = "/etc/mms/migration.yaml";
  plan.config_sha256 = "c0";
  plan.target = "project dw at example.com";
  FrozenTable table;
  table.source_name = "main.sales.\"x\"\n";
  table.version = 3;
  table.columns = {"id BIGINT -> id BIGINT"};
  table.units = 1'000'000;
  plan.tables = {table, table};
  plan.tables[1].source_name = "main.sales.orders";
  plan.left_out = {{"main.sales.v", "TYPE_UNSUPPORTED"}};
  return plan;
}

std::string Written(const PlanFile& plan) {
  std::string text;
  PlanFileWriter writer([&text](std::string_view piece) {
    text += piece;
    return OkStatus();
  });
  EXPECT_TRUE(writer.Begin(plan).has_value());
  for (const FrozenTable& table : plan.tables) EXPECT_TRUE(writer.Add(table).has_value());
  for (const auto& table : plan.left_out) EXPECT_TRUE(writer.Add(table).has_value());
  EXPECT_TRUE(writer.Finish().has_value());
  return text;
}

class PlanFileTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (fs::temp_directory_path() / "plan_file_XXXXXX").string();
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
  }
  void TearDown() override { fs::remove_all(folder_); }

  Result<PlanFile> Read(const std::string& text) {
    const fs::path path = folder_ / "plan.json";
    std::ofstream(path, std::ios::binary) << text;
    return ReadPlanFile(path.string());
  }

  fs::path folder_;
};

TEST_F(PlanFileTest, ComesBackAsItWasWrittenAndIsOneJsonDocument) {
  const PlanFile plan = Plan();
  const std::string text = Written(plan);
  const auto document = nlohmann::json::parse(text, nullptr, false);
  ASSERT_TRUE(document.is_object()) << text;
  EXPECT_EQ(document["tables_total"], 3);
  EXPECT_EQ(document["tables"].size(), 3U);
  const auto back = Read(text);
  ASSERT_TRUE(back.has_value()) << back.error().ToString();
  EXPECT_EQ(back->config_path, plan.config_path);
  EXPECT_EQ(back->config_sha256, plan.config_sha256);
  EXPECT_EQ(back->target, plan.target);
  EXPECT_EQ(back->tables, plan.tables);
  ASSERT_EQ(back->left_out.size(), 1U);
  EXPECT_EQ(back->left_out[0].code, "TYPE_UNSUPPORTED");
}

TEST_F(PlanFileTest, APlanOfNoTableIsAPlan) {
  const auto back = Read(Written(PlanFile()));
  ASSERT_TRUE(back.has_value()) << back.error().ToString();
  EXPECT_TRUE(back->tables.empty());
}

TEST_F(PlanFileTest, AnyByteThatIsAnotherOneIsFound) {
  const std::string text = Written(Plan());
  for (size_t i = 0; i < text.size(); ++i) {
    std::string changed = text;
    changed[i] = changed[i] == '1' ? '2' : '1';
    const auto read = Read(changed);
    ASSERT_FALSE(read.has_value()) << i << ": " << changed;
    const bool later = read.error().code() == "PLAN_FORMAT";
    EXPECT_TRUE(later || read.error().code() == "PLAN_CHANGED") << read.error().ToString();
  }
}

TEST_F(PlanFileTest, APlanThatIsCutOrLongerIsFound) {
  const std::string text = Written(Plan());
  for (size_t size = 1; size + 1 < text.size(); ++size) {
    EXPECT_EQ(Read(text.substr(0, size)).error().code(), "PLAN_CHANGED") << size;
  }
  EXPECT_TRUE(Read(text.substr(0, text.size() - 1)).has_value()) << "the last line's end alone";
  EXPECT_EQ(Read(text + "\n").error().code(), "PLAN_CHANGED");
  EXPECT_EQ(Read("").error().code(), "PLAN_UNREADABLE");
  EXPECT_EQ(ReadPlanFile((folder_ / "none").string()).error().code(), "PLAN_UNREADABLE");
}

}  // namespace
}  // namespace mms::migration
