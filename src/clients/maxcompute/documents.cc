#include "clients/maxcompute/documents.h"

#include <openssl/evp.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstring>
#include <nlohmann/json.hpp>
#include <optional>
#include <pugixml.hpp>
#include <utility>

#include "base/lower_ascii.h"
#include "clients/maxcompute/errors.h"

namespace mms::maxcompute {
namespace {

using nlohmann::json;

std::string Text(const json& object, const char* name) {
  const auto at = object.find(name);
  return at != object.end() && at->is_string() ? at->get<std::string>() : "";
}

/// The services write booleans as such and as the texts "true" and "false".
bool Flag(const json& object, const char* name, bool otherwise) {
  const auto at = object.find(name);
  if (at == object.end()) return otherwise;
  if (at->is_boolean()) return at->get<bool>();
  if (at->is_string()) return LowerAscii(at->get<std::string>()) == "true";
  return otherwise;
}

const json* Member(const json& object, const char* name) {
  const auto at = object.find(name);
  return at == object.end() ? nullptr : &*at;
}

Result<Column> ParseColumn(const json& object) {
  Column column;
  column.name = object.is_object() ? Text(object, "name") : "";
  const std::string type = object.is_object() ? Text(object, "type") : "";
  if (column.name.empty() || type.empty()) {
    return Error(ErrorKind::kCorrupt, "ODPS_ANSWER", "a column has no name or no type");
  }
  Result<Type> parsed = ParseType(type);
  if (!parsed) return std::move(parsed).error().At("column " + column.name);
  column.type = *std::move(parsed);
  column.comment = Text(object, "comment");
  // Tables say isNullable, Tunnel sessions nullable.
  column.nullable = Flag(object, "isNullable", true) && Flag(object, "nullable", true);
  return column;
}

Result<std::vector<Column>> ParseColumns(const json* array) {
  std::vector<Column> columns;
  if (array == nullptr || array->is_null()) return columns;
  if (!array->is_array()) return Error(ErrorKind::kCorrupt, "ODPS_ANSWER", "columns are no list");
  for (const json& object : *array) {
    TRY(Column column, ParseColumn(object));
    columns.push_back(std::move(column));
  }
  return columns;
}

Result<TableSchema> ParseSchema(const json& object) {
  TableSchema schema;
  TRY(schema.columns, ParseColumns(Member(object, "columns")));
  TRY(schema.partition_columns, ParseColumns(Member(object, "partitionKeys")));
  return schema;
}

/// Trims blanks and line breaks that pretty-printed documents carry.
std::string Trimmed(const char* text) {
  const std::string_view view(text);
  const size_t from = view.find_first_not_of(" \t\r\n");
  if (from == view.npos) return "";
  return std::string(view.substr(from, view.find_last_not_of(" \t\r\n") - from + 1));
}

std::optional<std::string> DecodeBase64(std::string text) {
  std::erase_if(text, [](char c) { return c == '\n' || c == '\r' || c == ' ' || c == '\t'; });
  if (text.size() % 4 != 0) return std::nullopt;
  std::string out(text.size() / 4 * 3, '\0');
  const int size = EVP_DecodeBlock(reinterpret_cast<unsigned char*>(out.data()),
                                   reinterpret_cast<const unsigned char*>(text.data()),
                                   static_cast<int>(text.size()));
  if (size < 0) return std::nullopt;
  const size_t padding = text.ends_with("==") ? 2 : text.ends_with('=') ? 1 : 0;
  out.resize(static_cast<size_t>(size) - padding);
  return out;
}

}  // namespace

namespace {

/// Column names, in small letters as MaxCompute compares them.
std::vector<std::string> Names(const json* list) {
  std::vector<std::string> names;
  if (list == nullptr || !list->is_array()) return names;
  for (const json& name : *list) {
    if (name.is_string()) names.push_back(LowerAscii(name.get<std::string>()));
  }
  return names;
}

/// A number, written as one or as a text; 0 = neither.
int64_t Count(const json* value) {
  if (value != nullptr && value->is_number_integer()) return value->get<int64_t>();
  if (value == nullptr || !value->is_string()) return 0;
  const std::string text = value->get<std::string>();
  int64_t count = 0;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), count);
  return read.ec == std::errc() ? count : 0;
}

