// The part of Planner that plans what a frozen plan has, and tells whether it is the same.
#include <fmt/format.h>

#include <map>
#include <nlohmann/json.hpp>

#include "base/sha256.h"
#include "migration/transfer/job.h"
#include "migration/workflow/planning.h"

namespace mms::migration {
namespace {

constexpr size_t kTablesShown = 8;

Error Differs(std::string text) {
  return Error(ErrorKind::kConflict, "PLAN_DIFFERS",
               "nothing was copied, since not all is as the plan has it:" + std::move(text) +
                   "\nMake the plan again (mms plan --out), look at it, and run that one");
}

/// One line a table, the first ones.
class DifferenceText {
 public:
  void Add(const std::string& table, const std::string& difference) {
    if (++count_ <= kTablesShown) text_ += fmt::format("\n  table {}: {}", table, difference);
  }
  Status ToStatus() const {
    if (count_ == 0) return OkStatus();
    if (count_ <= kTablesShown) return Differs(text_);
    return Differs(fmt::format("{}\n  and {} more", text_, count_ - kTablesShown));
  }

 private:
  std::string text_;
  size_t count_ = 0;
};

}  // namespace

Result<std::vector<PlannedTable>> Planner::PlanFrozen(const std::vector<FrozenTable>& frozen) {
  std::map<std::string, const FrozenTable*> by_name;
  for (const FrozenTable& table : frozen) by_name.emplace(table.source_name, &table);
  TRY(std::vector<PlannedTable> tables,
      List([&](const SourceTable& source) { return by_name.contains(source.name); }));
  TRY_VOID(PlanEach(tables, [&](const PlannedTable& table) {
    return Shown{engine_.progress, table.slot, false, false, by_name.at(table.source.name)};
  }));
  DifferenceText differences;
  for (PlannedTable& table : tables) {
    table.exact = true;
    const auto found = by_name.find(table.source.name);
    TRY(const std::string difference, DifferenceFrom(*found->second, table));
    if (!difference.empty()) differences.Add(table.source.name, difference);
    by_name.erase(found);
  }
  for (const auto& [name, table] : by_name) {
    differences.Add(name, "the migration file no longer chooses it, or the source has it no more");
  }
  TRY_VOID(differences.ToStatus());
  return tables;
}

Result<std::string> Planner::DifferenceFrom(const FrozenTable& frozen, const PlannedTable& table) {
  TRY(const auto record, engine_.ledger->FindTable(table.source.name));
  CHECK(record.has_value());  // planning has put it there
  if (!table.runnable) {
    Error error = ErrorFromJson(nlohmann::json::parse(record->error_json, nullptr, false));
    const bool gone = error.code() == "PLAN_VERSION_GONE";
    if (gone || record->state != TableState::kRefused) return error;
    return "it is refused now: " + error.ToString();
  }
  TRY(const FrozenTable now, Freeze(table.source.name));
  const bool begun = record->state != TableState::kPlanned;
  const std::vector<std::string> lines = Differences(frozen, now, begun);
  return fmt::format("{}", fmt::join(lines, "; "));
}

Result<FrozenTable> Planner::Freeze(const std::string& source_name) {
  TRY(const auto record, engine_.ledger->FindTable(source_name));
  CHECK(record.has_value());  // planning has put it there
  TRY(const TablePlan plan,
      TablePlanFromJson(nlohmann::json::parse(record->plan_json, nullptr, false)));
  FrozenTable table = FreezeTable(plan);
  Sha256 units;
  Sha256 dropped;
  const bool whole = plan.partition_columns.empty();
  TRY_VOID(
      engine_.ledger->ListUnits(record->id, std::nullopt, [&](const UnitRecord& unit) -> Status {
        if (IsMadeAtTarget(unit)) return OkStatus();  // no part of what was decided
        if (whole) {
          TRY(const UnitPlan parsed, ReadUnitPlan(unit));
          table.appends = parsed.base.has_value();
        }
        const bool drop = unit.fingerprint == kFingerprintToDrop;
        ++(drop ? table.dropped : table.units);
        table.units_committed += unit.state >= UnitState::kCommitted;
        Sha256& hash = drop ? dropped : units;
        for (const std::string_view text :
             {std::string_view(unit.partition), std::string_view("\0", 1),
              std::string_view(unit.fingerprint), std::string_view("\0", 1)}) {
          hash.Update(text);
        }
        return OkStatus();
      }));
  table.units_digest = units.Finish();
  table.dropped_digest = dropped.Finish();
  return table;
}

}  // namespace mms::migration
