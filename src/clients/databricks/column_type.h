// The type of a column out of what Unity Catalog tells of it. Pure.
//
// Source: databricks-sdk 0.156 (ColumnInfo) and the open-source Unity Catalog server with its Spark
// connector: type_json is Spark's StructField as JSON ({"name", "type", "nullable", "metadata"});
// in older rows it is the type alone, a quoted text or the object of an array, map or struct.
// Inside, primitives have Delta's names (long, integer, short, byte), type_text has SQL's.
#pragma once

#include <string>
#include <string_view>

namespace mms::databricks {

/// In SQL's spelling: "bigint", "decimal(10,2)", "varchar(10)", "array<struct<k:string>>". From
/// type_json in any of its forms, with the precision that stands there; from type_text when that is
/// absent or no type. type_precision and type_scale are not looked at: servers leave them out.
std::string ColumnType(std::string_view type_json, std::string_view type_text);

/// Spark's StructField as JSON, out of type_json in any of its forms; "" when that has no type.
std::string ColumnField(std::string_view name, std::string_view type_json, bool nullable);

}  // namespace mms::databricks
