#include "migration/workflow/table_task.h"

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "migration/workflow/group_check.h"
#include "migration/workflow/target_table.h"
#include "migration/workflow/unit_check.h"
#include "migration/workflow/unit_load.h"
#include "migration/workflow/unit_window.h"

namespace mms::migration {
namespace {

constexpr size_t kFirstPageUnits = 64;  // copying starts while the other partitions are made
constexpr size_t kPageUnits = 1000;     // what one ALTER TABLE takes
constexpr size_t kPageBytes = 8ULL << 20;
constexpr int kReplansMax = 2;

using Stage = TableProgress::Stage;

/// The error with its partition's name.
Error Named(const UnitRecord& unit, Error error) {
  if (unit.partition.empty()) return error;
  return std::move(error).At("partition " + unit.partition);
}

/// One pass over a table's units, for one plan.
class TablePass {
 public:
  explicit TablePass(TableContext context) : table_(std::move(context)), engine_(*table_.engine) {}

  /// Copies and compares all that is not verified. Errors: the most telling of what happened;
  /// kCancelled.
  Status Run() {
    TRY(const TableTotals totals, engine_.ledger->Totals(table_.record.id));
    engine_.progress.SetTotals(table_.slot, {0, totals.bytes, totals.units},
                               {totals.rows_copied, totals.bytes_committed, totals.committed});
    if (totals.committed < totals.units || totals.units == 0) {
      engine_.progress.SetStage(table_.slot, Stage::kCreating);
      TRY_VOID(PrepareTable(table_, totals.committed > 0));
    }
    // Here once, so that no worker has to start a cluster.
    if (table_.plan.sql && totals.committed < totals.units) TRY_VOID(engine_.source->Sql());
    engine_.progress.SetStage(table_.slot, Stage::kCopying);
    engine_.workers->AddTable(table_.key, table_.plan);
    if (engine_.options.verify == VerifyLevel::kChecksum) {
      const int64_t verified = totals.matched + totals.mismatched + totals.not_compared;
      groups_.emplace(table_, totals.units - verified);
    }
    Status status = HandOutAll();
    window_.Drain();
    const bool grouped = groups_ && groups_->active() && !engine_.cancelled;
    if (status.has_value() && grouped) status = CheckGroups();
    engine_.workers->RemoveTable(table_.key);
    TRY_VOID(std::move(status));
    if (engine_.cancelled) return Cancelled();
    if (engine_.options.verify == VerifyLevel::kCount) TRY_VOID(CountCommitted());
    if (const auto error = window_.error()) return *error;
    return DropStaging(table_);
  }

  int64_t failed() const { return window_.failed(); }

 private:
  Status HandOutAll() {
    TRY_VOID(engine_.ledger->ListUnits(
        table_.record.id, UnitState::kVerified, [&](UnitRecord unit) -> Status {
          page_bytes_ += unit.plan_json.size();
          page_.push_back(std::move(unit));
          if (page_.size() < page_units_ && page_bytes_ < kPageBytes) {
            return OkStatus();
          }
          return HandOutPage();
        }));
    return HandOutPage();
  }

  Status HandOutPage() {
    std::vector<UnitRecord> page = std::move(page_);
    page_.clear();
    page_bytes_ = 0;
    page_units_ = kPageUnits;
    if (engine_.cancelled) return Cancelled();
    if (window_.ShouldStop()) return OkStatus();
    std::vector<maxcompute::PartitionSpec> partitions;
    for (const UnitRecord& unit : page) {
      if (unit.state >= UnitState::kCommitting || unit.partition.empty()) continue;
      TRY(UnitPlan plan, ReadUnitPlan(unit));
      partitions.push_back(std::move(plan.target_partition));
    }
    TRY_VOID(AddPartitions(table_, partitions));
    for (UnitRecord& unit : page) {
      window_.Enter(unit.plan_json.size());
      if (engine_.cancelled || window_.ShouldStop()) {
        window_.Leave(unit.plan_json.size());
        return OkStatus();
      }
      HandOut(std::move(unit));
    }
    return OkStatus();
  }

  void HandOut(UnitRecord unit) {
    if (unit.state >= UnitState::kCommitted) {
      HandToCheck(std::move(unit));
      return;
    }
    engine_.loads->Submit([this, unit = std::move(unit)]() mutable {
      const size_t bytes = unit.plan_json.size();
      Status status =
          engine_.cancelled || window_.ShouldStop() ? Status(Cancelled()) : LoadUnit(table_, unit);
      if (!status.has_value()) {
        Fail(unit, Named(unit, std::move(status).error()));
        window_.Leave(bytes);
        return;
      }
      HandToCheck(std::move(unit));
    });
  }

  void HandToCheck(UnitRecord unit) {
    const bool grouped = groups_ && groups_->Takes(unit);
    if (grouped || engine_.options.verify == VerifyLevel::kCount) {
      window_.Leave(unit.plan_json.size());  // compared with others at the table's end
      return;
    }
    Check(std::move(unit));
  }

  void Check(UnitRecord unit) {
    const size_t bytes = unit.plan_json.size();
    engine_.checks->Submit([this, bytes, unit = std::move(unit)] {
      Status status = Status(Cancelled());
      if (engine_.options.verify == VerifyLevel::kNone) {
        status = SkipCheck(table_, unit);
      } else if (!engine_.cancelled) {
        status = CheckUnit(table_, unit);
      }
      if (!status.has_value()) Fail(unit, Named(unit, std::move(status).error()));
      window_.Leave(bytes);
    });
  }

  void Fail(const UnitRecord& unit, Error error) {
    if (error.kind() != ErrorKind::kCancelled) {
      Status noted = engine_.ledger->SetUnitError(unit.id, ErrorText(error));
      // A ledger that cannot be written matters more than what it could not take.
      if (!noted.has_value()) error = std::move(noted).error();
    }
    window_.Fail(std::move(error));
  }

  static bool IsCommitted(const UnitRecord& unit) { return unit.state == UnitState::kCommitted; }

  Status CountCommitted() {
    engine_.progress.SetStage(table_.slot, Stage::kVerifying);
    CountCheck check;
    check.wanted = IsCommitted;
    return CheckByCount(table_, check);
  }

  Status CheckGroups() {
    engine_.progress.SetStage(table_.slot, Stage::kVerifying);
    GroupCheck::Calls calls;
    calls.wanted = IsCommitted;
    calls.by_session = [this](UnitRecord unit) {
      if (window_.ShouldStop()) return;
      window_.Enter(unit.plan_json.size());
      Check(std::move(unit));
    };
    Status status = groups_->Run(calls);
    window_.Drain();
    return status;
  }

  TableContext table_;
  Engine& engine_;
  UnitWindow window_;
  std::optional<GroupCheck> groups_;
  std::vector<UnitRecord> page_;
  size_t page_bytes_ = 0;
  size_t page_units_ = kFirstPageUnits;
};

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
    Status status = TablePass(std::move(*context)).Run();
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
