#include "migration/workflow/compare_again.h"

#include <optional>
#include <utility>

#include "migration/workflow/group_check.h"
#include "migration/workflow/source_counts.h"
#include "migration/workflow/unit_check.h"
#include "migration/workflow/unit_window.h"

namespace mms::migration {
namespace {

constexpr const char* kOtherVersion =
    "the source cannot be counted: a later job has planned the table, at another version; compare "
    "by checksum or count, which need no source";

/// What has left the source has nothing to be compared with.
bool IsWanted(const UnitRecord& unit) {
  return unit.state >= UnitState::kCommitted && unit.verdict != Verdict::kExtra;
}

class Pass {
 public:
  Pass(const TableContext& table, const ComparisonWishes& wishes)
      : table_(table), wishes_(wishes), engine_(*table.engine) {}

  Status Run() {
    TRY(const TableTotals totals, engine_.ledger->Totals(wishes_.scope));
    table_.progress->SetTotals(table_.slot, {0, totals.bytes_committed, totals.committed},
                               {0, 0, 0});
    table_.progress->SetStage(table_.slot, TableProgress::Stage::kVerifying);
    return IsByCount(wishes_.level) ? ByCount() : ByChecksum(totals.committed);
  }

 private:
  Status ByCount() {
    std::optional<SourceSide> source;
    if (wishes_.level == VerifyLevel::kCountBoth) {
      source = SourceSide{{}, kOtherVersion};
      if (wishes_.of_plan) {
        TRY(source, CountAtSource(engine_, table_.plan));
      }
    }
    CountCheck check{wishes_.scope, IsWanted};
    check.source = source ? &*source : nullptr;
    check.on_compared = [this](int64_t units) {
      table_.progress->Move(table_.slot, {0, 0, units});
    };
    return CheckByCount(table_, check);
  }

  Status ByChecksum(int64_t units) {
    GroupCheck groups(table_, wishes_.scope, units);
    engine_.workers->AddTable(table_.key, table_.plan);
    Status listed =
        engine_.ledger->ListUnits(wishes_.scope, std::nullopt, [&](UnitRecord unit) -> Status {
          if (table_.IsStopped()) return Cancelled();
          if (IsWanted(unit) && !groups.Takes(unit)) BySession(std::move(unit));
          return OkStatus();
        });
    if (listed.has_value() && !window_.ShouldStop()) {
      listed = groups.Run({IsWanted, [this](UnitRecord unit) { BySession(std::move(unit)); },
                           [this](const UnitRecord& unit) { MoveOn(unit); }});
    }
    window_.Drain();
    engine_.workers->RemoveTable(table_.key);
    TRY_VOID(std::move(listed));
    if (table_.IsStopped()) return Cancelled();
    if (const auto error = window_.error()) return *error;
    return OkStatus();
  }

  void MoveOn(const UnitRecord& unit) const {
    table_.progress->Move(table_.slot, {unit.rows_copied.value_or(0), unit.bytes, 1});
  }

  void BySession(UnitRecord unit) {
    if (window_.ShouldStop()) return;
    const size_t bytes = unit.plan_json.size();
    window_.Enter(bytes);
    engine_.checks->Submit([this, bytes, unit = std::move(unit)] {
      Status status = table_.IsStopped() ? Status(Cancelled()) : CheckUnit(table_, unit);
      if (status.has_value()) {
        MoveOn(unit);
      } else {
        Error error = std::move(status).error();
        if (!unit.partition.empty()) error = std::move(error).At("partition " + unit.partition);
        window_.Fail(std::move(error));
      }
      window_.Leave(bytes);
    });
  }

  const TableContext& table_;
  const ComparisonWishes& wishes_;
  Engine& engine_;
  UnitWindow window_;
};

}  // namespace

Status CompareAgain(const TableContext& table, const ComparisonWishes& wishes) {
  return Pass(table, wishes).Run();
}

}  // namespace mms::migration