TableTraits TraitsOf(const json& reserved) {
  TableTraits traits;
  traits.primary_key = Names(Member(reserved, "PrimaryKey"));
  traits.format_version = Text(reserved, "table.format.version");
  traits.clustering.emplace();
  if (!Text(reserved, "ClusterType").empty()) {
    traits.clustering->range = LowerAscii(Text(reserved, "ClusterType")) == "range";
    traits.clustering->by = Names(Member(reserved, "ClusterCols"));
    traits.clustering->buckets = Count(Member(reserved, "BucketNum"));
  }
  return traits;
}

}  // namespace

Result<TableTraits> ParseTableTraits(const HttpResponse& answer) {
  pugi::xml_document document;
  const bool read = document.load_buffer(answer.body.data(), answer.body.size());
  const pugi::xml_node table = document.child("Table");
  const json object = json::parse(table.child_value("Schema"), nullptr, false);
  if (!read || !table || !object.is_object()) {
    return UnreadableAnswer(answer, "an extended table document");
  }
  const json reserved = json::parse(Text(object, "Reserved"), nullptr, false);
  return reserved.is_object() ? TraitsOf(reserved) : TableTraits();
}

Result<TableInfo> ParseTable(const HttpResponse& answer) {
  pugi::xml_document document;
  if (!document.load_buffer(answer.body.data(), answer.body.size())) {
    return UnreadableAnswer(answer, "a table document");
  }
  const pugi::xml_node table = document.child("Table");
  const std::string text = table.child_value("Schema");
  const json object = json::parse(text, nullptr, false);
  if (!table || !object.is_object() || !object.contains("columns")) {
    return UnreadableAnswer(answer, "a table document");
  }
  TableInfo info;
  TRY(info.schema, ParseSchema(object));
  info.name = Trimmed(table.child_value("Name"));
  info.type = Trimmed(table.child_value("Type"));
  if (info.type.empty()) {
    info.type = Flag(object, "isVirtualView", false)        ? "VIRTUAL_VIEW"
                : Flag(object, "isMaterializedView", false) ? "MATERIALIZED_VIEW"
                                                            : "MANAGED_TABLE";
  }
  info.comment = Text(object, "comment");
  return info;
}

Result<std::map<std::string, std::string>> ParseProject(const HttpResponse& answer) {
  pugi::xml_document document;
  const bool read = document.load_buffer(answer.body.data(), answer.body.size());
  const pugi::xml_node root = document.child("Project");
  if (!read || !root) return UnreadableAnswer(answer, "a project document");
  std::map<std::string, std::string> properties;
  for (const pugi::xml_node property : root.child("Properties").children("Property")) {
    properties[Trimmed(property.child_value("Name"))] = Trimmed(property.child_value("Value"));
  }
  return properties;
}

Result<SchemaPage> ParseSchemaPage(const HttpResponse& answer) {
  pugi::xml_document document;
  const bool read = document.load_buffer(answer.body.data(), answer.body.size());
  const pugi::xml_node root = document.child("Schemas");
  if (!read || !root) return UnreadableAnswer(answer, "a list of schemas");
  SchemaPage page;
  for (const pugi::xml_node schema : root.children("Schema")) {
    page.names.push_back(Trimmed(schema.child_value("Name")));
  }
  page.marker = Trimmed(root.child_value("Marker"));
  return page;
}

Result<std::optional<std::string>> ParseFirstTable(const HttpResponse& answer) {
  pugi::xml_document document;
  const bool read = document.load_buffer(answer.body.data(), answer.body.size());
  const pugi::xml_node root = document.child("Tables");
  if (!read || !root) return UnreadableAnswer(answer, "a list of tables");
  std::string name = Trimmed(root.child("Table").child_value("Name"));
  return name.empty() ? std::optional<std::string>() : std::optional(std::move(name));
}

