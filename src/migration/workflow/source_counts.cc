#include "migration/workflow/source_counts.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

#include "migration/plan/partitions.h"

namespace mms::migration {
namespace {

/// The table as the catalog names it: `catalog.schema.table`, none of which holds a dot.
Result<SourceTable> FindInCatalog(Engine& engine, const std::string& name) {
  const std::string head = engine.options.source.catalog + ".";
  const size_t dot = name.starts_with(head) ? name.find('.', head.size()) : name.npos;
  if (head.size() == 1 || dot == name.npos) {
    return Error(ErrorKind::kInvalidInput, "VERIFY_BY_SQL",
                 "was chosen by its location, where no SQL can count it")
        .At("table " + name);
  }
  TRY(SourceTable table,
      engine.source->Find(name.substr(head.size(), dot - head.size()), name.substr(dot + 1), true));
  table.by_sql = true;
  table.refusal.reset();  // of reading its files
  return table;
}

/// Those of the target's levels. SQL knows columns by their logical names.
std::vector<PartitionColumn> ColumnsOf(const TablePlan& plan, const Snapshot& snapshot) {
  const auto schema = nlohmann::json::parse(snapshot.schema_json, nullptr, false);
  std::vector<PartitionColumn> columns;
  for (const ColumnPlan& column : plan.partition_columns) {
    PartitionColumn made{column.source_name, column.source_name, column.target.name, ""};
    for (const auto& field : schema.at("fields")) {
      if (field.at("name") == column.source_name) made.delta_type = field.at("type");
    }
    columns.push_back(std::move(made));
  }
  return columns;
}

/// The table as SQL reads it at the version that was copied, with its partitions' counts.
Result<Snapshot> FetchCounted(Engine& engine, const TablePlan& plan) {
  TRY(const SourceTable table, FindInCatalog(engine, plan.source_name));
  std::optional<int64_t> version;
  if (plan.version != kNoVersion) version = plan.version;
  return engine.source->Inspect(table, version);
}

/// No later try ends otherwise: the server does not take the statement at that version, or the
/// table is none that it has.
bool IsForGood(const Error& error) {
  constexpr std::array kCodes = {"VERIFY_BY_SQL",
                                 "SQL_STATEMENT",
                                 "SQL_UNSUPPORTED",
                                 "SQL_NOT_FOUND",
                                 "SQL_VERSION_GONE",
                                 "DATABRICKS_TABLE_NOT_FOUND",
                                 "DATABRICKS_SCHEMA_NOT_FOUND"};
  return std::find(kCodes.begin(), kCodes.end(), error.code()) != kCodes.end();
}

}  // namespace

Result<SourceSide> CountAtSource(Engine& engine, const TablePlan& plan) {
  const auto counted = FetchCounted(engine, plan);
  if (!counted) {
    if (!IsForGood(counted.error())) return counted.error();
    return SourceSide{{},
                      "the source cannot be counted: " + counted.error().ToString() +
                          "; compare by checksum or count, which need no source"};
  }
  const Snapshot& snapshot = *counted;
  const std::vector<PartitionColumn> columns = ColumnsOf(plan, snapshot);
  SourceSide side;
  for (const delta::File& part : snapshot.files) {
    maxcompute::PartitionSpec partition;
    for (const PartitionColumn& column : columns) {
      auto value = MapPartitionValue(column, ValueOf(part, column.physical_name),
                                     engine.options.plan.policy);
      if (!value) break;  // one that the target cannot have is not among what was copied
      partition.emplace_back(column.target_name, std::move(value->text));
    }
    if (partition.size() < columns.size()) continue;
    side.rows[maxcompute::ToTunnelText(partition)] += part.rows.value_or(0);
  }
  return side;
}

}  // namespace mms::migration
