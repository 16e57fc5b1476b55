#include "migration/workflow/target_table.h"

#include "migration/workflow/fault_point.h"

namespace mms::migration {
namespace {

/// Runs a statement that may run twice.
Status RunDdl(const TableContext& table, const std::string& statement) {
  maxcompute::Client& client = *table.engine->client;
  auto result = Retry(client.options().retry, [&] { return client.RunSql(statement); });
  if (!result) return std::move(result).error().At("target table " + table.target_name);
  return OkStatus();
}

Status CompareSchema(const TableContext& table, const maxcompute::TableInfo& found) {
  const std::vector<std::string> lines = DiffSchema(table.plan.TargetSchema(), found.schema);
  if (lines.empty()) return OkStatus();
  std::string text = "the table is there already and differs:";
  for (const std::string& line : lines) text += "\n  " + line;
  text += "\nDrop or change it, or move the table under another name";
  return Error(ErrorKind::kConflict, "TARGET_SCHEMA_DIFFERS", text)
      .At("target table " + table.target_name);
}

}  // namespace

Status PrepareTable(const TableContext& table, bool has_committed_units) {
  maxcompute::Client& client = *table.engine->client;
  auto found = client.FetchTable(table.plan.target_table);
  if (!found && found.error().kind() == ErrorKind::kNotFound &&
      found.error().code() == "ODPS_TABLE_NOT_FOUND") {
    if (has_committed_units) {
      return Error(ErrorKind::kConflict, "TARGET_TABLE_GONE",
                   "the ledger has partitions of it as copied, but it is not there any more; "
                   "restore it, or begin with another state folder")
          .At("target table " + table.target_name);
    }
    TRY_VOID(RunDdl(table, CreateTableSql(table.plan, table.target_name)));
    found = client.FetchTable(table.plan.target_table);
  }
  if (!found) return std::move(found).error();
  // Also after our own CREATE: the service may have made another table than asked for, or someone
  // was faster.
  TRY_VOID(CompareSchema(table, *found));
  FaultPoint("after_create_table");
  return OkStatus();
}

Status AddPartitions(const TableContext& table,
                     const std::vector<maxcompute::PartitionSpec>& partitions) {
  if (partitions.empty() || table.engine->options.create_partition_by_session) return OkStatus();
  for (const std::string& statement : AddPartitionSql(partitions, table.target_name)) {
    if (table.engine->cancelled) return Cancelled();
    TRY_VOID(RunDdl(table, statement));
  }
  return OkStatus();
}

}  // namespace mms::migration
