// Bodies of Unity Catalog's answers as values. Unknown fields and enumeration texts are let
// through; null is the same as absent; a field of the wrong type is kCorrupt DATABRICKS_ANSWER.
// Pure.
//
// Source: databricks-sdk 0.156, service/catalog.py (CatalogInfo, TableInfo, ColumnInfo,
// SchemaInfo), and answers of the open-source Unity Catalog server: it writes every field that is
// not set as null, and columns in the order of their registration.
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

Result<Catalog> ParseCatalog(const std::string& body);
Result<Page<Schema>> ParseSchemas(const std::string& body);
Result<Page<Table>> ParseTables(const std::string& body);
Result<Table> ParseTable(const std::string& body);

/// A text field of the top level; "" when absent or null.
Result<std::string> ParseText(const std::string& body, const char* field);

}  // namespace mms::databricks
