// The columns of a table out of what the catalog tells of them, for tables whose files do not say
// it: the schema's text as a Delta log would have it, and the Arrow types that readers give. Pure.
//
// Source of the facts: Spark's StructType as JSON, which Unity Catalog keeps in type_json and which
// is Delta's "Schema Serialization Format".
#pragma once

#include <arrow/type_fwd.h>

#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "clients/databricks/unity_catalog.h"

namespace mms::migration {

struct CatalogSchema {
  std::string schema_json;                     ///< all columns
  std::shared_ptr<arrow::Schema> logical;      ///< all columns
  std::shared_ptr<arrow::Schema> data;         ///< without the partition columns
  std::vector<std::string> partition_columns;  ///< in level order
};

/// Errors: kUnsupported TABLE_COLUMNS_UNKNOWN (none, or one without a type that can be read),
/// TYPE_UNSUPPORTED.
Result<CatalogSchema> ReadCatalogSchema(const databricks::Table& table);

}  // namespace mms::migration
