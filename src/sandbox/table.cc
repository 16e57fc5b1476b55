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
                    {"default", column.default_text},
                    {"stored", column.stored_name}});
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
    column.stored_name = item.value("stored", "");
    columns->push_back(std::move(column));
  }
  return OkStatus();
}

Json ClusteringToJson(const std::optional<Clustering>& clustering) {
  if (!clustering) return nullptr;
  return {{"range", clustering->range},
          {"columns", clustering->columns},
          {"sort", clustering->sort},
          {"buckets", clustering->buckets}};
}

std::optional<Clustering> ClusteringFromJson(const Json& json) {
  if (json.is_null()) return std::nullopt;
  Clustering clustering;
  clustering.range = json.at("range").get<bool>();
  clustering.columns = json.at("columns").get<std::vector<std::string>>();
  clustering.sort = json.at("sort").get<std::vector<std::pair<std::string, bool>>>();
  clustering.buckets = json.at("buckets").get<int>();
  return clustering;
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

const Column* FindIn(const Table& table, const std::string& name) {
  auto found = std::find_if(table.columns.begin(), table.columns.end(),
                            [&](const Column& column) { return column.name == name; });
  return found == table.columns.end() ? nullptr : &*found;
}

/// Numbers of the Delta table's properties: 1 to 4096 buckets, 0 to 168 hours.
Status CheckNumber(const Table& table, const std::string& key, std::pair<int, int> range) {
  auto found = table.properties.find(key);
  if (found == table.properties.end()) return OkStatus();
  const std::string& text = found->second;
  int number = -1;
  auto parsed = std::from_chars(text.data(), text.data() + text.size(), number);
  bool good = parsed.ec == std::errc() && parsed.ptr == text.data() + text.size() &&
              number >= range.first && number <= range.second;
  if (good) return OkStatus();
  return Semantic("table property " + key + " must be a number from " +
                  std::to_string(range.first) + " to " + std::to_string(range.second) + ", not '" +
                  text + "'");
}

Status CheckPrimaryKey(const Table& table) {
  TRY_VOID(CheckNumber(table, "write.bucket.num", {1, 4'096}));
  TRY_VOID(CheckNumber(table, "acid.data.retain.hours", {0, 168}));
  if (table.primary_key.empty()) return OkStatus();
  std::set<std::string> seen;
  for (const std::string& key : table.primary_key) {
    const Column* column = FindIn(table, key);
    if (column == nullptr) return Semantic("primary key column " + key + " not found");
    if (column->nullable) return Semantic("primary key column " + key + " must be NOT NULL");
    if (!seen.insert(key).second) return Semantic("primary key column " + key + " repeated");
    if (!column->type.children.empty() || column->type.id == TypeId::kJson) {
      return Semantic("primary key column " + key + " cannot be of type " + column->type.ToText());
    }
  }
  if (table.transactional()) return OkStatus();
  return Semantic("a table with a primary key needs TBLPROPERTIES ('transactional'='true')");
}

Status CheckClustering(const Table& table) {
  if (!table.clustering) return OkStatus();
  if (!table.primary_key.empty() || table.properties.contains("table.format.version")) {
    return Semantic("a Delta table cannot be CLUSTERED BY as well; drop the clustering clause");
  }
  for (const std::string& name : table.clustering->columns) {
    if (FindIn(table, name) == nullptr) return Semantic("clustering column " + name + " not found");
  }
  for (const auto& [name, descending] : table.clustering->sort) {
    if (FindIn(table, name) == nullptr) return Semantic("sort column " + name + " not found");
  }
  int buckets = table.clustering->buckets;
  if (buckets < 0 || buckets > 4'096 || (buckets == 0 && !table.clustering->range)) {
    return Semantic("the number of buckets must be 1 to 4096");
  }
  return OkStatus();
}

}  // namespace

std::shared_ptr<arrow::Schema> Table::ArrowSchema() const {
  arrow::FieldVector fields;
  for (const Column& column : columns) {
    fields.push_back(arrow::field(column.file_name(), column.type.ToArrow()));
  }
  return arrow::schema(fields);
}

bool Table::transactional() const {
  auto found = properties.find("transactional");
  return found != properties.end() && LowerName(found->second) == "true";
}

Column* Table::FindColumn(std::string_view column) {
  auto found = std::find_if(columns.begin(), columns.end(),
                            [&](const Column& item) { return item.name == column; });
  return found == columns.end() ? nullptr : &*found;
}

void Table::AddColumn(Column column) {
  std::set<std::string> used(retired_names.begin(), retired_names.end());
  for (const Column& old : columns) used.insert(old.file_name());
  std::string free = column.name;
  for (int i = 1; used.contains(free); ++i) free = column.name + "_" + std::to_string(i);
  if (free != column.name) column.stored_name = free;
  columns.push_back(std::move(column));
}

std::string TableToJson(const Table& table) {
  Json json{{"columns", ColumnsToJson(table.columns)},
            {"partition_columns", ColumnsToJson(table.partition_columns)},
            {"primary_key", table.primary_key},
            {"clustering", ClusteringToJson(table.clustering)},
            {"retired_names", table.retired_names},
            {"owner", table.owner},
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
    table->clustering = ClusteringFromJson(json.value("clustering", Json()));
    table->retired_names = json.value("retired_names", std::vector<std::string>());
    table->owner = json.value("owner", "");
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
  TRY_VOID(CheckPrimaryKey(table));
  return CheckClustering(table);
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
