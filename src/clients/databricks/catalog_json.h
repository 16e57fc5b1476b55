// Bodies of Unity Catalog's answers as values. Unknown fields and enumeration texts are let
// through; a field of the wrong type is kCorrupt DATABRICKS_ANSWER. Pure.
//
// Source: databricks-sdk 0.156, service/catalog.py (TableInfo, ColumnInfo, SchemaInfo).
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "clients/databricks/unity_catalog.h"

namespace mms::databricks {

template <class Item>
struct Page {
  std::vector<Item> items;
  std::string next_page_token;  ///< "" = last
};

Result<Page<Schema>> ParseSchemas(const std::string& body);
Result<Page<Table>> ParseTables(const std::string& body);
Result<Table> ParseTable(const std::string& body);

/// A text field of the top level; "" when absent or null.
Result<std::string> ParseText(const std::string& body, const char* field);
/// A truth value of the top level; false when absent or null.
Result<bool> ParseFlag(const std::string& body, const char* field);

}  // namespace mms::databricks
