#include "clients/databricks/catalog_json.h"

#include <algorithm>

#include "clients/databricks/answer_json.h"
#include "clients/databricks/column_type.h"

namespace mms::databricks {
namespace {

Schema MakeSchema(const Json& json) {
  return {Text(json, "catalog_name"), json.at("name").get<std::string>(), Text(json, "comment"),
          Text(json, "owner")};
}

Column MakeColumn(const Json& json) {
  Column column;
  column.name = json.at("name").get<std::string>();
  column.position = Get<int>(json, "position", 0);
  column.type = ColumnType(Text(json, "type_json"), Text(json, "type_text"));
  column.nullable = Get<bool>(json, "nullable", true);
  column.field_json = ColumnField(column.name, Text(json, "type_json"), column.nullable);
  if (const Json* index = Find(json, "partition_index")) column.partition_index = index->get<int>();
  column.comment = Text(json, "comment");
  column.masked = Find(json, "mask") != nullptr;
  return column;
}

Table MakeTable(const Json& json) {
  Table table;
  table.catalog = json.at("catalog_name").get<std::string>();
  table.schema = json.at("schema_name").get<std::string>();
  table.name = json.at("name").get<std::string>();
  table.id = Text(json, "table_id");
  table.table_type = Text(json, "table_type");
  table.data_source_format = Text(json, "data_source_format");
  table.storage_location = Text(json, "storage_location");
  table.comment = Text(json, "comment");
  table.owner = Text(json, "owner");
  if (const Json* at = Find(json, "updated_at")) table.updated_at_ms = at->get<int64_t>();
  // Databricks tells these of every table; the open-source server has neither, and no field for row
  // filters and masks.
  table.tells_guards = Find(json, "metastore_id") != nullptr || Find(json, "full_name") != nullptr;
  table.row_filtered = Find(json, "row_filter") != nullptr;
  table.browse_only = Get<bool>(json, "browse_only", false);
  for (const Json& column : Items(json, "columns")) table.columns.push_back(MakeColumn(column));
  if (const Json* properties = Find(json, "properties"); properties && properties->is_object()) {
    for (const auto& [key, value] : properties->items()) {
      if (value.is_string()) table.properties[key] = value.get<std::string>();
    }
  }
  for (const Json& constraint : Items(json, "table_constraints")) {
    const Json* key = Find(constraint, "foreign_key_constraint");
    if (key != nullptr) table.foreign_keys_to.push_back(Text(*key, "parent_table"));
  }
  std::stable_sort(table.columns.begin(), table.columns.end(),
                   [](const Column& a, const Column& b) { return a.position < b.position; });
  return table;
}

template <class Item, class Make>
Result<Page<Item>> ReadPage(const std::string& body, const char* field, Make make) {
  return ReadJson(body, [&](const Json& json) {
    Page<Item> page;
    for (const Json& item : Items(json, field)) page.items.push_back(make(item));
    page.next_page_token = Text(json, "next_page_token");
    return page;
  });
}

}  // namespace

Result<Page<Schema>> ParseSchemas(const std::string& body) {
  return ReadPage<Schema>(body, "schemas", MakeSchema);
}

Result<Page<Table>> ParseTables(const std::string& body) {
  return ReadPage<Table>(body, "tables", MakeTable);
}

Result<Table> ParseTable(const std::string& body) { return ReadJson(body, MakeTable); }

Result<std::string> ParseText(const std::string& body, const char* field) {
  return ReadJson(body, [&](const Json& json) { return Text(json, field); });
}

Result<Catalog> ParseCatalog(const std::string& body) {
  return ReadJson(body, [](const Json& json) {
    return Catalog{json.at("name").get<std::string>(), Text(json, "owner"),
                   Get<bool>(json, "browse_only", false)};
  });
}

}  // namespace mms::databricks
