#include "migration/inspect/refusal.h"

#include <gtest/gtest.h>

#include <functional>

namespace mms::migration {
namespace {

databricks::Table Readable() {
  databricks::Table table;
  table.catalog = "main";
  table.schema = "sales";
  table.name = "orders";
  table.table_type = "EXTERNAL";
  table.data_source_format = "DELTA";
  table.storage_location = "abfss://lake@acct.dfs.core.windows.net/t/orders";
  table.comment = "all orders";
  databricks::Column id;
  id.name = "id";
  id.comment = "number";
  databricks::Column name;
  name.name = "name";
  table.columns = {id, name};
  return table;
}

struct RefusalCase {
  std::function<void(databricks::Table&)> change;
  ErrorKind kind;
  std::string code;
  std::string named;
};

TEST(Refusal, TablesWhoseFilesMayNotBeReadAreRefusedWithWhatToDo) {
  const auto kind = [](std::string type) {
    return [type](databricks::Table& table) { table.table_type = type; };
  };
  const auto format = [](std::string text) {
    return [text](databricks::Table& table) { table.data_source_format = text; };
  };
  const auto location = [](std::string text) {
    return [text](databricks::Table& table) { table.storage_location = text; };
  };
  constexpr ErrorKind kNo = ErrorKind::kUnsupported;
  const RefusalCase cases[] = {
      {kind("VIEW"), kNo, "TABLE_KIND_UNSUPPORTED", "a VIEW"},
      {kind("MATERIALIZED_VIEW"), kNo, "TABLE_KIND_UNSUPPORTED", "a MATERIALIZED_VIEW"},
      {kind("METRIC_VIEW"), kNo, "TABLE_KIND_UNSUPPORTED", "a METRIC_VIEW"},
      {kind("STREAMING_TABLE"), kNo, "TABLE_KIND_UNSUPPORTED", "a STREAMING_TABLE"},
      {kind("FOREIGN"), kNo, "TABLE_KIND_UNSUPPORTED", "a FOREIGN"},
      {kind("QUANTUM"), kNo, "TABLE_KIND_UNSUPPORTED", "\"QUANTUM\""},
      {kind(""), kNo, "TABLE_KIND_UNSUPPORTED", "\"\""},
      {format("AVRO"), kNo, "TABLE_FORMAT_UNSUPPORTED", "AVRO"},
      {format("TEXT"), kNo, "TABLE_FORMAT_UNSUPPORTED", "TEXT"},
      {format("ICEBERG"), kNo, "TABLE_FORMAT_UNSUPPORTED", "ICEBERG"},
      {format("DELTASHARING"), kNo, "TABLE_FORMAT_UNSUPPORTED", "DELTASHARING"},
      {format(""), kNo, "TABLE_FORMAT_UNSUPPORTED", "not told"},
      {[](databricks::Table& table) { table.row_filtered = true; }, kNo, "TABLE_ROW_FILTER",
       "row filter"},
      {[](databricks::Table& table) { table.columns[1].masked = true; }, kNo, "TABLE_COLUMN_MASK",
       "(name)"},
      {[](databricks::Table& table) { table.browse_only = true; }, ErrorKind::kDenied,
       "TABLE_BROWSE_ONLY", "grant SELECT"},
      {location(""), kNo, "TABLE_LOCATION_MISSING", "tables[].location"},
      {location("dbfs:/user/hive/warehouse/t"), kNo, "LOCATION_UNSUPPORTED", "dbfs:/"},
      {location("s3://bucket/t"), kNo, "LOCATION_UNSUPPORTED", "s3:"},
  };
  for (const RefusalCase& item : cases) {
    databricks::Table table = Readable();
    item.change(table);
    const SourceTable source = MakeSourceTable(table);
    ASSERT_TRUE(source.refusal.has_value()) << item.named;
    EXPECT_EQ(source.refusal->kind(), item.kind) << item.named;
    EXPECT_EQ(source.refusal->code(), item.code) << item.named;
    EXPECT_EQ(source.refusal->where(), "table main.sales.orders");
    EXPECT_NE(source.refusal->message().find(item.named), std::string::npos)
        << source.refusal->ToString();
  }
}

TEST(Refusal, DeltaTablesOfEveryReadableKindAreTaken) {
  for (const char* kind :
       {"MANAGED", "EXTERNAL", "MANAGED_SHALLOW_CLONE", "EXTERNAL_SHALLOW_CLONE"}) {
    for (const char* format : {"DELTA", "DELTA_UNIFORM_ICEBERG", "DELTA_UNIFORM_HUDI"}) {
      databricks::Table table = Readable();
      table.table_type = kind;
      table.data_source_format = format;
      EXPECT_FALSE(RefusalOf(table).has_value()) << kind << " " << format;
    }
  }
}

TEST(Refusal, ACatalogsTableKeepsItsNamesCommentsAndDecodedPlace) {
  databricks::Table table = Readable();
  table.storage_location = "abfss://lake@acct.dfs.core.windows.net/a%20b/100%/%C3%BC/";
  const SourceTable source = MakeSourceTable(table);
  EXPECT_FALSE(source.refusal.has_value());
  EXPECT_EQ(source.name, "main.sales.orders");
  EXPECT_EQ(source.schema, "sales");
  EXPECT_EQ(source.table, "orders");
  EXPECT_EQ(source.target_as, "");
  EXPECT_EQ(source.comment, "all orders");
  EXPECT_EQ(source.column_comments, (std::map<std::string, std::string>{{"id", "number"}}));
  EXPECT_EQ(source.location.container, "lake");
  EXPECT_EQ(source.location.path, "a b/100%/ü");
}

TEST(Refusal, ALocationWithoutACatalogIsNamedByItsPlace) {
  const SourceTable cloud =
      MakeSourceTable("abfss://lake@acct.dfs.core.windows.net/t/orders/", "sales_orders");
  EXPECT_EQ(cloud.name, "abfss://lake@acct.dfs.core.windows.net/t/orders");
  EXPECT_EQ(cloud.table, "orders");
  EXPECT_EQ(cloud.schema, "");
  EXPECT_EQ(cloud.target_as, "sales_orders");
  EXPECT_FALSE(cloud.refusal.has_value());
  EXPECT_EQ(MakeSourceTable("file:///data/lake/plain", "").table, "plain");

  const SourceTable bad = MakeSourceTable("dbfs:/x/orders?sig=abcdefgh", "");
  ASSERT_TRUE(bad.refusal.has_value());
  EXPECT_EQ(bad.refusal->code(), "LOCATION_UNSUPPORTED");
  EXPECT_EQ(bad.refusal->ToString().find("abcdefgh"), std::string::npos);
  EXPECT_EQ(bad.name, "dbfs:/x/orders");
}

}  // namespace
}  // namespace mms::migration
