#include "clients/databricks/catalog_json.h"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace mms::databricks {
namespace {

using Json = nlohmann::json;

/// A present, non-null field; nullptr otherwise.
const Json* Find(const Json& object, const char* key) {
  const auto found = object.find(key);
  return found == object.end() || found->is_null() ? nullptr : &*found;
}

template <class T>
T Get(const Json& object, const char* key, T absent) {
  const Json* found = Find(object, key);
  return found == nullptr ? absent : found->get<T>();
}

std::string Text(const Json& object, const char* key) { return Get<std::string>(object, key, ""); }

Schema MakeSchema(const Json& json) {
  return {Text(json, "catalog_name"), json.at("name").get<std::string>(), Text(json, "comment")};
}

Column MakeColumn(const Json& json) {
  Column column;
  column.name = json.at("name").get<std::string>();
  column.position = Get<int>(json, "position", 0);
  column.type_text = Text(json, "type_text");
  column.type_json = Text(json, "type_json");
  column.nullable = Get<bool>(json, "nullable", true);
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
  table.row_filtered = Find(json, "row_filter") != nullptr;
  table.browse_only = Get<bool>(json, "browse_only", false);
  if (const Json* columns = Find(json, "columns")) {
    for (const Json& column : *columns) table.columns.push_back(MakeColumn(column));
  }
  std::stable_sort(table.columns.begin(), table.columns.end(),
                   [](const Column& a, const Column& b) { return a.position < b.position; });
  return table;
}

/// Runs `make` on the parsed body; the library reports wrong types by throwing.
template <class Make>
auto Read(const std::string& body, Make make) -> Result<decltype(make(Json()))> {
  try {
    return make(Json::parse(body));
  } catch (const Json::exception& exception) {
    return Error(
        ErrorKind::kCorrupt, "DATABRICKS_ANSWER",
        std::string("the workspace's answer has another form than the API's: ") + exception.what());
  }
}

template <class Item, class Make>
Result<Page<Item>> ReadPage(const std::string& body, const char* field, Make make) {
  return Read(body, [&](const Json& json) {
    Page<Item> page;
    if (const Json* items = Find(json, field)) {
      for (const Json& item : *items) page.items.push_back(make(item));
    }
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

Result<Table> ParseTable(const std::string& body) { return Read(body, MakeTable); }

Result<std::string> ParseText(const std::string& body, const char* field) {
  return Read(body, [&](const Json& json) { return Text(json, field); });
}

Result<bool> ParseFlag(const std::string& body, const char* field) {
  return Read(body, [&](const Json& json) { return Get<bool>(json, field, false); });
}

}  // namespace mms::databricks
