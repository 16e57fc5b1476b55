// Source, linked instead of migration/inspect/inspect.cc: tables as the world has them.
#include <arrow/type.h>

#include <nlohmann/json.hpp>
#include <utility>

#include "link.h"
#include "migration/inspect/inspect.h"
#include "migration/transfer/job.h"
#include "source_side.h"

namespace mms::migration {
namespace {

using nlohmann::json;
using simulation::Link;

Error NotSimulated(const char* what) {
  return Error(ErrorKind::kUnsupported, "NOT_SIMULATED", what);
}

json Field(const char* name, const char* type) {
  return {{"name", name}, {"type", type}, {"nullable", true}, {"metadata", json::object()}};
}

void AddColumns(bool partitioned, Snapshot* snapshot) {
  arrow::FieldVector logical = {arrow::field("id", arrow::int64())};
  snapshot->physical = arrow::schema(logical);
  snapshot->physical_names["id"] = "id";
  json fields = {Field("id", "long")};
  if (partitioned) {
    logical.push_back(arrow::field("p", arrow::utf8()));
    fields.push_back(Field("p", "string"));
    snapshot->physical_names["p"] = "p";
    snapshot->partition_columns = {"p"};
  }
  snapshot->logical = arrow::schema(logical);
  snapshot->schema_json = json{{"type", "struct"}, {"fields", fields}}.dump();
}

}  // namespace

struct Source::State {
  SourceOptions options;
};

Source::Source(SourceOptions options, std::shared_ptr<HttpClient> /*http*/)
    : state_(std::make_shared<State>(State{std::move(options)})) {}

void Source::SetSqlHooks(SqlAccess::Hooks /*hooks*/) {}

Result<SqlAccess*> Source::Sql() { return NotSimulated("SQL at the source"); }

Status Source::List(const std::vector<TableChoice>& /*choices*/,
                    const std::function<Status(SourceTable)>& /*visit*/) {
  return NotSimulated("the list of tables");
}

Result<SourceTable> Source::Find(const std::string& schema, const std::string& table, bool) {
  const json answer = Link::Get().Ask({{"call", "find"}, {"table", table}});
  if (answer.contains("error")) return ErrorFromJson(answer["error"]);
  SourceTable found;
  found.name = state_->options.catalog + "." + schema + "." + table;
  found.schema = schema;
  found.table = table;
  found.catalog_id = table;
  found.location = {false, "acct", "core.windows.net", "lake", table};
  return found;
}

Result<Snapshot> Source::Inspect(const SourceTable& table, std::optional<int64_t> version) {
  json request = {{"call", "inspect"}, {"table", table.table}};
  if (version) request["version"] = *version;
  const json answer = Link::Get().Ask(request);
  if (answer.contains("error")) {
    return ErrorFromJson(answer["error"]).At("table " + table.name);
  }
  Snapshot snapshot;
  snapshot.source = table;
  snapshot.version = answer.at("version");
  snapshot.table_id = table.table;
  AddColumns(answer.at("partitioned"), &snapshot);
  for (const json& one : answer.at("files")) {
    delta::File file;
    file.path = one.at("path");
    file.size_bytes = simulation::kFileBytes;
    file.modified_ms = 1;
    file.rows = one.at("rows");
    const std::string partition = one.at("partition");
    if (!partition.empty()) {
      file.partition_values["p"] = partition.substr(partition.find('=') + 1);
    }
    snapshot.files.push_back(std::move(file));
  }
  return snapshot;
}

Status Source::ReadStatistics(
    const SourceTable& /*table*/, int64_t /*version*/,
    const std::function<Status(const delta::TableInfo&, const delta::File&)>& /*visit*/) {
  return NotSimulated("the statistics of files");
}

Result<std::shared_ptr<azure::Storage>> Source::OpenStorage(const SourceTable& /*table*/) {
  return NotSimulated("the footers of files");
}

}  // namespace mms::migration
