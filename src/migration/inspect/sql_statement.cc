#include "migration/inspect/sql_statement.h"

#include <arrow/type.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "clients/databricks/nested_text.h"

namespace mms::migration {
namespace {

std::string Literal(std::string_view text) {
  std::string out = "'";
  for (const char c : text) {
    if (c == '\'' || c == '\\') out += '\\';
    out += c;
  }
  return out + "'";
}

/// Of a Delta type's name; the primitives that SQL calls otherwise.
std::string SqlType(const std::string& delta_type) {
  if (delta_type == "long") return "BIGINT";
  if (delta_type == "integer") return "INT";
  if (delta_type == "short") return "SMALLINT";
  if (delta_type == "byte") return "TINYINT";
  return delta_type;
}

std::string TypedLiteral(const std::string& delta_type, const std::string& value) {
  if (delta_type == "string") return Literal(value);
  if (delta_type != "binary")
    return fmt::format("CAST({} AS {})", Literal(value), SqlType(delta_type));
  std::string hex;
  for (const char c : value) hex += fmt::format("{:02X}", static_cast<unsigned char>(c));
  return "X'" + hex + "'";
}

std::string From(const SqlReading& reading, const std::string& condition) {
  std::string sql = " FROM " + reading.table;
  if (reading.version) sql += fmt::format(" VERSION AS OF {}", *reading.version);
  if (!condition.empty()) sql += " WHERE " + condition;
  return sql;
}

bool IsNested(const arrow::DataType& type) {
  return type.id() == arrow::Type::LIST || type.id() == arrow::Type::MAP ||
         type.id() == arrow::Type::STRUCT;
}

}  // namespace

std::string QuotedName(std::string_view name) {
  std::string out = "`";
  for (const char c : name) {
    if (c == '`') out += '`';
    out += c;
  }
  return out + "`";
}

std::string QuotedTable(const std::vector<std::string>& parts) {
  std::vector<std::string> quoted;
  quoted.reserve(parts.size());
  for (const std::string& part : parts) quoted.push_back(QuotedName(part));
  return fmt::format("{}", fmt::join(quoted, "."));
}

std::string PartitionCondition(const std::vector<SqlPartitionValue>& values) {
  std::string sql;
  for (const SqlPartitionValue& column : values) {
    if (!sql.empty()) sql += " AND ";
    sql += QuotedName(column.name);
    sql += column.value ? " = " + TypedLiteral(column.delta_type, *column.value) : " IS NULL";
  }
  return sql;
}

std::set<size_t> JsonColumns(const SqlReading& reading, const arrow::Schema& schema) {
  std::set<size_t> positions;
  for (int i = 0; reading.nested_as_json && i < schema.num_fields(); ++i) {
    if (IsNested(*schema.field(i)->type())) positions.insert(static_cast<size_t>(i));
  }
  return positions;
}

std::string SelectSql(const SqlReading& reading, const arrow::Schema& schema,
                      const std::string& condition) {
  const std::set<size_t> as_json = JsonColumns(reading, schema);
  std::vector<std::string> columns;
  for (int i = 0; i < schema.num_fields(); ++i) {
    const std::string name = QuotedName(schema.field(i)->name());
    const bool json = as_json.contains(static_cast<size_t>(i));
    columns.push_back(json ? databricks::NestedAsJson(name) + " AS " + name : name);
  }
  return fmt::format("SELECT {}{}", fmt::join(columns, ", "), From(reading, condition));
}

std::string CountSql(const SqlReading& reading, const std::string& condition) {
  return "SELECT count(*) AS `rows`" + From(reading, condition);
}

std::string PartitionsSql(const SqlReading& reading, const std::vector<std::string>& columns) {
  std::string texts;
  std::vector<std::string> names;
  for (size_t i = 0; i < columns.size(); ++i) {
    names.push_back(QuotedName(columns[i]));
    texts += fmt::format("CAST({} AS STRING) AS `value{}`, ", names.back(), i);
  }
  return fmt::format("SELECT {}count(*) AS `rows`{} GROUP BY {}", texts, From(reading, ""),
                     fmt::join(names, ", "));
}

}  // namespace mms::migration
