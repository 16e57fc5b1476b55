#include "migration/evidence/tar.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <vector>

namespace mms::migration {
namespace {

using Files = std::vector<std::pair<std::string, std::string>>;

class TarTest : public testing::Test {
 protected:
  void SetUp() override {
    path_ = std::filesystem::temp_directory_path() / ("mms_tar_" + std::to_string(::getpid()));
  }
  void TearDown() override { std::filesystem::remove(path_); }

  void Write(const Files& files) {
    auto file = NewFile::Create(path_);
    ASSERT_TRUE(file) << file.error().ToString();
    TarWriter tar(&*file);
    for (const auto& [name, content] : files) {
      ASSERT_TRUE(tar.Begin(name));
      const size_t half = content.size() / 2;
      ASSERT_TRUE(tar.Write(std::string_view(content).substr(0, half)));
      ASSERT_TRUE(tar.Write(std::string_view(content).substr(half)));
      ASSERT_TRUE(tar.End());
    }
    ASSERT_TRUE(tar.Finish());
    ASSERT_TRUE(file->Commit());
  }

  std::string Bytes() const {
    std::ostringstream text;
    text << std::ifstream(path_, std::ios::binary).rdbuf();
    return text.str();
  }
  void Replace(const std::string& bytes) { std::ofstream(path_, std::ios::binary) << bytes; }

  /// Turns one bit over; a second time, back.
  void Flip(size_t at, int bit) {
    std::fstream file(path_, std::ios::binary | std::ios::in | std::ios::out);
    file.seekg(static_cast<std::streamoff>(at));
    const auto byte = static_cast<char>(file.get() ^ (1 << bit));
    file.seekp(static_cast<std::streamoff>(at));
    file.put(byte);
  }

  Result<Files> Read() {
    TRY(TarReader tar, TarReader::Open(path_));
    Files files;
    for (;;) {
      TRY(const auto entry, tar.Next());
      if (!entry) return files;
      std::string content;
      for (;;) {
        TRY(const std::string_view piece, tar.Read());
        if (piece.empty()) break;
        content += piece;
      }
      files.emplace_back(entry->name, content);
    }
  }

  std::string path_;
  const Files files_ = {{"empty", ""},
                        {"block", std::string(512, 'b')},
                        {"large", std::string(200'001, 'x')},
                        {"a b.json", "{}\n"}};
};

TEST_F(TarTest, GivesBackWhatWasWritten) {
  Write(files_);
  const auto read = Read();
  ASSERT_TRUE(read) << read.error().ToString();
  EXPECT_EQ(*read, files_);
}

TEST_F(TarTest, ANextFileIsFoundWhenTheOneBeforeWasNotRead) {
  Write(files_);
  auto tar = TarReader::Open(path_);
  ASSERT_TRUE(tar);
  for (const auto& file : files_) {
    const auto entry = tar->Next();
    ASSERT_TRUE(entry && *entry) << entry.error().ToString();
    EXPECT_EQ((*entry)->name, file.first);
  }
  const auto end = tar->Next();
  ASSERT_TRUE(end);
  EXPECT_FALSE(*end);
}

TEST_F(TarTest, AHeaderIsThatOfPosix) {
  const std::string header = TarHeader("manifest.json", 10);
  ASSERT_EQ(header.size(), kTarBlockBytes);
  EXPECT_EQ(header.substr(0, 27), std::string("mms-evidence/manifest.json\0", 27));
  EXPECT_EQ(header.substr(100, 8), std::string("0000644\0", 8));
  EXPECT_EQ(header.substr(124, 12), std::string("00000000012\0", 12));
  EXPECT_EQ(header.substr(257, 8), std::string("ustar\00000", 8));
  // From 8 GiB in base 256, as GNU tar writes it.
  EXPECT_EQ(TarHeader("f", (1LL << 33) - 1).substr(124, 12), std::string("77777777777\0", 12));
  EXPECT_EQ(TarHeader("f", 1LL << 33).substr(124, 12),
            std::string("\x80\0\0\0\0\0\0\x02\0\0\0\0", 12));
}

TEST_F(TarTest, ALargeSizeIsReadAsItWasWritten) {
  Replace(TarHeader("large", (5LL << 33) + 7));
  auto tar = TarReader::Open(path_);
  ASSERT_TRUE(tar);
  const auto entry = tar->Next();
  ASSERT_TRUE(entry && *entry) << entry.error().ToString();
  EXPECT_EQ((*entry)->size_bytes, (5LL << 33) + 7);
}

TEST_F(TarTest, EachCutIsToldWithTheFileItIsIn) {
  Write({{"one", std::string(700, 'a')}, {"two", "b"}});
  const std::string whole = Bytes();
  const struct {
    size_t size;
    const char* where;
  } cuts[] = {{0, "first file"},
              {511, "first file"},
              {512, "file one"},
              {512 + 699, "file one"},
              {512 + 800, "file one"},
              {3 * 512, "file behind one"},
              {3 * 512 + 1, "file behind one"},
              {4 * 512, "file two"},
              {5 * 512, "file behind two"},
              {6 * 512, "end of the bundle"}};
  for (const auto& cut : cuts) {
    Replace(whole.substr(0, cut.size));
    const auto read = Read();
    ASSERT_FALSE(read) << cut.size;
    EXPECT_EQ(read.error().code(), "EVIDENCE_TRUNCATED") << cut.size;
    EXPECT_EQ(read.error().where(), cut.where) << cut.size;
  }
}

TEST_F(TarTest, EveryBitOutsideOfTheContentsCountsToo) {
  Write({{"one", std::string(700, 'a')}, {"two", "b"}});
  const size_t size = Bytes().size();
  for (size_t at = 0; at < size; ++at) {
    const bool inside = (at >= 512 && at < 512 + 700) || at == 4 * 512;
    if (inside) continue;
    Flip(at, static_cast<int>(at % 8));
    const auto read = Read();
    ASSERT_FALSE(read) << at;
    EXPECT_TRUE(read.error().code().starts_with("EVIDENCE_")) << read.error().ToString();
    Flip(at, static_cast<int>(at % 8));
  }
  EXPECT_TRUE(Read());
}

TEST_F(TarTest, BytesBehindTheEndAreTold) {
  Write({{"one", "a"}});
  Replace(Bytes() + std::string(512, '\0'));
  const auto read = Read();
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().code(), "EVIDENCE_ADDED");
}

TEST_F(TarTest, AFileThatIsNotThereIsNamed) {
  const auto missing = TarReader::Open(path_);
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code(), "EVIDENCE_NOT_FOUND");
  EXPECT_NE(missing.error().where().find(path_), std::string::npos);
}

}  // namespace
}  // namespace mms::migration
