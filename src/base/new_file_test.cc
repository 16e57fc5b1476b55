#include "base/new_file.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>

namespace mms {
namespace {

class NewFileTest : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = std::filesystem::temp_directory_path() / ("mms_file_" + std::to_string(::getpid()));
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
};

TEST_F(NewFileTest, IsThereWholeOnceItIsCommitted) {
  std::ofstream(folder_ / "report") << "before";
  {
    auto file = NewFile::Create(folder_ / "report");
    ASSERT_TRUE(file) << file.error().ToString();
    const std::string large(200'000, 'x');
    ASSERT_TRUE(file->Write("a"));
    ASSERT_TRUE(file->Write(large));
    EXPECT_EQ(file->size_bytes(), 200'001);
    EXPECT_EQ(Read(), "before");
    ASSERT_TRUE(file->Commit());
    EXPECT_EQ(Read(), "a" + large);
  }
  EXPECT_FALSE(std::filesystem::exists(folder_ / "report.part"));
}

TEST_F(NewFileTest, BytesWrittenBeforeCanBeReplaced) {
  auto file = NewFile::Create(folder_ / "report");
  ASSERT_TRUE(file);
  ASSERT_TRUE(file->Write("....and more"));
  ASSERT_TRUE(file->WriteAt(1, "12"));
  ASSERT_TRUE(file->Write("!"));
  ASSERT_TRUE(file->Commit());
  EXPECT_EQ(Read(), ".12.and more!");
}

TEST_F(NewFileTest, IsNotThereWhenItWasNotCommitted) {
  {
    auto file = NewFile::Create(folder_ / "report");
    ASSERT_TRUE(file);
    ASSERT_TRUE(file->Write("half"));
  }
  EXPECT_TRUE(std::filesystem::is_empty(folder_));
}

TEST_F(NewFileTest, NamesAPathThatCannotBeWritten) {
  const auto file = NewFile::Create(folder_ / "none" / "report");
  ASSERT_FALSE(file);
  EXPECT_EQ(file.error().code(), "OUTPUT_NOT_WRITABLE");
  EXPECT_EQ(file.error().kind(), ErrorKind::kDenied);
  EXPECT_NE(file.error().where().find("none/report"), std::string::npos);
  std::filesystem::create_directories(folder_ / "taken" / "by");
  auto taken = NewFile::Create(folder_ / "taken");
  ASSERT_TRUE(taken);
  EXPECT_FALSE(taken->Commit());
  EXPECT_FALSE(std::filesystem::exists(folder_ / "taken.part"));
}

}  // namespace
}  // namespace mms