Result<PartitionPage> ParsePartitionPage(const HttpResponse& answer) {
  pugi::xml_document document;
  const bool read = document.load_buffer(answer.body.data(), answer.body.size());
  const pugi::xml_node root = document.child("Partitions");
  if (!read || !root) return UnreadableAnswer(answer, "a list of partitions");
  PartitionPage page;
  for (const pugi::xml_node partition : root.children("Partition")) {
    PartitionSpec spec;
    for (const pugi::xml_node column : partition.children("Column")) {
      spec.emplace_back(column.attribute("Name").value(), column.attribute("Value").value());
    }
    if (spec.empty()) return UnreadableAnswer(answer, "a list of partitions with values");
    page.partitions.push_back(std::move(spec));
  }
  page.marker = Trimmed(root.child_value("Marker"));
  return page;
}

Result<InstancePage> ParseInstancePage(const HttpResponse& answer) {
  pugi::xml_document document;
  const bool read = document.load_buffer(answer.body.data(), answer.body.size());
  const pugi::xml_node root = document.child("Instances");
  if (!read || !root) return UnreadableAnswer(answer, "a list of instances");
  InstancePage page;
  for (const pugi::xml_node instance : root.children("Instance")) {
    page.ids.push_back(Trimmed(instance.child_value("Name")));
  }
  page.marker = Trimmed(root.child_value("Marker"));
  return page;
}

Result<std::string> ParseInstanceStatus(const HttpResponse& answer) {
  pugi::xml_document document;
  const bool read = document.load_buffer(answer.body.data(), answer.body.size());
  const std::string status = Trimmed(document.child("Instance").child_value("Status"));
  if (!read || status.empty()) return UnreadableAnswer(answer, "an instance's status");
  return status;
}

Result<TaskResult> ParseTask(const HttpResponse& answer) {
  pugi::xml_document document;
  const auto options = pugi::parse_default | pugi::parse_ws_pcdata;
  const bool read = document.load_buffer(answer.body.data(), answer.body.size(), options);
  const pugi::xml_node task = document.child("Instance").child("Tasks").child("Task");
  if (!read || !task) return UnreadableAnswer(answer, "an instance's task");
  TaskResult result;
  result.status = Trimmed(task.child_value("Status"));
  const pugi::xml_node node = task.child("Result");
  std::string text;
  for (const pugi::xml_node part : node.children()) text += part.value();  // text and CDATA mixed
  const bool base64 = std::strcmp(node.attribute("Transform").value(), "Base64") == 0;
  std::optional<std::string> decoded = base64 ? DecodeBase64(text) : std::move(text);
  if (!decoded) return UnreadableAnswer(answer, "a task result in Base64");
  result.text = *std::move(decoded);
  result.is_csv = LowerAscii(node.attribute("Format").value()) == "csv";
  const auto descriptor = json::parse(task.child_value("ResultDescriptor"), nullptr, false);
  if (descriptor.is_object()) {
    result.truncated =
        Text(descriptor, "SelectResultStatus").find("TRUNCATED") != std::string::npos;
  }
  return result;
}

namespace {

using Cell = std::optional<std::string>;

Error BadCsv(size_t line, const std::string& what) {
  return Error(ErrorKind::kCorrupt, "ODPS_RESULT",
               "row " + std::to_string(line) + " of the SQL result " + what);
}

/// Reads one cell from `at`; leaves `at` on the separator or the end.
Result<Cell> TakeCell(const std::string& text, size_t& at, size_t line) {
  if (at >= text.size() || text[at] != '"') {
    const size_t to = std::min(text.find_first_of(",\n", at), text.size());
    std::string cell = text.substr(at, to - at);
    at = to;
    if (cell.ends_with('\r')) cell.pop_back();
    return cell == "\\N" ? Cell() : Cell(std::move(cell));
  }
  std::string cell;
  for (++at; at < text.size(); ++at) {
    if (text[at] != '"') {
      cell.push_back(text[at]);
      continue;
    }
    const bool doubled = at + 1 < text.size() && text[at + 1] == '"';
    ++at;
    if (doubled) {
      cell.push_back('"');
      continue;
    }
    if (at < text.size() && text[at] == '\r') ++at;
    if (at < text.size() && text[at] != ',' && text[at] != '\n') {
      return BadCsv(line, "has text behind a closing quote");
    }
    return Cell(std::move(cell));
  }
  return BadCsv(line, "ends inside quotes");
}

}  // namespace

