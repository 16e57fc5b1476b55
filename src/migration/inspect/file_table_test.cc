#include "migration/inspect/file_table.h"

#include <arrow/type.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "migration/inspect/catalog_schema.h"
#include "migration/inspect/refusal.h"

namespace mms::migration {
namespace {

databricks::Column ColumnOf(const std::string& name, const std::string& type,
                            std::optional<int> partition = std::nullopt) {
  databricks::Column column;
  column.name = name;
  column.field_json = nlohmann::json{
      {"name", name},
      {"type", nlohmann::json::parse(type)},
      {"nullable", true}}.dump();
  column.partition_index = partition;
  return column;
}

/// A table of Parquet files in a folder of its own, partitioned by dt and country.
class FileTable : public testing::Test {
 protected:
  void SetUp() override {
    folder_ =
        std::filesystem::temp_directory_path() / ("file_table_test." + std::to_string(getpid()));
    table_.catalog = "main";
    table_.schema = "s";
    table_.name = "t";
    table_.table_type = "EXTERNAL";
    table_.data_source_format = "PARQUET";
    table_.storage_location = "file://" + folder_.string();
    // The catalog lists columns by position, which is not the order of the levels.
    table_.columns = {ColumnOf("id", R"("long")"), ColumnOf("country", R"("string")", 1),
                      ColumnOf("dt", R"("date")", 0)};
    Put("dt=2024-01-01/country=a%2Fb c/part-1", "12345");
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  void Put(const std::string& path, const std::string& text) {
    std::filesystem::create_directories((folder_ / path).parent_path());
    std::ofstream(folder_ / path) << text;
  }

  Result<Snapshot> Read() {
    const SourceTable source = MakeSourceTable(table_);
    CHECK(!source.refusal);
    const auto storage = *azure::Storage::Open({}, source.location);
    return ReadFileTable(source, table_, *storage);
  }
  std::string Code() {
    const auto read = Read();
    return read ? "read" : read.error().code();
  }

  std::filesystem::path folder_;
  databricks::Table table_;
};

TEST_F(FileTable, ColumnsAreTheCatalogsAndPartitionValuesTheFolders) {
  Put("dt=2024-01-02/Country=__HIVE_DEFAULT_PARTITION__/part-1", "12");
  Put("dt=2024-01-02/country=de/part-1", "");
  const auto snapshot = Read();
  ASSERT_TRUE(snapshot) << snapshot.error().ToString();
  EXPECT_EQ(snapshot->version, kNoVersion);
  EXPECT_EQ(snapshot->partition_columns, (std::vector<std::string>{"dt", "country"}));
  EXPECT_EQ(snapshot->physical->field_names(), std::vector<std::string>{"id"});
  ASSERT_EQ(snapshot->files.size(), 2U) << "a file without a byte has no rows";
  EXPECT_EQ(snapshot->files[0].partition_values.at("country"), "a/b c");
  EXPECT_EQ(snapshot->files[0].rows, std::nullopt);
  EXPECT_FALSE(snapshot->files[1].partition_values.at("country"));
  EXPECT_NE(snapshot->warnings.at(0).find("no version"), std::string::npos);
}

TEST_F(FileTable, ItsIdDiffersWheneverAFileOrTheCatalogDoes) {
  const std::string before = Read()->table_id;
  EXPECT_EQ(Read()->table_id, before);
  Put("dt=2024-01-01/country=a%2Fb c/part-1", "123456");
  const std::string grown = Read()->table_id;
  EXPECT_NE(grown, before);
  table_.columns.push_back(ColumnOf("more", R"("integer")"));
  EXPECT_NE(Read()->table_id, grown);
}

TEST_F(FileTable, AFileThatLiesInNoPartitionIsRefusedByName) {
  for (const char* path : {"part-2", "dt=2024-01-01/part-2", "country=x/dt=2024-01-01/part-2",
                           "dt=2024-01-01/country=/part-2", "dt=2024-01-01/country=x/y/part-2"}) {
    Put(path, "1");
    const auto read = Read();
    ASSERT_FALSE(read) << path;
    EXPECT_EQ(read.error().code(), "TABLE_FILE_MISPLACED");
    EXPECT_NE(read.error().message().find(path), std::string::npos);
    std::filesystem::remove(folder_ / path);
  }
}

TEST_F(FileTable, WhatAJobOfDatabricksHasNotCommittedOrHasReplacedIsNoPartOfIt) {
  const std::string place = "dt=2024-01-01/country=a%2Fb c/";
  Put(place + "part-2", "12");
  Put(place + "_started_77", "");
  const auto open = Read();
  ASSERT_FALSE(open);
  EXPECT_EQ(open.error().code(), "TABLE_COMMIT_OPEN");
  EXPECT_NE(open.error().message().find("_started_77"), std::string::npos);
  Put(place + "_committed_77", R"({"added": ["part-2"], "removed": ["part-1"]})");
  Put(place + "_committed_vacuum9", "what stands there is not known");
  const auto read = Read();
  ASSERT_TRUE(read) << read.error().ToString();
  ASSERT_EQ(read->files.size(), 1U);
  EXPECT_EQ(read->files[0].path, place + "part-2");
  Put(place + "_committed_77", "{");
  EXPECT_EQ(Code(), "TABLE_COMMIT_UNREADABLE");
}

TEST_F(FileTable, AnOptionThatIsNotKnownIsRefusedByName) {
  table_.properties = {
      {"owner", "x"}, {"option.compression", "zstd"}, {"option.mergeSchema", "true"}};
  EXPECT_EQ(Code(), "read");
  table_.properties["option.recursiveFileLookup"] = "true";
  const auto read = Read();
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().code(), "TABLE_OPTION_UNSUPPORTED");
  EXPECT_NE(read.error().message().find("recursivefilelookup"), std::string::npos);
}

TEST_F(FileTable, AColumnWhoseTypeIsNotToldIsRefused) {
  table_.columns[0].field_json.clear();
  EXPECT_EQ(Code(), "TABLE_COLUMNS_UNKNOWN");
  table_.columns[0] = ColumnOf("id", R"("variant")");
  EXPECT_EQ(Code(), "TYPE_UNSUPPORTED");
  table_.columns.clear();
  EXPECT_EQ(Code(), "TABLE_COLUMNS_UNKNOWN");
}

TEST(CatalogSchema, TypesOfEveryKindBecomeArrows) {
  databricks::Table table;
  table.columns = {
      ColumnOf("price", "\"decimal(20,4)\""), ColumnOf("code", "\"char(3)\""),
      ColumnOf("at", R"("timestamp")"),
      ColumnOf("deep", R"({"type":"struct","fields":[{"name":"m","nullable":true,"metadata":{},
        "type":{"type":"map","keyType":"string","valueType":{"type":"array","elementType":"date",
        "containsNull":true},"valueContainsNull":true}}]})")};
  const auto schema = ReadCatalogSchema(table);
  ASSERT_TRUE(schema) << schema.error().ToString();
  EXPECT_EQ(schema->data->field(0)->type()->ToString(), "decimal128(20, 4)");
  EXPECT_EQ(schema->data->field(1)->type()->ToString(), "string");
  EXPECT_EQ(schema->data->field(2)->type()->ToString(), "timestamp[us, tz=UTC]");
  const auto dates = arrow::list(arrow::field("element", arrow::date32()));
  EXPECT_TRUE(schema->data->field(3)->type()->Equals(
      *arrow::struct_({arrow::field("m", arrow::map(arrow::utf8(), dates))})));
  EXPECT_NE(schema->schema_json.find("\"__CHAR_VARCHAR_TYPE_STRING\":\"char(3)\""),
            std::string::npos);
}

}  // namespace
}  // namespace mms::migration
