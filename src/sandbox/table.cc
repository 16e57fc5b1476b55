#include "sandbox/table.h"

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>
#include <set>

#include "sandbox/sql/parser.h"

namespace mms::sandbox {
namespace {

using Json = nlohmann::json;

constexpr size_t kNameBytesMax = 128;
constexpr size_t kCommentBytesMax = 1'024;
constexpr size_t kPartitionValueBytesMax = 255;

Error Semantic(std::string what) {
  return Error(ErrorKind::kInvalidInput, "ODPS-0130071",
               "Semantic analysis exception - " + std::move(what));
}

Error BadSpec(std::string what) {
  return Error(ErrorKind::kInvalidInput, "InvalidPartitionSpec", std::move(what));
}

bool IsLetter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool IsDigit(char c) { return c >= '0' && c <= '9'; }

Json ColumnsToJson(const std::vector<Column>& columns) {
  Json list = Json::array();
  for (const Column& column : columns) {
    list.push_back({{"name", column.name},
                    {"type", column.type.ToText()},
                    {"comment", column.comment},
                    {"nullable", column.nullable},
                    {"default", column.default_text}});
  }
  return list;
}

Status ColumnsFromJson(const Json& list, std::vector<Column>* columns) {
  for (const Json& item : list) {
    Column column;
    column.name = item.at("name").get<std::string>();
    TRY(column.type, sql::ParseType(item.at("type").get<std::string>()));
    column.comment = item.at("comment").get<std::string>();
    column.nullable = item.at("nullable").get<bool>();
    column.default_text = item.at("default").get<std::string>();
    columns->push_back(std::move(column));
  }
  return OkStatus();
}

Status CheckColumn(const Column& column, bool extended_scale, std::set<std::string>* seen) {
  TRY_VOID(CheckColumnName(column.name));
  if (!seen->insert(column.name).second) return Semantic("column " + column.name + " repeated");
  if (column.comment.size() > kCommentBytesMax) {
    return Semantic("the comment of column " + column.name + " is longer than 1024 bytes");
  }
  return CheckType(column.type, extended_scale);
}

/// Only characters that are safe in a partition value on the real service: letters, digits, blank
/// and _ - : . # ! @ $ ( ). No path, list, quote or glob character, nothing outside ASCII.
bool IsValueCharacter(char c) {
  return IsLetter(c) || IsDigit(c) ||
         std::string_view(" _-:.#!@$()").find(c) != std::string_view::npos;
}

template <class Integer>
Result<std::string> CanonicalInteger(const std::string& value, const std::string& column) {
  Integer number{};
  auto parsed = std::from_chars(value.data(), value.data() + value.size(), number);
  if (parsed.ec != std::errc() || parsed.ptr != value.data() + value.size()) {
    return BadSpec("'" + value + "' does not fit the integer partition column " + column);
  }
  return std::to_string(number);
}

Result<std::string> CheckValue(const Column& column, const std::string& value) {
  if (value.empty()) return BadSpec("the value of partition column " + column.name + " is empty");
  if (value.size() > kPartitionValueBytesMax) {
    return BadSpec("the value of partition column " + column.name + " is longer than 255 bytes");
  }
  for (char c : value) {
    if (!IsValueCharacter(c)) {
      return BadSpec("the value '" + value + "' of partition column " + column.name +
                     " holds a character that is not allowed; letters, digits, blank and "
                     "_ - : . # ! @ $ ( ) are");
    }
  }
  switch (column.type.id) {
    case TypeId::kTinyint: return CanonicalInteger<int8_t>(value, column.name);
    case TypeId::kSmallint: return CanonicalInteger<int16_t>(value, column.name);
    case TypeId::kInt: return CanonicalInteger<int32_t>(value, column.name);
    case TypeId::kBigint: return CanonicalInteger<int64_t>(value, column.name);
    case TypeId::kChar:
    case TypeId::kVarchar:
      if (value.size() > static_cast<size_t>(column.type.length)) {
        return BadSpec("'" + value + "' is longer than " + column.type.ToText());
      }
      return value;
    default: return value;
  }
}

}  // namespace

std::shared_ptr<arrow::Schema> Table::ArrowSchema() const {
  arrow::FieldVector fields;
  for (const Column& column : columns) {
    fields.push_back(arrow::field(column.name, column.type.ToArrow()));
  }
  return arrow::schema(fields);
}

std::string TableToJson(const Table& table) {
  Json json{{"columns", ColumnsToJson(table.columns)},
            {"partition_columns", ColumnsToJson(table.partition_columns)},
            {"primary_key", table.primary_key},
            {"comment", table.comment},
            {"lifecycle_days", table.lifecycle_days},
            {"properties", table.properties}};
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Status TableFromJson(std::string_view text, Table* table) {
  try {
    Json json = Json::parse(text);
    TRY_VOID(ColumnsFromJson(json.at("columns"), &table->columns));
    TRY_VOID(ColumnsFromJson(json.at("partition_columns"), &table->partition_columns));
    table->primary_key = json.at("primary_key").get<std::vector<std::string>>();
    table->comment = json.at("comment").get<std::string>();
    table->lifecycle_days = json.at("lifecycle_days").get<int>();
    table->properties = json.at("properties").get<std::map<std::string, std::string>>();
    return OkStatus();
  } catch (const Json::exception& e) {
    return Error(ErrorKind::kCorrupt, "InternalServerError",
                 std::string("the catalog's table text is damaged: ") + e.what());
  }
}

std::string LowerName(std::string_view name) {
  std::string lower(name);
  for (char& c : lower) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return lower;
}

std::string UpperName(std::string_view name) {
  std::string upper(name);
  for (char& c : upper) {
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  }
  return upper;
}

Status CheckTableName(std::string_view name) {
  bool good = !name.empty() && name.size() <= kNameBytesMax && IsLetter(name[0]) &&
              std::all_of(name.begin(), name.end(),
                          [](char c) { return IsLetter(c) || IsDigit(c) || c == '_'; });
  if (good) return OkStatus();
  return Semantic("invalid table name '" + std::string(name) +
                  "': a letter, then letters, digits and underscores, at most 128 bytes");
}

Status CheckColumnName(std::string_view name) {
  bool good =
      !name.empty() && name.size() <= kNameBytesMax &&
      std::all_of(name.begin(), name.end(), [](char c) {
        return IsLetter(c) || IsDigit(c) || c == '_' || static_cast<unsigned char>(c) >= 0x80;
      });
  if (good) return OkStatus();
  return Semantic("invalid column name '" + std::string(name) +
                  "': letters, digits and underscores, at most 128 bytes");
}

Status CheckTable(const Table& table, bool extended_scale) {
  TRY_VOID(CheckTableName(table.name.table));
  if (table.columns.empty()) return Semantic("a table needs at least one column");
  if (table.columns.size() + table.partition_columns.size() > kColumnsMax) {
    return Semantic("more than 1200 columns");
  }
  if (table.partition_columns.size() > kPartitionLevelsMax) {
    return Semantic("more than 6 partition levels");
  }
  if (table.comment.size() > kCommentBytesMax) {
    return Semantic("the table comment is longer than 1024 bytes");
  }
  std::set<std::string> seen;
  for (const Column& column : table.columns) {
    TRY_VOID(CheckColumn(column, extended_scale, &seen));
  }
  for (const Column& column : table.partition_columns) {
    TRY_VOID(CheckColumn(column, extended_scale, &seen));
    if (!IsPartitionType(column.type.id)) {
      return Semantic("partition column " + column.name + " cannot be of type " +
                      column.type.ToText());
    }
  }
  for (const std::string& key : table.primary_key) {
    auto found = std::find_if(table.columns.begin(), table.columns.end(),
                              [&](const Column& column) { return column.name == key; });
    if (found == table.columns.end()) return Semantic("primary key column " + key + " not found");
    if (found->nullable) return Semantic("primary key column " + key + " must be NOT NULL");
  }
  auto transactional = table.properties.find("transactional");
  if (!table.primary_key.empty() &&
      (transactional == table.properties.end() || transactional->second != "true")) {
    return Semantic("a table with a primary key needs TBLPROPERTIES ('transactional'='true')");
  }
  return OkStatus();
}

Result<std::vector<std::pair<std::string, std::string>>> SplitPartitionText(std::string_view text) {
  std::vector<std::pair<std::string, std::string>> pairs;
  size_t at = 0;
  while (at < text.size()) {
    size_t equals = text.find('=', at);
    if (equals == std::string_view::npos) return BadSpec("no '=' in '" + std::string(text) + "'");
    std::string key = LowerName(text.substr(at, equals - at));
    std::erase(key, ' ');
    std::erase(key, '`');
    at = equals + 1;
    while (at < text.size() && text[at] == ' ') ++at;
    std::string value;
    if (at < text.size() && (text[at] == '\'' || text[at] == '"')) {
      size_t close = text.find(text[at], at + 1);
      if (close == std::string_view::npos)
        return BadSpec("open quote in '" + std::string(text) + "'");
      value = text.substr(at + 1, close - at - 1);
      at = close + 1;
    } else {
      size_t end = std::min(text.find_first_of(",/", at), text.size());
      value = text.substr(at, end - at);
      at = end;
    }
    pairs.emplace_back(std::move(key), std::move(value));
    while (at < text.size() && text[at] == ' ') ++at;
    if (at == text.size()) break;
    if (text[at] != ',' && text[at] != '/')
      return BadSpec("cannot read '" + std::string(text) + "'");
    ++at;
  }
  if (pairs.empty()) return BadSpec("the partition is empty");
  return pairs;
}

Result<PartitionSpec> MakePartitionSpec(
    const Table& table, const std::vector<std::pair<std::string, std::string>>& pairs) {
  if (!table.partitioned()) {
    return BadSpec("table " + table.name.ToText() + " is not partitioned");
  }
  if (pairs.size() != table.partition_columns.size()) {
    return BadSpec("table " + table.name.ToText() + " has " +
                   std::to_string(table.partition_columns.size()) + " partition columns, " +
                   std::to_string(pairs.size()) + " given");
  }
  PartitionSpec spec;
  for (const Column& column : table.partition_columns) {
    auto found = std::find_if(pairs.begin(), pairs.end(),
                              [&](const auto& pair) { return pair.first == column.name; });
    if (found == pairs.end()) return BadSpec("partition column " + column.name + " is missing");
    TRY(std::string value, CheckValue(column, found->second));
    if (!spec.empty()) spec += "/";
    spec += column.name + "=" + value;
  }
  return spec;
}

std::vector<std::string> PartitionValues(std::string_view spec) {
  std::vector<std::string> values;
  while (!spec.empty()) {
    size_t end = std::min(spec.find('/'), spec.size());
    std::string_view item = spec.substr(0, end);
    values.emplace_back(item.substr(item.find('=') + 1));
    spec.remove_prefix(std::min(end + 1, spec.size()));
  }
  return values;
}

}  // namespace mms::sandbox
