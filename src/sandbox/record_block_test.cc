#include "sandbox/record_block.h"

#include <arrow/api.h>
#include <arrow/json/from_string.h>
#include <gtest/gtest.h>

#include "sandbox/memory_body.h"
#include "sandbox/sql/parser.h"

namespace mms::sandbox {
namespace {

Table MakeTable(const std::vector<std::pair<std::string, std::string>>& columns) {
  Table table;
  table.name = {"p", "default", "t"};
  for (const auto& [name, type] : columns) {
    Column column;
    column.name = name;
    column.type = sql::ParseType(type).value();
    table.columns.push_back(column);
  }
  return table;
}

const Table& ExampleTable() {
  static const Table table = MakeTable({{"a", "bigint"}, {"b", "string"}, {"c", "double"}});
  return table;
}

// (1, 'hi', 0.5) and (-2, NULL, NULL): the bytes PyODPS and the Java SDK send for the same rows;
// they differ in the width of checksum varints only.
const std::string kJavaBytes = FromHex(
    "08 02 12 02 68 69 19 00 00 00 00 00 00 e0 3f 80 c0 ff 7f fc 9e dd 9e 07"
    "08 03 80 c0 ff 7f 87 ca 8b bb 09 f0 ff ff 7f 04 f8 ff ff 7f c6 f1 93 a4 08");
const std::string kPythonBytes = FromHex(
    "08 02 12 02 68 69 19 00 00 00 00 00 00 e0 3f 80 c0 ff 7f fc 9e dd 9e 07"
    "08 03 80 c0 ff 7f 87 ca 8b bb f9 ff ff ff ff 01 f0 ff ff 7f 04"
    "f8 ff ff 7f c6 f1 93 a4 f8 ff ff ff ff 01");

Result<std::vector<std::shared_ptr<arrow::RecordBatch>>> ReadBlock(const std::string& bytes,
                                                                   const Table& table) {
  MemorySource source(bytes);
  std::vector<std::shared_ptr<arrow::RecordBatch>> batches;
  TRY_VOID(ReadRecordBlock(&source, table, [&](const arrow::RecordBatch& batch) -> Status {
    batches.push_back(batch.Slice(0));
    return OkStatus();
  }));
  return batches;
}

std::string WriteBlock(const std::vector<std::shared_ptr<arrow::RecordBatch>>& batches,
                       const Table& table) {
  MemorySink sink;
  RecordBlockWriter writer(&sink, table.columns);
  for (const auto& batch : batches) EXPECT_TRUE(writer.Write(*batch));
  EXPECT_TRUE(writer.Finish());
  return sink.bytes;
}

TEST(RecordBlock, ReadsTheRowsOfBothSdks) {
  for (const std::string& bytes : {kJavaBytes, kPythonBytes}) {
    auto batches = ReadBlock(bytes, ExampleTable());
    ASSERT_TRUE(batches.has_value()) << batches.error().ToString();
    ASSERT_EQ(batches->size(), 1U);
    const arrow::RecordBatch& batch = *batches->front();
    ASSERT_EQ(batch.num_rows(), 2);
    EXPECT_EQ(batch.column(0)->ToString(), "[\n  1,\n  -2\n]");
    EXPECT_EQ(batch.column(1)->ToString(), "[\n  \"hi\",\n  null\n]");
    EXPECT_EQ(batch.column(2)->ToString(), "[\n  0.5,\n  null\n]");
  }
}

TEST(RecordBlock, WritesTheBytesOfTheJavaSdk) {
  auto batches = ReadBlock(kJavaBytes, ExampleTable());
  ASSERT_TRUE(batches.has_value());
  EXPECT_EQ(WriteBlock(*batches, ExampleTable()), kJavaBytes);
}

TEST(RecordBlock, WritesAnEmptyBlockAsItsFooter) {
  EXPECT_EQ(WriteBlock({}, ExampleTable()), FromHex("f0 ff ff 7f 00 f8 ff ff 7f 00"));
  EXPECT_TRUE(ReadBlock(FromHex("f0 ff ff 7f 00 f8 ff ff 7f 00"), ExampleTable()).has_value());
}

TEST(RecordBlock, KeepsTimestampsOfTheYears1To9999AlsoInside) {
  Table table = MakeTable({{"at", "timestamp"},
                           {"list", "array<timestamp_ntz>"},
                           {"map", "map<string,struct<t:timestamp>>"}});
  std::vector<std::string> json{R"([-62135596800000000, 253402300799999999, null])",
                                R"([[-62135596800000000, null], [1], null])",
                                R"([[["a", {"t": 253402300799999999}], ["b", null]], [], null])"};
  arrow::ArrayVector arrays;
  arrow::FieldVector fields;
  for (size_t i = 0; i < json.size(); ++i) {
    auto type = table.columns[i].type.ToArrow(TimestampForm::kMicro);
    arrays.push_back(arrow::json::ArrayFromJSONString(type, json[i]).ValueOrDie());
    fields.push_back(arrow::field(table.columns[i].name, type));
  }
  auto batch = arrow::RecordBatch::Make(arrow::schema(fields), 3, arrays);
  auto read = ReadBlock(WriteBlock({batch}, table), table);
  ASSERT_TRUE(read.has_value()) << read.error().ToString();
  EXPECT_TRUE(read->front()->Equals(*batch)) << read->front()->ToString();
}

TEST(RecordBlock, RefusesYearsThatNeitherUnitHolds) {
  Table table = MakeTable({{"at", "timestamp"}});
  auto type = table.columns[0].type.ToArrow(TimestampForm::kMicro);
  auto late = arrow::json::ArrayFromJSONString(type, "[253402300800000000]").ValueOrDie();
  auto batch = arrow::RecordBatch::Make(arrow::schema({arrow::field("at", type)}), 1, {late});
  auto read = ReadBlock(WriteBlock({batch}, table), table);
  ASSERT_FALSE(read.has_value());
  EXPECT_EQ(read.error().code(), "InvalidArgument");
  EXPECT_EQ(read.error().where(), "column at");
}

TEST(RecordBlock, RefusesABlockCutAtAnyByte) {
  for (size_t size = 1; size < kJavaBytes.size(); ++size) {
    EXPECT_FALSE(ReadBlock(kJavaBytes.substr(0, size), ExampleTable()).has_value()) << size;
  }
}

TEST(RecordBlock, RefusesAnyFlippedBitOfValuesAndChecksums) {
  for (size_t byte = 0; byte < kJavaBytes.size(); ++byte) {
    std::string bytes = kJavaBytes;
    bytes[byte] = static_cast<char>(bytes[byte] ^ 2);
    EXPECT_FALSE(ReadBlock(bytes, ExampleTable()).has_value()) << byte;
  }
}

TEST(RecordBlock, RefusesBytesAfterTheFooter) {
  EXPECT_FALSE(ReadBlock(kJavaBytes + "x", ExampleTable()).has_value());
}

TEST(RecordBlock, KeepsEveryTypeThroughWritingAndReading) {
  Table table = MakeTable({{"t", "tinyint"},
                           {"i", "int"},
                           {"f", "float"},
                           {"o", "boolean"},
                           {"n", "binary"},
                           {"d", "date"},
                           {"dt", "datetime"},
                           {"ts", "timestamp"},
                           {"tn", "timestamp_ntz"},
                           {"de", "decimal(38,18)"},
                           {"ar", "array<int>"},
                           {"ma", "map<string,bigint>"},
                           {"st", "struct<x:int,y:array<string>>"}});
  std::vector<std::string> json{
      R"([-128, null, 127])",
      R"([-2147483648, 0, null])",
      R"([1.5, -0.0, null])",
      R"([true, false, null])",
      R"(["", "abc", null])",
      R"([-719162, 0, 2932896])",
      R"([-62135596800000, 1, null])",
      R"([-1, 1700000000123456789, null])",
      R"([-9000000000000000001, 0, null])",
      R"(["-99999999999999999999.999999999999999999", "0.000000000000000001", null])",
      R"([[1, null, -3], [], null])",
      R"([[["a", 1], ["b", null]], [], null])",
      R"([{"x": 1, "y": ["p", null]}, {"x": null, "y": null}, null])"};
  arrow::ArrayVector arrays;
  for (size_t i = 0; i < json.size(); ++i) {
    auto array = arrow::json::ArrayFromJSONString(table.columns[i].type.ToArrow(), json[i]);
    ASSERT_TRUE(array.ok()) << json[i] << array.status().ToString();
    arrays.push_back(*array);
  }
  auto batch = arrow::RecordBatch::Make(table.ArrowSchema(), 3, arrays);
  auto read = ReadBlock(WriteBlock({batch}, table), table);
  ASSERT_TRUE(read.has_value()) << read.error().ToString();
  ASSERT_EQ(read->size(), 1U);
  EXPECT_TRUE(read->front()->Equals(*batch)) << read->front()->ToString();
}

}  // namespace
}  // namespace mms::sandbox
