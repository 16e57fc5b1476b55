#include "migration/transfer/orc_reader.h"

#include <arrow/adapters/orc/adapter.h>
#include <arrow/array.h>
#include <arrow/builder.h>
#include <arrow/compute/initialize.h>
#include <arrow/io/file.h>
#include <arrow/record_batch.h>
#include <arrow/table.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <numeric>

namespace mms::migration {
namespace {

/// A table folder with one ORC file.
class OrcReaderTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(arrow::compute::Initialize().ok());
    folder_ =
        std::filesystem::temp_directory_path() / ("orc_reader_test." + std::to_string(getpid()));
    std::filesystem::create_directories(folder_);
    plan_.format = "orc";
    plan_.location.local = true;
    plan_.location.path = folder_;
    storage_ = *azure::Storage::Open({}, plan_.location);
    context_.plan = &plan_;
    context_.storage = storage_.get();
    context_.batch_bytes = 4096;
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  /// The columns as they are named in `schema`, in stripes of some thousand rows.
  void Put(const std::shared_ptr<arrow::Schema>& schema, const arrow::ArrayVector& columns) {
    auto file = *arrow::io::FileOutputStream::Open(folder_ / "f.orc");
    arrow::adapters::orc::WriteOptions options;
    options.stripe_size = 1024;
    options.compression = arrow::Compression::ZSTD;
    auto writer = *arrow::adapters::orc::ORCFileWriter::Open(file.get(), options);
    ASSERT_TRUE(writer->Write(*arrow::Table::Make(schema, columns)).ok());
    ASSERT_TRUE(writer->Close().ok());
    ASSERT_TRUE(file->Close().ok());
  }
  /// Numbers 0 to `rows`, as texts too.
  void PutNumbers(int64_t rows) {
    arrow::Int64Builder ids;
    arrow::StringBuilder names;
    for (int64_t i = 0; i < rows; ++i) {
      ASSERT_TRUE(ids.Append(i).ok());
      ASSERT_TRUE((i % 3 == 0 ? names.AppendNull() : names.Append(std::to_string(i))).ok());
    }
    Put(arrow::schema({arrow::field("NAME", arrow::utf8()), arrow::field("id", arrow::int64())}),
        {*names.Finish(), *ids.Finish()});
    plan_.physical =
        arrow::schema({arrow::field("Id", arrow::int64()), arrow::field("later", arrow::int32()),
                       arrow::field("name", arrow::utf8())});
  }
  /// One column x of one value.
  void PutInstant(int64_t value, arrow::TimeUnit::type unit) {
    arrow::TimestampBuilder values(arrow::timestamp(unit), arrow::default_memory_pool());
    ASSERT_TRUE(values.Append(value).ok());
    Put(arrow::schema({arrow::field("x", values.type())}), {*values.Finish()});
  }
  void Want(const std::shared_ptr<arrow::DataType>& type) {
    plan_.physical = arrow::schema({arrow::field("x", type)});
  }

  int64_t Size() const {
    return static_cast<int64_t>(std::filesystem::file_size(folder_ / "f.orc"));
  }
  FileSlice Slice(int64_t start, int64_t length) const {
    return {"f.orc", Size(), start, length, {}};
  }
  Result<arrow::RecordBatchVector> Read(const FileSlice& slice) {
    TRY(const auto reader, OpenOrcReader(context_, slice));
    arrow::RecordBatchVector batches;
    int64_t rows = 0;
    for (;;) {
      TRY(const auto batch, reader->Next());
      if (!batch) break;
      rows += batch->num_rows();
      EXPECT_TRUE(batch->ValidateFull().ok());
      batches.push_back(batch);
    }
    EXPECT_EQ(reader->rows_read(), rows);
    EXPECT_EQ(reader->rows_total(), rows);
    return batches;
  }
  Result<arrow::RecordBatchVector> ReadWhole() { return Read(Slice(0, Size())); }
  Error Refusal() {
    const auto read = ReadWhole();
    CHECK(!read);
    EXPECT_NE(read.error().ToString().find("f.orc"), std::string::npos) << "the file is named";
    return read.error();
  }

