#include "migration/inspect/catalog_schema.h"

#include <arrow/type.h>
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>
#include <string_view>
#include <utility>

namespace mms::migration {
namespace {

using Json = nlohmann::json;
using TypePtr = std::shared_ptr<arrow::DataType>;

constexpr int kDepthMax = 64;

/// Both numbers of "decimal(20,4)"; {0, 0} = no such text.
std::pair<int, int> DecimalOf(std::string_view text) {
  if (text == "decimal") return {10, 0};  // Spark's default
  if (!text.starts_with("decimal(") || !text.ends_with(')')) return {0, 0};
  const char* end = text.data() + text.size() - 1;
  int precision = 0, scale = 0;
  auto read = std::from_chars(text.data() + 8, end, precision);
  if (read.ec != std::errc() || read.ptr == end || *read.ptr != ',') return {0, 0};
  read = std::from_chars(read.ptr + 1, end, scale);
  if (read.ec != std::errc() || read.ptr != end) return {0, 0};
  return {precision, scale};
}

/// Null = no type that readers give.
TypePtr Primitive(const std::string& name) {
  if (name == "byte") return arrow::int8();
  if (name == "short") return arrow::int16();
  if (name == "integer") return arrow::int32();
  if (name == "long") return arrow::int64();
  if (name == "float") return arrow::float32();
  if (name == "double") return arrow::float64();
  if (name == "boolean") return arrow::boolean();
  if (name == "string" || name.starts_with("char(") || name.starts_with("varchar(")) {
    return arrow::utf8();
  }
  if (name == "binary") return arrow::binary();
  if (name == "date") return arrow::date32();
  if (name == "timestamp") return arrow::timestamp(arrow::TimeUnit::MICRO, "UTC");
  if (name == "timestamp_ntz") return arrow::timestamp(arrow::TimeUnit::MICRO);
  const auto [precision, scale] = DecimalOf(name);
  if (precision < 1 || precision > 38 || scale < 0 || scale > precision) return nullptr;
  return arrow::decimal128(precision, scale);
}

/// Null = no type that readers give; `path` grows to what has it.
TypePtr ToArrow(const Json& type, int depth, std::string* path) {
  if (type.is_string()) return Primitive(type.get<std::string>());
  if (!type.is_object() || depth > kDepthMax) return nullptr;
  const auto inner = [&](const char* key, const char* step) -> TypePtr {
    const auto found = type.find(key);
    if (found == type.end()) return nullptr;
    const size_t length = path->size();
    *path += step;
    TypePtr made = ToArrow(*found, depth + 1, path);
    if (made) path->resize(length);
    return made;
  };
  const std::string kind = type.value("type", Json()).is_string() ? type.value("type", "") : "";
  if (kind == "array") {
    const TypePtr element = inner("elementType", ".element");
    return element ? arrow::list(arrow::field("element", element)) : nullptr;
  }
  if (kind == "map") {
    const TypePtr key = inner("keyType", ".key");
    const TypePtr value = key ? inner("valueType", ".value") : nullptr;
    return value ? arrow::map(key, value) : nullptr;
  }
  if (kind != "struct" || !type.contains("fields") || !type["fields"].is_array()) return nullptr;
  arrow::FieldVector fields;
  for (const Json& field : type["fields"]) {
    if (!field.is_object() || !field.contains("type") || !field.contains("name")) return nullptr;
    if (!field["name"].is_string()) return nullptr;
    const auto& name = field["name"].get_ref<const std::string&>();
    const size_t length = path->size();
    *path += "." + name;
    TypePtr made = ToArrow(field["type"], depth + 1, path);
    if (!made) return nullptr;
    path->resize(length);
    fields.push_back(arrow::field(name, std::move(made)));
  }
  return arrow::struct_(std::move(fields));
}

/// A field as a Delta log has it: CHAR(n) and VARCHAR(n) are strings, told apart by metadata.
Json DeltaField(Json field) {
  const Json& type = field["type"];
  if (!type.is_string()) return field;
  const auto name = type.get<std::string>();
  if (name.starts_with("char(") || name.starts_with("varchar(")) {
    field["metadata"]["__CHAR_VARCHAR_TYPE_STRING"] = name;
    field["type"] = "string";
  }
  return field;
}

Error ColumnsUnknown(std::string_view what) {
  return Error(ErrorKind::kUnsupported, "TABLE_COLUMNS_UNKNOWN",
               fmt::format("the catalog does not tell {}, and the files of a table without a Delta "
                           "log are read by its columns; convert it (CONVERT TO DELTA, or CREATE "
                           "TABLE ... AS SELECT), or leave it out (`exclude`, of a job --but)",
                           what));
}

}  // namespace

Result<CatalogSchema> ReadCatalogSchema(const databricks::Table& table) {
  if (table.columns.empty()) return ColumnsUnknown("its columns");
  CatalogSchema schema;
  Json fields = Json::array();
  arrow::FieldVector logical, data;
  std::vector<std::pair<int, std::string>> partitions;
  for (const databricks::Column& column : table.columns) {
    Json field = Json::parse(column.field_json, nullptr, false);
    if (!field.is_object() || !field.contains("type")) {
      return ColumnsUnknown("the type of column " + column.name);
    }
    std::string path = column.name;
    TypePtr type = ToArrow(field["type"], 0, &path);
    if (!type) {
      return Error(ErrorKind::kUnsupported, "TYPE_UNSUPPORTED",
                   fmt::format("column \"{}\" is {}, which is not read from files; leave the table "
                               "out (`exclude`, of a job --but)",
                               path, column.type));
    }
    logical.push_back(arrow::field(column.name, std::move(type)));
    if (column.partition_index) {
      partitions.emplace_back(*column.partition_index, column.name);
    } else {
      data.push_back(logical.back());
    }
    fields.push_back(DeltaField(std::move(field)));
  }
  std::sort(partitions.begin(), partitions.end());
  for (auto& [index, name] : partitions) schema.partition_columns.push_back(std::move(name));
  schema.schema_json = Json{{"type", "struct"}, {"fields", std::move(fields)}}.dump();
  schema.logical = arrow::schema(std::move(logical));
  schema.data = arrow::schema(std::move(data));
  return schema;
}

}  // namespace mms::migration
