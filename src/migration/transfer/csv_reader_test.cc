#include "migration/transfer/csv_reader.h"

#include <arrow/array.h>
#include <arrow/buffer.h>
#include <arrow/io/compressed.h>
#include <arrow/io/memory.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>
#include <arrow/util/compression.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <numeric>

#include "migration/formats/codec.h"
#include "migration/formats/options.h"

namespace mms::migration {
namespace {

/// A table folder with one CSV file of the columns name and id; the plan reads them turned round.
class CsvReaderTest : public testing::Test {
 protected:
  void SetUp() override {
    folder_ =
        std::filesystem::temp_directory_path() / ("csv_reader_test." + std::to_string(getpid()));
    std::filesystem::create_directories(folder_);
    plan_.format = "csv";
    plan_.location.local = true;
    plan_.location.path = folder_;
    plan_.options = {{kColumnsOption, R"(["name","left out","id"])"}};
    plan_.physical =
        arrow::schema({arrow::field("id", arrow::int64()), arrow::field("name", arrow::utf8())});
    storage_ = *azure::Storage::Open({}, plan_.location);
    context_.plan = &plan_;
    context_.storage = storage_.get();
    context_.batch_bytes = 512;
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  void Put(const std::string& text) { std::ofstream(folder_ / name_) << text; }
  FileSlice Slice(int64_t start, int64_t length) const {
    return {name_, Size(), start, length, {}};
  }
  FileSlice Whole() const { return Slice(0, Size()); }
  int64_t Size() const { return static_cast<int64_t>(std::filesystem::file_size(folder_ / name_)); }

  Result<std::vector<int64_t>> Ids(const FileSlice& slice) {
    TRY(const auto reader, OpenCsvReader(context_, slice));
    std::vector<int64_t> ids;
    for (;;) {
      TRY(const auto batch, reader->Next());
      if (!batch) break;
      const auto& column = static_cast<const arrow::Int64Array&>(*batch->column(0));
      for (int64_t i = 0; i < column.length(); ++i) ids.push_back(column.Value(i));
      EXPECT_LE(batch->num_rows(), 512);
    }
    EXPECT_EQ(reader->rows_read(), static_cast<int64_t>(ids.size()));
    EXPECT_EQ(reader->rows_total(), reader->rows_read());
    return ids;
  }
  Error Refusal() {
    const auto read = Ids(Whole());
    CHECK(!read);
    return read.error();
  }

  std::filesystem::path folder_;
  std::string name_ = "f.csv";
  TablePlan plan_;
  std::shared_ptr<azure::Storage> storage_;
  ReadContext context_;
};

std::string Rows(int64_t count, std::string_view line_end) {
  std::string text;
  for (int64_t i = 0; i < count; ++i) {
    text += "row " + std::string(static_cast<size_t>(i % 7), 'x') + ",," + std::to_string(i);
    text += line_end;
  }
  return text;
}

std::string Pack(const std::string& text, TextCodec codec) {
  const auto packer = *MakeCodec(codec);
  const auto packed = *arrow::io::BufferOutputStream::Create();
  const auto stream = *arrow::io::CompressedOutputStream::Make(packer.get(), packed);
  EXPECT_TRUE(stream->Write(text).ok() && stream->Close().ok());
  return (*packed->Finish())->ToString();
}

std::vector<int64_t> Numbers(int64_t count) {
  std::vector<int64_t> ids(static_cast<size_t>(count));
  std::iota(ids.begin(), ids.end(), 0);
  return ids;
}

// Wherever a file is cut, both sides together have each row once, whatever ends its lines.
TEST_F(CsvReaderTest, EachRowIsInOneSlice) {
  for (const char* line_end : {"\n", "\r\n", "\r"}) {
    Put("\xEF\xBB\xBFname,left out,id" + std::string(line_end) + Rows(6, line_end));
    plan_.options["header"] = "true";
    for (int64_t cut = 1; cut < Size(); ++cut) {
      auto ids = *Ids(Slice(0, cut));
      const auto more = *Ids(Slice(cut, Size() - cut));
      ids.insert(ids.end(), more.begin(), more.end());
      ASSERT_EQ(ids, Numbers(6)) << "cut at " << cut;
    }
  }
}

TEST_F(CsvReaderTest, AFileOfManyChunksIsReadInBoundedBatches) {
  constexpr int64_t kCount = 350'000;  // more than a chunk
  Put(Rows(kCount, "\n"));
  ASSERT_GT(Size(), 5 << 20);
  context_.batch_bytes = 4096;
  EXPECT_EQ(*Ids(Whole()), Numbers(kCount));
}

TEST_F(CsvReaderTest, ACompressedFileIsOfTheSliceWithItsFirstByte) {
  const std::string text = Rows(1000, "\n");
  for (const auto& [ending, codec] :
       {std::pair("gz", TextCodec::kGzip), std::pair("bz2", TextCodec::kBzip2),
        std::pair("zst", TextCodec::kZstd), std::pair("deflate", TextCodec::kDeflate)}) {
    name_ = std::string("f.csv.") + ending;
    const std::string member = Pack(text, codec);
    // Twice: files that were joined are one stream, as they are to Hadoop.
    Put(codec == TextCodec::kDeflate ? member : member + member);
    auto wanted = Numbers(1000);
    if (codec != TextCodec::kDeflate) wanted.insert(wanted.end(), wanted.begin(), wanted.end());
    EXPECT_EQ(*Ids(Slice(0, 10)), wanted) << ending;
    EXPECT_EQ(*Ids(Slice(10, Size() - 10)), std::vector<int64_t>()) << ending;
    Put(member.substr(0, member.size() / 2));
    EXPECT_FALSE(Ids(Whole())) << ending << ": half of a file";
  }
}

TEST_F(CsvReaderTest, ValuesOfManyLines) {
  Put("\"a\nb\",,1\n\"c\r\nd\",,2\n");
  EXPECT_EQ(Refusal().code(), "FILE_ROW_INVALID");
  plan_.options["multiline"] = "true";
  EXPECT_EQ(*Ids(Slice(0, 3)), (std::vector<int64_t>{1, 2}));
  EXPECT_EQ(*Ids(Slice(3, Size() - 3)), std::vector<int64_t>());
}

TEST_F(CsvReaderTest, WhatSparkWouldMakeNullIsRefusedByFileAndByte) {
  Put("a,,1\nb,,x1\n");
  Error error = Refusal();
  EXPECT_EQ(error.code(), "FILE_VALUE_INVALID");
  EXPECT_NE(error.ToString().find("f.csv"), std::string::npos) << error.ToString();
  EXPECT_NE(error.message().find("byte 5 of the file: the value of column id"), std::string::npos);
  for (const char* text : {"a,,1,2\n", "a,1\n", "\"a\"b,,1\n"}) {
    Put(text);
    EXPECT_EQ(Refusal().code(), "FILE_ROW_INVALID") << text;
  }
}

}  // namespace
}  // namespace mms::migration
