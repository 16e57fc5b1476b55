#include "migration/workflow/engine.h"

#include <nlohmann/json.hpp>

#include "migration/plan/table_kind.h"
#include "migration/transfer/job.h"

namespace mms::migration {
namespace {

Error Unreadable(const std::string& what) {
  return Error(ErrorKind::kCorrupt, "LEDGER_PLAN_UNREADABLE",
               "the plan in the ledger cannot be read; begin with another state folder")
      .At(what);
}

}  // namespace

Result<TableContext> MakeContext(Engine& engine, const TableRecord& record, Progress::Slot slot) {
  const auto document = nlohmann::json::parse(record.plan_json, nullptr, false);
  if (document.is_discarded()) return Unreadable("table " + record.source_name);
  TableContext context;
  TRY(context.plan, TablePlanFromJson(document));
  context.engine = &engine;
  context.progress = &engine.progress;
  context.record = record;
  context.slot = slot;
  context.key = std::to_string(record.id) + "@" + std::to_string(record.version);
  context.target_name = QualifiedTableName(engine.options.target, context.plan.target_table);
  const std::string staging = StagingTable(context.plan);
  context.load_table = staging.empty() ? context.plan.target_table : staging;
  context.load_name = QualifiedTableName(engine.options.target, context.load_table);
  return context;
}

Result<std::optional<maxcompute::TableInfo>> FetchIfThere(maxcompute::Client& client,
                                                          const std::string& table) {
  using Found = std::optional<maxcompute::TableInfo>;
  auto found = client.FetchTable(table);
  if (found) return Found(*std::move(found));
  if (found.error().code() == "ODPS_TABLE_NOT_FOUND") return Found();
  return std::move(found).error();
}

Result<UnitPlan> ReadUnitPlan(const UnitRecord& unit) {
  const auto document = nlohmann::json::parse(unit.plan_json, nullptr, false);
  if (document.is_discarded()) return Unreadable("partition " + unit.partition);
  return UnitPlanFromJson(document);
}

std::function<void(const maxcompute::SubmittedSql& sql)> NoteInstance(const TableContext& table) {
  return [&table](const maxcompute::SubmittedSql& sql) {
    const auto& note = table.progress->on_statement;
    if (!note) return;
    const std::string see = sql.logview_url.empty() ? "" : ", see " + sql.logview_url;
    note(table.target_name + ": SQL instance " + sql.instance_id + see, sql.statement);
  };
}

std::string PartitionName(const maxcompute::PartitionSpec& partition) {
  std::string name;
  for (const auto& [column, value] : partition) {
    if (!name.empty()) name += '/';
    name += column + "=";
    for (const char c : value) {
      if (c == '/') {
        name += "%2F";
      } else if (c == '%') {
        name += "%25";
      } else {
        name += c;
      }
    }
  }
  return name;
}

Error Cancelled() {
  return Error(ErrorKind::kCancelled, "CANCELLED", "stopped on request; run again to go on");
}

std::string ErrorText(const Error& error) { return ToJson(error).dump(); }

}  // namespace mms::migration