Status ParseCsv(const std::string& text, SqlResult& result) {
  size_t at = 0;
  for (size_t line = 0; at < text.size(); ++line) {
    std::vector<Cell> cells;
    while (true) {
      TRY(Cell cell, TakeCell(text, at, line));
      cells.push_back(std::move(cell));
      if (at >= text.size() || text[at] == '\n') break;
      ++at;  // the comma
    }
    ++at;  // the line break
    if (line == 0) {
      for (Cell& cell : cells) result.columns.push_back(cell ? *std::move(cell) : "\\N");
    } else if (cells.size() != result.columns.size()) {
      return BadCsv(line, "has " + std::to_string(cells.size()) + " values for " +
                              std::to_string(result.columns.size()) + " columns");
    } else {
      result.rows.push_back(std::move(cells));
    }
  }
  return OkStatus();
}

namespace {

SessionState StateOf(const std::string& status) {
  if (status == "normal") return SessionState::kNormal;
  if (status == "closing" || status == "committing") return SessionState::kClosing;
  if (status == "closed") return SessionState::kClosed;
  if (status == "expired" || status == "canceled") return SessionState::kExpired;
  if (status == "critical") return SessionState::kCritical;
  return SessionState::kUnknown;
}

}  // namespace

namespace {

/// The service counts a session's life by its own clock, so its age is what its answer says.
std::chrono::system_clock::time_point UsableUntil(const HttpResponse& answer, const json& object) {
  using std::chrono::system_clock;
  constexpr std::chrono::hours kUsable{23};  // of the 24 that a session lives
  const auto now = system_clock::now();
  const auto initiated = ParseHttpDate(Text(object, "Initiated"));
  const auto answered = ParseHttpDate(answer.Header("date"));
  if (!initiated || !answered) return now + kUsable;
  return now + kUsable - std::max(*answered - *initiated, system_clock::duration::zero());
}

}  // namespace

Result<UploadSession> ParseUploadSession(const HttpResponse& answer) {
  const json object = json::parse(answer.body, nullptr, false);
  UploadSession session;
  if (object.is_object()) session.id = Text(object, "UploadID");
  if (session.id.empty()) return UnreadableAnswer(answer, "an upload session");
  session.state = StateOf(LowerAscii(Text(object, "Status")));
  session.usable_until = UsableUntil(answer, object);
  if (const json* schema = Member(object, "Schema"); schema != nullptr && schema->is_object()) {
    TRY(session.schema, ParseSchema(*schema));
  }
  const json* blocks = Member(object, "UploadedBlockList");
  if (blocks != nullptr && !blocks->is_null() && !blocks->is_array()) {
    return UnreadableAnswer(answer, "an upload session with a list of blocks");
  }
  if (blocks != nullptr && blocks->is_array()) {
    for (const json& block : *blocks) {
      const json* id = block.is_object() ? Member(block, "BlockID") : nullptr;
      if (id == nullptr || !id->is_number_integer()) {
        return UnreadableAnswer(answer, "an upload session with block ids");
      }
      session.blocks.push_back(id->get<int64_t>());
    }
  }
  std::sort(session.blocks.begin(), session.blocks.end());
  return session;
}

Result<DownloadAnswer> ParseDownloadSession(const HttpResponse& answer) {
  const json object = json::parse(answer.body, nullptr, false);
  DownloadAnswer found;
  if (object.is_object()) found.session.id = Text(object, "DownloadID");
  if (found.session.id.empty()) return UnreadableAnswer(answer, "a download session");
  found.status = LowerAscii(Text(object, "Status"));
  const json* rows = Member(object, "RecordCount");
  if (rows != nullptr && rows->is_number_integer()) found.session.rows = rows->get<int64_t>();
  const bool counted = rows != nullptr && rows->is_number_integer() && found.session.rows >= 0;
  if (!counted && found.status != "initiating") {
    return UnreadableAnswer(answer, "a download session with its number of rows");
  }
  if (const json* schema = Member(object, "Schema"); schema != nullptr && schema->is_object()) {
    TRY(found.session.schema, ParseSchema(*schema));
  }
  return found;
}

}  // namespace mms::maxcompute
