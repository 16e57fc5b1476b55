#include "migration/workflow/source_counts.h"

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
                 "was chosen by its location, where no SQL can count it; compare by count or "
                 "checksum instead of count_both")
        .At("table " + name);
  }
  TRY(SourceTable table,
      engine.source->Find(name.substr(head.size(), dot - head.size()), name.substr(dot + 1)));
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

}  // namespace

Result<SourceCounts> CountAtSource(Engine& engine, const TablePlan& plan) {
  TRY(const SourceTable table, FindInCatalog(engine, plan.source_name));
  std::optional<int64_t> version;
  if (plan.version != kNoVersion) version = plan.version;
  TRY(const Snapshot snapshot, engine.source->Inspect(table, version));
  const std::vector<PartitionColumn> columns = ColumnsOf(plan, snapshot);
  SourceCounts counts;
  for (const delta::File& part : snapshot.files) {
    maxcompute::PartitionSpec partition;
    for (const PartitionColumn& column : columns) {
      auto value = MapPartitionValue(column, ValueOf(part, column.physical_name),
                                     engine.options.plan.policy);
      if (!value) break;  // one that the target cannot have is not among what was copied
      partition.emplace_back(column.target_name, std::move(value->text));
    }
    if (partition.size() < columns.size()) continue;
    counts[maxcompute::ToTunnelText(partition)] += part.rows.value_or(0);
  }
  return counts;
}

}  // namespace mms::migration
