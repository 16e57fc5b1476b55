#include "migration/transfer/slice_reader.h"

#include <arrow/array.h>
#include <arrow/builder.h>
#include <arrow/compute/initialize.h>
#include <arrow/io/file.h>
#include <arrow/record_batch.h>
#include <arrow/table.h>
#include <gtest/gtest.h>
#include <parquet/arrow/writer.h>
#include <unistd.h>

#include <filesystem>
#include <numeric>
#include <random>

namespace mms::migration {
namespace {

constexpr int64_t kRows = 10000;
constexpr int64_t kGroupRows = 700;

/// A table folder with one Parquet file: column id = position, name = text or NULL.
class SliceReaderTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(arrow::compute::Initialize().ok());
    folder_ =
        std::filesystem::temp_directory_path() / ("slice_reader_test." + std::to_string(getpid()));
    std::filesystem::create_directories(folder_);
    arrow::Int64Builder ids;
    arrow::StringBuilder names;
    for (int64_t i = 0; i < kRows; ++i) {
      ASSERT_TRUE(ids.Append(i).ok());
      ASSERT_TRUE(
          (i % 3 == 0 ? names.AppendNull() : names.Append("row " + std::to_string(i))).ok());
    }
    const auto schema =
        arrow::schema({arrow::field("name", arrow::utf8()), arrow::field("id", arrow::int64())});
    const auto table = arrow::Table::Make(schema, {*names.Finish(), *ids.Finish()});
    auto file = arrow::io::FileOutputStream::Open(folder_ / "f.parquet").ValueOrDie();
    ASSERT_TRUE(
        parquet::arrow::WriteTable(*table, arrow::default_memory_pool(), file, kGroupRows).ok());
    ASSERT_TRUE(file->Close().ok());
    size_ = static_cast<int64_t>(std::filesystem::file_size(folder_ / "f.parquet"));

    plan_.location.local = true;
    plan_.location.path = folder_;
    plan_.physical =
        arrow::schema({arrow::field("id", arrow::int64()), arrow::field("later", arrow::int32()),
                       arrow::field("name", arrow::utf8())});
    auto storage = azure::Storage::Open({}, plan_.location);
    ASSERT_TRUE(storage.has_value());
    storage_ = *storage;
    context_.plan = &plan_;
    context_.storage = storage_.get();
    context_.batch_bytes = 4096;
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  FileSlice Slice(int64_t start, int64_t length) const {
    return {"f.parquet", size_, start, length, {}};
  }

  /// Ids of the slice's rows; checks the other columns of each.
  std::vector<int64_t> Ids(const FileSlice& slice) {
    std::vector<int64_t> ids;
    auto reader = SliceReader::Open(context_, slice);
    EXPECT_TRUE(reader.has_value()) << reader.error().ToString();
    if (!reader) return ids;
    for (;;) {
      auto batch = (*reader)->Next();
      EXPECT_TRUE(batch.has_value()) << batch.error().ToString();
      if (!batch || !*batch) break;
      const auto& id = static_cast<const arrow::Int64Array&>(*(*batch)->column(0));
      const auto& name = static_cast<const arrow::StringArray&>(*(*batch)->column(2));
      EXPECT_EQ((*batch)->column(1)->null_count(), (*batch)->num_rows());
      for (int64_t i = 0; i < id.length(); ++i) {
        ids.push_back(id.Value(i));
        EXPECT_EQ(name.IsNull(i), id.Value(i) % 3 == 0);
        EXPECT_EQ(name.IsValid(i) ? name.GetString(i) : "",
                  id.Value(i) % 3 == 0 ? "" : "row " + std::to_string(id.Value(i)));
      }
    }
    deleted_ = (*reader)->rows_deleted();
    return ids;
  }

  std::filesystem::path folder_;
  int64_t size_ = 0;
  int64_t deleted_ = 0;
  TablePlan plan_;
  std::shared_ptr<azure::Storage> storage_;
  ReadContext context_;
};

std::vector<int64_t> AllIds() {
  std::vector<int64_t> ids(kRows);
  std::iota(ids.begin(), ids.end(), 0);
  return ids;
}

TEST_F(SliceReaderTest, AWholeFileGivesEveryRowOnceInOrder) {
  EXPECT_EQ(Ids(Slice(0, size_)), AllIds());
}

TEST_F(SliceReaderTest, HoweverAFileIsCutEveryRowIsInOneSlice) {
  const auto seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random(seed);
  for (int round = 0; round < 20; ++round) {
    std::vector<int64_t> together;
    for (int64_t start = 0; start < size_;) {
      const int64_t length = std::uniform_int_distribution<int64_t>(1, size_ / 2)(random);
      const auto ids = Ids(Slice(start, std::min(length, size_ - start)));
      together.insert(together.end(), ids.begin(), ids.end());
      start += length;
    }
    EXPECT_EQ(together, AllIds());
  }
}

TEST_F(SliceReaderTest, DeletedRowsStayOutWhicheverSliceHoldsThem) {
  const std::vector<uint64_t> gone = {0, 699, 700, 701, 5000, 5001, 9999};
  context_.read_deletion_vector = [&](const delta::DeletionVector&) { return Result(gone); };
  std::vector<int64_t> together;
  int64_t deleted = 0;
  for (int64_t start = 0; start < size_; start += size_ / 3 + 1) {
    FileSlice slice = Slice(start, std::min(size_ / 3 + 1, size_ - start));
    slice.deletion_vector =
        delta::DeletionVector{"i", "x", {}, 1, static_cast<int64_t>(gone.size())};
    const auto ids = Ids(slice);
    together.insert(together.end(), ids.begin(), ids.end());
    deleted += deleted_;
  }
  std::vector<int64_t> expected = AllIds();
  std::erase_if(expected, [&](int64_t id) {
    return std::find(gone.begin(), gone.end(), static_cast<uint64_t>(id)) != gone.end();
  });
  EXPECT_EQ(together, expected);
  EXPECT_EQ(deleted, static_cast<int64_t>(gone.size()));
}

TEST_F(SliceReaderTest, ADeletionVectorOfAnotherSizeThanTheLogSaysIsRefused) {
  context_.read_deletion_vector = [](const delta::DeletionVector&) {
    return Result(std::vector<uint64_t>{1});
  };
  FileSlice slice = Slice(0, size_);
  slice.deletion_vector = delta::DeletionVector{"i", "x", {}, 1, 2};
  auto reader = SliceReader::Open(context_, slice);
  ASSERT_FALSE(reader.has_value());
  EXPECT_EQ(reader.error().code(), "DELETION_VECTOR");
}

TEST_F(SliceReaderTest, AFileWithNoneOfTheColumnsGivesItsRowsAsNulls) {
  plan_.physical = arrow::schema({arrow::field("later", arrow::int32())});
  auto reader = SliceReader::Open(context_, Slice(0, size_));
  ASSERT_TRUE(reader.has_value());
  int64_t rows = 0;
  for (;;) {
    auto batch = (*reader)->Next();
    ASSERT_TRUE(batch.has_value());
    if (!*batch) break;
    rows += (*batch)->num_rows();
    EXPECT_EQ((*batch)->column(0)->null_count(), (*batch)->num_rows());
  }
  EXPECT_EQ(rows, kRows);
}

TEST_F(SliceReaderTest, AFileShorterThanTheLogSaysIsRefused) {
  std::filesystem::resize_file(folder_ / "f.parquet", static_cast<uintmax_t>(size_ - 10));
  auto reader = SliceReader::Open(context_, Slice(0, size_));
  ASSERT_FALSE(reader.has_value());
}

}  // namespace
}  // namespace mms::migration
