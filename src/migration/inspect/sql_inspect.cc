#include "migration/inspect/sql_inspect.h"

#include <arrow/array.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>
#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <random>
#include <utility>
#include <vector>

#include "migration/inspect/catalog_schema.h"

namespace mms::migration {
namespace {

using databricks::Column;
using databricks::Table;

/// Whether `VERSION AS OF` may stand in its statements.
bool CanBePinned(const Table& table) {
  const bool kind = table.table_type == "MANAGED" || table.table_type == "EXTERNAL" ||
                    table.table_type == "MANAGED_SHALLOW_CLONE" ||
                    table.table_type == "EXTERNAL_SHALLOW_CLONE";
  const bool guarded =
      table.row_filtered || std::any_of(table.columns.begin(), table.columns.end(),
                                        [](const Column& column) { return column.masked; });
  return kind && table.data_source_format.starts_with("DELTA") && !guarded;
}

/// Names one reading of a table that has no versions: what was read at one time is never taken for
/// what is read at another.
std::string MakeReadingName() {
  std::random_device random;
  return fmt::format("{:08x}{:08x}{:08x}", random(), random(), random());
}

Error NoAnswer(const std::string& table) {
  return Error(ErrorKind::kCorrupt, "SQL_ANSWER",
               "the SQL server answers with other columns than were asked for of " + table);
}

/// The rows of PartitionsSql, a file without size each.
Status ReadPartitions(SqlAccess& sql, Snapshot* snapshot) {
  const std::vector<std::string>& names = snapshot->partition_columns;
  databricks::StatementOptions options;
  arrow::FieldVector fields;
  for (const std::string& name : names) fields.push_back(arrow::field(name, arrow::utf8()));
  fields.push_back(arrow::field("rows", arrow::int64()));
  options.wanted = arrow::schema(std::move(fields));
  options.read = snapshot->source.bytes_read;
  TRY(const auto rows, sql.Execute(PartitionsSql(*snapshot->sql, names), std::move(options)));
  std::vector<bool> instants;
  for (const std::string& name : names) {
    const auto field = snapshot->logical->GetFieldByName(name);
    if (!field) return NoAnswer(snapshot->source.name);
    instants.push_back(field->type()->Equals(arrow::timestamp(arrow::TimeUnit::MICRO, "UTC")));
  }
  for (;;) {
    TRY(const auto batch, rows->Next());
    if (!batch) return OkStatus();
    const auto& counts =
        static_cast<const arrow::Int64Array&>(*batch->column(batch->num_columns() - 1));
    for (int64_t row = 0; row < batch->num_rows(); ++row) {
      delta::File partition;
      partition.rows = counts.Value(row);
      for (size_t i = 0; i < names.size(); ++i) {
        auto& value = partition.partition_values[names[i]];
        const auto& texts =
            static_cast<const arrow::StringArray&>(*batch->column(static_cast<int>(i)));
        if (texts.IsNull(row)) continue;
        value = texts.GetString(row);
        if (instants[i]) *value += 'Z';  // the SQL session's zone is UTC
      }
      nlohmann::json identity = nlohmann::json::array();
      for (const std::string& name : names) {
        const auto& value = partition.partition_values[name];
        identity.push_back(value ? nlohmann::json(*value) : nlohmann::json());
      }
      partition.path = identity.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
      snapshot->files.push_back(std::move(partition));
    }
  }
}

}  // namespace

Result<Snapshot> InspectBySql(databricks::UnityCatalog& catalog, SqlAccess& sql,
                              const SourceTable& source, std::optional<int64_t> version) {
  TRY(const Table table, catalog.FetchTable(source.name));
  TRY_VOID(sql.Prepare());
  TRY(CatalogSchema columns, ReadCatalogSchema(table));
  Snapshot snapshot;
  snapshot.source = source;
  snapshot.version = kNoVersion;
  snapshot.table_id = table.id;
  snapshot.schema_json = std::move(columns.schema_json);
  snapshot.logical = std::move(columns.logical);
  snapshot.physical = std::move(columns.data);
  snapshot.partition_columns = std::move(columns.partition_columns);
  for (const auto& field : snapshot.logical->fields()) {
    snapshot.physical_names[field->name()] = field->name();
  }
  TRY(const bool arrow, sql.SendsArrow());
  SqlReading reading;
  reading.table = QuotedTable({table.catalog, table.schema, table.name});
  reading.nested_as_json = !arrow;
  if (CanBePinned(table)) {
    if (version != kNoVersion) reading.version = version;
    if (!reading.version) {
      TRY(reading.version, sql.ReadNumber("DESCRIBE HISTORY " + reading.table + " LIMIT 1"));
    }
    snapshot.version = *reading.version;
    snapshot.reading = fmt::format("version {}", snapshot.version);
  } else {
    snapshot.reading = MakeReadingName();
  }
  snapshot.sql = std::move(reading);
  if (!snapshot.partition_columns.empty()) {
    TRY_VOID(ReadPartitions(sql, &snapshot));
  } else {
    delta::File whole;
    TRY(whole.rows, sql.ReadNumber(CountSql(*snapshot.sql, "")));
    snapshot.files.push_back(std::move(whole));
  }
  std::sort(snapshot.files.begin(), snapshot.files.end(),
            [](const delta::File& a, const delta::File& b) { return a.path < b.path; });
  return snapshot;
}

}  // namespace mms::migration
