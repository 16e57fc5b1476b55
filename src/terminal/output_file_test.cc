#include "terminal/output_file.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>

namespace mms::terminal {
namespace {

class OutputFileOf : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = std::filesystem::temp_directory_path() / ("mms_output_" + std::to_string(::getpid()));
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directories(folder_);
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::string Read() const {
    std::ifstream file(folder_ / "report");
    std::ostringstream text;
    text << file.rdbuf();
    return text.str();
  }

  std::filesystem::path folder_;
  Output output_{false};
};

TEST_F(OutputFileOf, IsThereWholeOnceItIsCommitted) {
  std::ofstream(folder_ / "report") << "before";
  {
    auto file = OutputFile::Open(folder_ / "report", &output_);
    ASSERT_TRUE(file) << file.error().ToString();
    const std::string large(200'000, 'x');
    ASSERT_TRUE(file->Write("a"));
    ASSERT_TRUE(file->Write(large));
    EXPECT_EQ(Read(), "before");
    ASSERT_TRUE(file->Commit());
    EXPECT_EQ(Read(), "a" + large);
  }
  EXPECT_FALSE(std::filesystem::exists(folder_ / "report.part"));
}

TEST_F(OutputFileOf, IsNotThereWhenItWasNotCommitted) {
  {
    auto file = OutputFile::Open(folder_ / "report", &output_);
    ASSERT_TRUE(file);
    ASSERT_TRUE(file->Write("half"));
  }
  EXPECT_TRUE(std::filesystem::is_empty(folder_));
}

TEST_F(OutputFileOf, NamesAPathThatCannotBeWritten) {
  const auto file = OutputFile::Open(folder_ / "none" / "report", &output_);
  ASSERT_FALSE(file);
  EXPECT_EQ(file.error().code(), "OUTPUT_NOT_WRITABLE");
  EXPECT_EQ(file.error().kind(), ErrorKind::kDenied);
  EXPECT_NE(file.error().where().find("none/report"), std::string::npos);
  std::filesystem::create_directories(folder_ / "taken" / "by");
  auto taken = OutputFile::Open(folder_ / "taken", &output_);
  ASSERT_TRUE(taken);
  EXPECT_FALSE(taken->Commit());
  EXPECT_FALSE(std::filesystem::exists(folder_ / "taken.part"));
}

}  // namespace
}  // namespace mms::terminal
