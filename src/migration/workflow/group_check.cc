#include "migration/workflow/group_check.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "migration/verify/compare.h"
#include "migration/verify/group_read.h"
#include "migration/workflow/unit_check.h"
#include "migration/workflow/workflow_points.h"

namespace mms::migration {
namespace {

Result<GroupMember> MemberOf(const UnitRecord& unit) {
  TRY(const ValueChanges changes, ValueChangesFromText(unit.changes));
  return GroupMember{unit.rows_copied.value_or(0), unit.bytes, changes.record_blocks > 0};
}

bool IsTableGone(const Error& error) { return error.code() == "ODPS_TABLE_NOT_FOUND"; }

}  // namespace

GroupCheck::GroupCheck(const TableContext& table, UnitScope scope, int64_t units_left)
    : table_(table),
      scope_(scope),
      engine_(*table.engine),
      by_(engine_.options.verify_by),
      active_(!table.plan.partition_columns.empty() && ReadsTogether(by_, units_left)) {}

bool GroupCheck::Takes(const UnitRecord& unit) const {
  // Without a checksum there is nothing to read for: CheckUnit counts.
  const bool unread = unit.source_checksum.empty() && unit.rows_copied.value_or(0) > 0;
  if (!active_ || unread) return false;
  const Result<GroupMember> member = MemberOf(unit);
  return member.has_value() && ReadsTogether(by_, *member);  // CheckUnit tells what is unreadable
}

GroupCheck::Group GroupCheck::MakeGroup() const {
  const size_t columns = table_.plan.columns.size() + table_.plan.partition_columns.size();
  return {UnitGroup(columns), {}};
}

Status GroupCheck::Run(const Calls& calls) {
  if (!active_) return OkStatus();
  TRY_VOID(engine_.ledger->ListUnits(scope_, std::nullopt, [&](UnitRecord unit) -> Status {
    if (table_.IsStopped()) return Cancelled();
    return calls.wanted(unit) && Takes(unit) ? Put(std::move(unit), calls) : OkStatus();
  }));
  for (auto& [row_columns, group] : groups_) {
    TRY_VOID(Compare(row_columns, std::exchange(group, MakeGroup()), calls));
  }
  return OkStatus();
}

Status GroupCheck::Put(UnitRecord unit, const Calls& calls) {
  UnitPlan rest;
  TRY(UnitPlan plan, ReadUnitPlan(unit));
  rest.target_partition = std::move(plan.target_partition);
  unit.plan_json = ToJson(rest).dump();  // thousands are kept: without their files
  TRY(const Claim claim, MakeClaim(table_, unit));
  TRY(const GroupMember member, MemberOf(unit));
  const size_t row_columns = std::min(RowColumns(claim), table_.plan.columns.size());
  Group& group = groups_.try_emplace(row_columns, MakeGroup()).first->second;
  if (!group.partitions.Fits(rest.target_partition, member)) {
    TRY_VOID(Compare(row_columns, std::exchange(group, MakeGroup()), calls));
  }
  if (gave_up_) {
    calls.by_session(std::move(unit));
    return OkStatus();
  }
  group.partitions.Add(std::move(rest.target_partition), member);
  group.units.push_back(std::move(unit));
  return OkStatus();
}

Status GroupCheck::Compare(size_t row_columns, Group group, const Calls& calls) {
  if (group.units.empty()) return OkStatus();
  if (table_.IsStopped()) return Cancelled();
  GroupRequest request;
  request.table_key = table_.key;
  request.target_name = table_.target_name;
  request.schema = table_.plan.TargetSchema();
  request.row_columns = row_columns;
  request.codec = engine_.codec->ForReading();
  request.sql.on_submitted = NoteInstance(table_);
  request.wanted = [this] { return !table_.IsStopped(); };
  if (!gave_up_ && group.units.size() > 1) {
    auto found = ReadGroup(*engine_.tunnel, *engine_.workers, group.partitions, request);
    if (found) return CompareFound(std::move(group), *found, calls);
    if (IsTableGone(found.error())) return CompareFound(std::move(group), {}, calls);
    if (found.error().kind() == ErrorKind::kCancelled) return std::move(found).error();
    GiveUp(found.error().ToString());
  }
  for (UnitRecord& unit : group.units) calls.by_session(std::move(unit));
  return OkStatus();
}

Status GroupCheck::CompareFound(Group group, const PartitionChecksums& found, const Calls& calls) {
  FaultPoint(kRead);
  Settled settled;
  std::map<std::vector<std::string>, UnitRecord> silent;
  std::vector<UnitRecord> doubtful;
  int64_t matched = 0;
  for (size_t i = 0; i < group.units.size(); ++i) {
    UnitRecord& unit = group.units[i];
    std::vector<std::string> values = ValuesOf(group.partitions.partitions()[i]);
    const auto at = found.find(values);
    if (at == found.end()) {
      silent.emplace(std::move(values), std::move(unit));
      continue;
    }
    TRY(const Claim claim, MakeClaim(table_, unit));
    Ledger::Comparison comparison = CompareChecksums(claim, at->second);
    const bool matches = comparison.verdict == Verdict::kMatch;
    if (!matches && claim.rows == at->second.rows) {
      doubtful.push_back(std::move(unit));
      continue;
    }
    matched += matches ? 1 : 0;
    Settle(std::move(unit), std::move(comparison), &settled);
  }
  TRY_VOID(SettleSilent(std::move(silent), &settled, calls));
  TRY_VOID(Finish(std::move(settled), calls));
  if (doubtful.size() > 1 && matched == 0) {
    GiveUp("it gave other values than were copied in each of " + std::to_string(doubtful.size()) +
           " partitions");
  }
  for (UnitRecord& unit : doubtful) calls.by_session(std::move(unit));
  return OkStatus();
}

/// A SELECT has no line for a partition without rows, be it there or not.
Status GroupCheck::SettleSilent(std::map<std::vector<std::string>, UnitRecord> silent,
                                Settled* settled, const Calls& calls) {
  if (silent.empty()) return OkStatus();
  std::map<std::vector<std::string>, UnitRecord> there;
  const Status listed = engine_.client->ListPartitions(
      table_.plan.target_table, [&](const maxcompute::PartitionSpec& partition) {
        there.insert(silent.extract(ValuesOf(partition)));
        return OkStatus();
      });
  if (!listed && !IsTableGone(listed.error())) {
    if (listed.error().kind() == ErrorKind::kCancelled) return listed;
    GiveUp(listed.error().ToString());
    there.merge(silent);
    for (auto& [values, unit] : there) calls.by_session(std::move(unit));
    return OkStatus();
  }
  for (auto& [values, unit] : there) {
    TRY(const Claim claim, MakeClaim(table_, unit));
    Settle(std::move(unit), CompareChecksums(claim, Checksum{}), settled);
  }
  for (auto& [values, unit] : silent) {
    TRY(const Claim claim, MakeClaim(table_, unit));
    Settle(std::move(unit), NotAtTarget(claim, ComparedBy::kChecksum), settled);
  }
  return OkStatus();
}

void GroupCheck::Settle(UnitRecord unit, Ledger::Comparison comparison, Settled* settled) {
  settled->transitions.push_back(
      engine_.ledger->Verified(unit.id, unit.generation, std::move(comparison)));
  settled->units.push_back(std::move(unit));
}

Status GroupCheck::Finish(Settled settled, const Calls& calls) {
  for (Ledger::Transition& transition : settled.transitions) TRY_VOID(transition.get());
  if (!calls.on_compared) return OkStatus();
  for (const UnitRecord& unit : settled.units) calls.on_compared(unit);
  return OkStatus();
}

void GroupCheck::GiveUp(const std::string& why) {
  if (gave_up_) return;
  gave_up_ = true;
  if (!table_.progress->on_note) return;
  table_.progress->on_note(table_.target_name +
                           ": what is left is read back by a session a partition, since reading "
                           "many by one SELECT does not work: " +
                           why);
}

}  // namespace mms::migration
