#include "clients/databricks/catalog_json.h"

#include <gtest/gtest.h>

namespace mms::databricks {
namespace {

TEST(ParseTable, ReadsEveryFieldAMigrationNeeds) {
  Result<Table> table = ParseTable(R"({
    "catalog_name": "main", "schema_name": "sales", "name": "orders", "table_id": "u-1",
    "table_type": "EXTERNAL", "data_source_format": "DELTA", "owner": "ann", "comment": null,
    "storage_location": "abfss://c@a.dfs.core.windows.net/p", "updated_at": 1700000000123,
    "table_constraints": [{"primary_key_constraint": {"name": "pk"}},
      {"foreign_key_constraint": {"name": "fk", "parent_table": "main.sales.people"}}],
    "row_filter": {"function_name": "f"}, "browse_only": true, "some_new_field": [1],
    "columns": [
      {"name": "dt", "position": 1, "type_text": "date", "partition_index": 0, "nullable": false},
      {"name": "id", "position": 0, "type_text": "bigint", "comment": "key",
       "type_json": "{\"name\":\"id\",\"type\":\"long\"}", "mask": {"function_name": "m"}}]})");
  ASSERT_TRUE(table) << table.error().ToString();
  EXPECT_EQ(table->FullName(), "main.sales.orders");
  EXPECT_EQ(table->id, "u-1");
  EXPECT_EQ(table->table_type, "EXTERNAL");
  EXPECT_EQ(table->data_source_format, "DELTA");
  EXPECT_EQ(table->storage_location, "abfss://c@a.dfs.core.windows.net/p");
  EXPECT_EQ(table->comment, "");
  EXPECT_EQ(table->owner, "ann");
  EXPECT_EQ(table->updated_at_ms, 1700000000123);
  EXPECT_TRUE(table->row_filtered);
  EXPECT_EQ(table->foreign_keys_to, (std::vector<std::string>{"main.sales.people"}));
  EXPECT_TRUE(table->browse_only);
  ASSERT_EQ(table->columns.size(), 2u);
  EXPECT_EQ(table->columns[0].name, "id");
  EXPECT_EQ(table->columns[0].comment, "key");
  EXPECT_EQ(table->columns[0].type, "bigint");
  EXPECT_TRUE(table->columns[0].masked);
  EXPECT_TRUE(table->columns[0].nullable);
  EXPECT_EQ(table->columns[0].partition_index, std::nullopt);
  EXPECT_EQ(table->columns[1].partition_index, 0);
  EXPECT_FALSE(table->columns[1].nullable);
  EXPECT_FALSE(table->columns[1].masked);
}

TEST(ParseTable, LeavesTheUnknownUnknown) {
  Result<Table> view =
      ParseTable(R"({"catalog_name":"c","schema_name":"s","name":"v","table_type":"VIEW"})");
  ASSERT_TRUE(view);
  EXPECT_EQ(view->storage_location, "");
  EXPECT_EQ(view->updated_at_ms, std::nullopt);
  EXPECT_FALSE(view->row_filtered);
  EXPECT_TRUE(view->columns.empty());
}

TEST(ParseTable, RefusesAnotherForm) {
  for (const char* body : {"{}", "[]", "{", R"({"catalog_name":1,"schema_name":"s","name":"t"})"}) {
    Result<Table> table = ParseTable(body);
    ASSERT_FALSE(table) << body;
    EXPECT_EQ(table.error().code(), "DATABRICKS_ANSWER") << body;
  }
}

TEST(ParseTables, KeepsTheTokenOfAnEmptyPage) {
  Result<Page<Table>> page = ParseTables(R"({"tables":[],"next_page_token":"t2"})");
  ASSERT_TRUE(page);
  EXPECT_TRUE(page->items.empty());
  EXPECT_EQ(page->next_page_token, "t2");
  EXPECT_EQ(ParseTables(R"({"next_page_token":"t3"})")->next_page_token, "t3");
  EXPECT_EQ(ParseTables("{}")->next_page_token, "");
  EXPECT_EQ(ParseTables(R"({"tables":null,"next_page_token":null})")->next_page_token, "");
}

TEST(ParseSchemas, ReadsNamesAndComments) {
  Result<Page<Schema>> page = ParseSchemas(
      R"({"schemas":[{"name":"a","catalog_name":"main","comment":"x"},{"name":"b"}]})");
  ASSERT_TRUE(page);
  ASSERT_EQ(page->items.size(), 2u);
  EXPECT_EQ(page->items[0].catalog, "main");
  EXPECT_EQ(page->items[0].comment, "x");
  EXPECT_EQ(page->items[1].name, "b");
}

TEST(WorkspaceOrigin, TakesEverySpelling) {
  for (const char* text : {"https://adb-1.2.azuredatabricks.net", "adb-1.2.azuredatabricks.net",
                           " https://adb-1.2.azuredatabricks.net/?o=1 ",
                           "adb-1.2.azuredatabricks.net/browse/folders?o=1#x"}) {
    EXPECT_EQ(WorkspaceOrigin(text), "https://adb-1.2.azuredatabricks.net") << text;
  }
  EXPECT_EQ(WorkspaceOrigin("http://127.0.0.1:8080/"), "http://127.0.0.1:8080");
}

}  // namespace
}  // namespace mms::databricks
