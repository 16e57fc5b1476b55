#include "migration/workflow/table_task.h"

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "migration/workflow/group_check.h"
#include "migration/workflow/table_pass.h"
#include "migration/workflow/unit_check.h"
#include "migration/workflow/unit_load.h"
#include "migration/workflow/unit_window.h"

namespace mms::migration {
namespace {

constexpr int kReplansMax = 2;

using Stage = TableProgress::Stage;

/// The error with its partition's name.
Error Named(const UnitRecord& unit, Error error) {
  if (unit.partition.empty()) return error;
  return std::move(error).At("partition " + unit.partition);
}

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
    Status status = TablePass(std::move(*context), std::move(wishes)).Run();
    const bool gone = !status.has_value() && IsSourceGone(status.error());
    if (!gone || replans == kReplansMax || engine.cancelled) {
      return Finish(engine, record, table.slot, status);
    }
    engine.progress.SetStage(table.slot, Stage::kPlanning);
    TRY_VOID(planner.Replan(table.source, record.version));
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
  TRY(const TableTotals totals, engine.ledger->Totals(record.id));
  engine.progress.SetTotals(slot, {0, totals.bytes_committed, totals.committed}, {0, 0, 0});
  engine.progress.SetStage(slot, Stage::kVerifying);
  const auto wanted = [](const UnitRecord& unit) { return unit.state >= UnitState::kCommitted; };
  if (engine.options.verify == VerifyLevel::kCount) {
    CountCheck check{wanted, [&](int64_t units) { engine.progress.Move(slot, {0, 0, units}); }};
    return CheckByCount(table, check);
  }
  UnitWindow window;
  const auto move_on = [&engine, slot](const UnitRecord& unit) {
    engine.progress.Move(slot, {unit.rows_copied.value_or(0), unit.bytes, 1});
  };
  const auto by_session = [&](UnitRecord unit) {
    if (window.ShouldStop()) return;
    const size_t bytes = unit.plan_json.size();
    window.Enter(bytes);
    engine.checks->Submit([&, bytes, unit = std::move(unit)] {
      Status status = engine.cancelled ? Status(Cancelled()) : CheckUnit(table, unit);
      if (status.has_value()) {
        move_on(unit);
      } else {
        window.Fail(Named(unit, std::move(status).error()));
      }
      window.Leave(bytes);
    });
  };
  GroupCheck groups(table, totals.committed);
  engine.workers->AddTable(table.key, table.plan);
  Status listed = engine.ledger->ListUnits(record.id, std::nullopt, [&](UnitRecord unit) -> Status {
    if (engine.cancelled) return Cancelled();
    if (wanted(unit) && !groups.Takes(unit)) by_session(std::move(unit));
    return OkStatus();
  });
  if (listed.has_value() && !window.ShouldStop()) {
    listed = groups.Run({wanted, by_session, move_on});
  }
  window.Drain();
  engine.workers->RemoveTable(table.key);
  TRY_VOID(std::move(listed));
  if (engine.cancelled) return Cancelled();
  if (const auto error = window.error()) return *error;
  return OkStatus();
}

}  // namespace mms::migration