  std::filesystem::path folder_;
  TablePlan plan_;
  std::shared_ptr<azure::Storage> storage_;
  ReadContext context_;
};

TEST_F(OrcReaderTest, EveryRowIsReadOnceByWhateverSlices) {
  constexpr int64_t kRows = 40'000;
  PutNumbers(kRows);
  for (const int64_t parts : {1, 2, 3, 17}) {
    std::vector<int64_t> ids;
    int64_t slices_with_rows = 0;
    for (int64_t part = 0; part < parts; ++part) {
      const int64_t start = Size() * part / parts;
      const auto read = Read(Slice(start, Size() * (part + 1) / parts - start));
      ASSERT_TRUE(read) << read.error().ToString();
      slices_with_rows += read->empty() ? 0 : 1;
      for (const auto& batch : *read) {
        ASSERT_LE(batch->num_rows(), 1024) << "a batch is bounded";
        const auto& id = static_cast<const arrow::Int64Array&>(*batch->column(0));
        const auto& name = static_cast<const arrow::StringArray&>(*batch->column(2));
        EXPECT_EQ(batch->column(1)->null_count(), batch->num_rows());
        for (int64_t i = 0; i < batch->num_rows(); ++i) {
          ids.push_back(id.Value(i));
          EXPECT_EQ(name.IsNull(i), id.Value(i) % 3 == 0);
          if (name.IsValid(i)) {
            EXPECT_EQ(name.GetView(i), std::to_string(id.Value(i)));
          }
        }
      }
    }
    std::vector<int64_t> all(kRows);
    std::iota(all.begin(), all.end(), 0);
    EXPECT_EQ(ids, all) << parts << " slices";
    EXPECT_EQ(slices_with_rows > 1, parts > 1) << "the file has more than one stripe";
  }
}

TEST_F(OrcReaderTest, AFileWithoutAnyOfTheColumnsIsRowsOfNulls) {
  PutNumbers(3000);
  Want(arrow::int32());
  const auto read = ReadWhole();
  ASSERT_TRUE(read) << read.error().ToString();
  int64_t nulls = 0;
  for (const auto& batch : *read) nulls += batch->column(0)->null_count();
  EXPECT_EQ(nulls, 3000);
}

TEST_F(OrcReaderTest, AnInstantLosesWhatIsFinerThanAMicrosecond) {
  PutInstant(1'234'567'891'234'567'891, arrow::TimeUnit::NANO);
  for (const auto& zone : {"", "UTC"}) {
    Want(arrow::timestamp(arrow::TimeUnit::MICRO, zone));
    const auto read = ReadWhole();
    ASSERT_TRUE(read) << read.error().ToString();
    const auto& column = static_cast<const arrow::TimestampArray&>(*(*read)[0]->column(0));
    EXPECT_EQ(column.Value(0), 1'234'567'891'234'567);
  }
  Want(arrow::date32());
  EXPECT_EQ(Refusal().code(), "FILE_TYPE_DIFFERS");
}

TEST_F(OrcReaderTest, AnInstantThatNanosecondsCannotTellIsRefusedAndNotWrapped) {
  constexpr int64_t kYear3000 = 32'503'680'000;
  Want(arrow::timestamp(arrow::TimeUnit::MICRO, "UTC"));
  PutInstant(kYear3000, arrow::TimeUnit::SECOND);
  const Error refusal = Refusal();
  EXPECT_EQ(refusal.code(), "FILE_UNSUPPORTED");
  EXPECT_NE(refusal.ToString().find("1677 to 2262"), std::string::npos) << refusal.ToString();
}

TEST_F(OrcReaderTest, DaysBefore1582AreOfTheOldCalendarWhereTheFileDoesNotSayOtherwise) {
  arrow::Date32Builder days;
  // Hybrid: 1500-02-29, which the Gregorian calendar has not; 1582-10-04; 1582-10-15; 2024-02-29.
  ASSERT_TRUE(days.AppendValues({-171'596, -141'428, -141'427, 19'782}).ok());
  Put(arrow::schema({arrow::field("x", arrow::date32())}), {*days.Finish()});
  Want(arrow::date32());
  const auto read = ReadWhole();
  ASSERT_TRUE(read) << read.error().ToString();
  const auto& column = static_cast<const arrow::Date32Array&>(*(*read)[0]->column(0));
  EXPECT_EQ(column.Value(0), -171'605) << "1500-03-01";
  EXPECT_EQ(column.Value(1), -141'438);
  EXPECT_EQ(column.Value(2), -141'427);
  EXPECT_EQ(column.Value(3), 19'782);
}

TEST_F(OrcReaderTest, WhatSparkReadsOtherwiseIsRefused) {
  arrow::BinaryBuilder bytes;
  ASSERT_TRUE(bytes.Append("a").ok());
  Put(arrow::schema({arrow::field("x", arrow::binary())}), {*bytes.Finish()});
  Want(arrow::utf8());
  EXPECT_EQ(Refusal().code(), "FILE_TYPE_DIFFERS");
  Want(arrow::binary());
  EXPECT_TRUE(ReadWhole());
}

TEST_F(OrcReaderTest, AFileWithoutNamesIsRefused) {
  arrow::Int64Builder ids;
  ASSERT_TRUE(ids.Append(1).ok());
  Put(arrow::schema({arrow::field("_col0", arrow::int64())}), {*ids.Finish()});
  Want(arrow::int64());
  EXPECT_EQ(Refusal().code(), "FILE_UNSUPPORTED");
}

TEST_F(OrcReaderTest, WhatIsNoOrcFileIsAnError) {
  Want(arrow::int64());
  std::ofstream(folder_ / "f.orc") << "no ORC at all, and long enough to have a tail";
  EXPECT_EQ(Refusal().kind(), ErrorKind::kCorrupt);
}

}  // namespace
}  // namespace mms::migration
