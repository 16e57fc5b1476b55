#include "migration/workflow/table_task.h"

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "migration/workflow/compare_again.h"
#include "migration/workflow/extra_partitions.h"
#include "migration/workflow/table_pass.h"
#include "migration/workflow/unit_load.h"

namespace mms::migration {
namespace {

constexpr int kReplansMax = 2;

using Stage = TableProgress::Stage;

Status Finish(Engine& engine, const TableRecord& record, Progress::Slot slot,
              const Status& outcome) {
  if (outcome.has_value()) {
    TRY_VOID(engine.ledger->SetTableState(record.id, TableState::kDone, ""));
    engine.progress.SetStage(slot, Stage::kDone);
    return OkStatus();
  }
  if (outcome.error().kind() == ErrorKind::kCancelled) return outcome.error();
  TRY_VOID(
      engine.ledger->SetTableState(record.id, TableState::kFailed, ErrorText(outcome.error())));
  engine.progress.SetStage(slot, Stage::kFailed);
  return OkStatus();
}

Result<TableRecord> Find(Engine& engine, const std::string& name) {
  TRY(std::optional<TableRecord> record, engine.ledger->FindTable(name));
  CHECK(record.has_value());  // planning has put it there
  return std::move(*record);
}

void ShowFinished(Engine& engine, const TableRecord& record, Progress::Slot slot) {
  const auto totals = engine.ledger->Totals(record.id);
  if (totals.has_value()) {
    engine.progress.SetTotals(slot, {0, totals->bytes, totals->units},
                              {totals->rows_copied, totals->bytes_committed, totals->committed});
  }
  engine.progress.SetStage(slot, Stage::kDone);
}

}  // namespace

Status RunTable(Engine& engine, Planner& planner, const PlannedTable& table) {
  TRY(TableRecord record, Find(engine, table.source.name));
  if (record.state == TableState::kDone) {
    ShowFinished(engine, record, table.slot);
    return OkStatus();
  }
  if (!table.runnable) return OkStatus();  // planning has said why
  for (int replans = 0;; ++replans) {
    TRY_VOID(engine.ledger->SetTableState(record.id, TableState::kRunning, ""));
    auto context = MakeContext(engine, record, table.slot);
    if (!context.has_value()) return Finish(engine, record, table.slot, context.error());
    PassWishes wishes;
    wishes.verify = engine.options.verify;
    Status status = TablePass(*context, std::move(wishes)).Run();
    const bool compares = engine.options.verify != VerifyLevel::kNone;
    if (status.has_value() && compares) status = FindExtraPartitions(*context, kNoTask);
    const bool changed = !status.has_value() && (IsBaseGone(status.error()) ||
                                                 status.error().code() == "TARGET_TABLE_GONE");
    const bool gone = changed || (!status.has_value() && IsSourceGone(status.error()));
    if (!gone || table.exact || replans == kReplansMax || engine.cancelled) {
      return Finish(engine, record, table.slot, status);
    }
    engine.progress.SetStage(table.slot, Stage::kPlanning);
    TRY_VOID(changed ? planner.ReplanWhole(table.source)
                     : planner.Replan(table.source, record.version));
    TRY(record, Find(engine, table.source.name));
    if (record.state == TableState::kRefused || record.state == TableState::kFailed) {
      engine.progress.SetStage(
          table.slot, record.state == TableState::kRefused ? Stage::kRefused : Stage::kFailed);
      return OkStatus();
    }
  }
}

Status VerifyTable(Engine& engine, const TableRecord& record, Progress::Slot slot) {
  TRY(const TableContext table, MakeContext(engine, record, slot));
  TRY_VOID(CompareAgain(table, {UnitScope(record.id), engine.options.verify}));
  return FindExtraPartitions(table, kNoTask);
}

}  // namespace mms::migration
