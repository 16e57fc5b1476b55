#include "sandbox/result_file.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "sandbox/call.h"
#include "sandbox/parquet_file.h"
#include "sandbox/sql/parser.h"

namespace mms::sandbox {
namespace {

TEST(ResultFile, KeepsTheTypesThatArrowDoesNotTell) {
  std::vector<Column> columns;
  for (const char* type : {"char(3)", "varchar(65535)", "json", "string", "datetime", "timestamp",
                           "timestamp_ntz", "decimal(38,18)", "array<struct<x:char(1)>>"}) {
    Column column;
    column.name = "c" + std::to_string(columns.size());
    column.type = sql::ParseType(type).value();
    columns.push_back(std::move(column));
  }
  std::string path =
      std::filesystem::temp_directory_path() / ("mms_result_file_" + RandomHex(8) + ".parquet");
  {
    auto writer = ParquetBlockWriter::Open(path, ResultFileSchema(columns)).value();
    ASSERT_TRUE(writer->Close().has_value());
  }
  ResultShape shape = ReadResultShape(path).value();
  std::filesystem::remove(path);
  ASSERT_EQ(shape.columns.size(), columns.size());
  for (size_t i = 0; i < columns.size(); ++i) {
    EXPECT_EQ(shape.columns[i].name, columns[i].name);
    EXPECT_EQ(shape.columns[i].type.ToText(), columns[i].type.ToText());
  }
  EXPECT_EQ(shape.rows, 0);
}

}  // namespace
}  // namespace mms::sandbox
