#include "migration/workflow/planning.h"
#include "migration/workflow/target_table.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "base/lower_ascii.h"
#include "migration/plan/growth.h"
#include "migration/plan/names.h"
#include "migration/plan/table_kind.h"
#include "migration/transfer/job.h"
#include "migration/workflow/extra_partitions.h"

namespace mms::migration {
namespace {

/// The name the table is to have, as far as it can be told before planning.
std::string WantedName(const SourceTable& source, const Policy& policy) {
  auto name = TargetTableName(source, policy);
  if (name.has_value()) return *std::move(name);
  return LowerAscii(source.target_as.empty() ? source.table : source.target_as);
}

/// Refused: nobody but the user can change it. Anything else may be right at the next run.
TableState StateFor(const Error& error) {
  switch (error.kind()) {
    case ErrorKind::kUnsupported:
    case ErrorKind::kLimitReached:
    case ErrorKind::kConflict:
    case ErrorKind::kInvalidInput: return TableState::kRefused;
    case ErrorKind::kNotFound:
    case ErrorKind::kDenied:
    case ErrorKind::kThrottled:
    case ErrorKind::kUnavailable:
    case ErrorKind::kCorrupt:
    case ErrorKind::kCancelled:
    case ErrorKind::kInternal: return TableState::kFailed;
  }
  return TableState::kFailed;
}

/// nullopt when there is none that can be read.
std::optional<TablePlan> ReadTablePlan(const TableRecord& record) {
  const auto document = nlohmann::json::parse(record.plan_json, nullptr, false);
  if (document.is_discarded()) return std::nullopt;
  auto plan = TablePlanFromJson(document);
  return plan.has_value() ? std::optional(*std::move(plan)) : std::nullopt;
}

/// The rows at the planned version, or the target table as it stood, were what failed: only another
/// version or other choices can end otherwise.
bool FailedForItsData(const TableRecord& record) {
  if (record.state != TableState::kFailed && record.state != TableState::kRefused) return false;
  const auto document = nlohmann::json::parse(record.error_json, nullptr, false);
  if (!document.is_object()) return false;
  const ErrorKind kind = ErrorFromJson(document).kind();
  return kind == ErrorKind::kInvalidInput || kind == ErrorKind::kUnsupported ||
         kind == ErrorKind::kConflict || kind == ErrorKind::kCorrupt;
}

/// Whether a plan's way to the rows is still the one the settings ask for.
bool ReadsAsWanted(const TablePlan& plan, const SourceTable& source, const SourceOptions& options) {
  return source.by_sql ? plan.sql.has_value() : !plan.sql || SqlOptionsOf(options).there();
}

/// The error, with the verdicts on the columns that made it.
std::string RefusalText(const Error& error, const ColumnRefusals& refusals) {
  if (refusals.columns.empty()) return ErrorText(error);
  nlohmann::json document = nlohmann::json::parse(ErrorText(error));
  document["refusals"] = ToJson(refusals);
  return document.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

Error Collision(const SourceTable& source, const std::string& target, const std::string& owner) {
  return Error(ErrorKind::kConflict, "TARGET_COLLISION",
               "would go into target table " + target + ", which belongs to " + owner +
                   "; leave one out, or give it another name with `as`, of a job by --as; a table "
                   "that has left the source gives its name up once its jobs are deleted")
      .At("table " + source.name);
}

/// Whether there may be partitions that are not meant.
bool IsOfPart(const TableSettings& settings) {
  return !settings.partitions.empty() || !settings.selection.empty();
}

/// Whether the plan is another one of the job that made the one before.
bool IsOfSameJob(const std::optional<TablePlan>& before, const TablePlan& plan) {
  const std::string& selection = plan.settings.selection;
  return !selection.empty() && before && before->settings.selection == selection;
}

/// A job decides what is copied: what another one finished is loaded again. A plan anew within it
/// is for what its task has not finished at that state; the other tasks' rest stays as it is.
Ledger::Keeping KeepingOf(const std::optional<TablePlan>& before, const TablePlan& plan,
                          const PartitionSelection* selection) {
  Ledger::Keeping keeping;
  if (selection != nullptr) {
    keeping.task = selection->planning_task;
    keeping.leave_finished = selection->definition_only;
  }
  keeping.same_table = before && before->table_id == plan.table_id;
  if (IsOfPart(plan.settings)) keeping.others = Ledger::Others::kSetAside;
  if (IsOfSameJob(before, plan)) keeping.others = Ledger::Others::kKeepFinished;
  keeping.finished = plan.settings.selection.empty() || IsOfSameJob(before, plan);
  return keeping;
}

/// A plan of which something was begun, or a later one, is not made anew for a frozen one: whether
/// it is the same is seen by comparing.
bool IsToKeep(const std::optional<TableRecord>& known, const FrozenTable& frozen) {
  if (!known || known->plan_json.empty()) return false;
  if (known->version > frozen.version.value_or(kNoVersion)) return true;
  return known->state != TableState::kPlanned && known->state != TableState::kRefused;
}

/// Whether the ledger's plan, of which nothing was begun, decides what `plan` does. Of a table with
/// partitions it is not told: what is to be dropped may be gone by now.
bool IsSameUnbegun(const std::optional<TableRecord>& known, const std::optional<TablePlan>& before,
                   const TablePlan& plan) {
  if (!known || !before || known->state != TableState::kPlanned) return false;
  return plan.partition_columns.empty() && FreezeTable(*before) == FreezeTable(plan);
}

Error VersionGone(const SourceTable& source, int64_t version, const Error& cause) {
  return Error(ErrorKind::kConflict, "PLAN_VERSION_GONE",
               "version " + std::to_string(version) + " can no longer be read: " +
                   cause.ToString() + "; nothing was copied, make the plan again")
      .At("table " + source.name);
}

/// Whether the version is the one that was planned, and not another one that took its place under
/// the same table id, as when a folder was put back from a backup and written on.
bool IsSameCommit(const TablePlan& before, const Snapshot& snapshot) {
  const bool known = !before.commit_mark.empty() && !snapshot.commit_mark.empty();
  return before.table_id == snapshot.table_id && before.version == snapshot.version &&
         (!known || before.commit_mark == snapshot.commit_mark);
}

void WarnOfEarlierVersion(const std::optional<TablePlan>& before, TablePlan* plan) {
  if (!IsOfSameJob(before, *plan) || before->version == plan->version) return;
  plan->warnings.push_back("planned again at version " + std::to_string(plan->version) +
                           "; what the job had finished by then is of version " +
                           std::to_string(before->version) +
                           ", and a later job brings what has changed in it");
}

UnitRecord MakeUnit(const UnitPlan& unit) {
  UnitRecord record;
  record.partition = PartitionName(unit.target_partition);
  record.fingerprint = unit.fingerprint;
  record.plan_json = ToJson(unit).dump();
  record.rows_planned = unit.rows;
  record.bytes = unit.bytes;
  record.files = unit.files;
  record.task = unit.task;
  return record;
}

std::vector<uint64_t> HashesOf(const std::unordered_set<std::string>& names) {
  std::vector<uint64_t> hashes;
  for (const std::string& name : names) hashes.push_back(NameHash(name));
  std::sort(hashes.begin(), hashes.end());
  return hashes;
}

/// Of a partition that was copied and has left the source, or may have: then with why it stays.
UnitRecord MakeDropped(UnitPlan unit, DroppedPartition what, const std::string& kept) {
  const bool stays = !kept.empty() || what == DroppedPartition::kReport;
  unit.rows = 0;
  unit.bytes = 0;
  unit.files = 0;
  unit.splits.clear();
  unit.fingerprint = !kept.empty()                       ? kFingerprintKept
                     : what == DroppedPartition::kDrop   ? kFingerprintToDrop
                     : what == DroppedPartition::kReport ? "left the source"
                                                         : kFingerprintEmpty;
  UnitRecord record = MakeUnit(unit);
  if (stays) {
    record.verdict = Verdict::kExtra;
    record.difference =
        "partition " + record.partition + ": " +
        (kept.empty()
             ? "has left the source; its rows stay at the target (on_dropped_partition: report)"
             : kept);
  }
  return record;
}

/// Partitions of the source, by UnitPlan::sources, and the names at the target that the plan
/// brings them to.
using NamesBySource = std::unordered_map<std::string, std::string>;

/// Why a partition that was loaded, and that the plan has not, is not one that has left the source;
/// "" = it is. A name at the target tells nothing: what values become there is changed by policies.
std::string WhyKept(const UnitPlan& unit, const TablePlan& plan, const NamesBySource& names) {
  constexpr std::string_view kDropIt = "; it is left alone, drop it there when nobody needs it";
  if (unit.sources.empty()) {
    return "may have left the source, or goes by another name now: an earlier release copied it, "
           "and kept not of which partition of the source" +
           std::string(kDropIt);
  }
  for (const std::string& source : unit.sources) {
    if (!plan.source_partitions.contains(source)) continue;
    const auto name = names.find(source);
    const std::string brought = name == names.end()
                                    ? ", which a job of all that there is brings (--all)"
                                    : ", " + name->second;
    return "is of a partition that the source still has, which goes by another name now" + brought +
           std::string(kDropIt);
  }
  return "";
}

}  // namespace

Policy PolicyFor(const Engine& engine, const SourceTable& source) {
  Policy policy = engine.options.plan.policy;
  if (source.selection && source.selection->adds_columns) {
    policy.on_extra_column = ExtraColumn::kAdd;
  }
  return policy;
}

bool Planner::Claim(const std::string& target, const std::string& source, std::string& owner) {
  std::lock_guard lock(claims_mutex_);
  owner = claims_.emplace(target, source).first->second;
  return owner == source;
}

Result<std::vector<PlannedTable>> Planner::List(const Wanted& wanted) {
  std::string owner;
  TRY_VOID(engine_.ledger->ListTables([&](TableRecord table) -> Status {
    if (!table.target_table.empty()) Claim(table.target_table, table.source_name, owner);
    return OkStatus();
  }));
  std::vector<PlannedTable> tables;
  TRY_VOID(engine_.source->List(engine_.options.tables, [&](SourceTable source) -> Status {
    if (engine_.cancelled) return Cancelled();
    if (wanted && !wanted(source)) return OkStatus();
    // Names are given away in the order of the list, so that the same table loses at every run.
    const std::string name = WantedName(source, engine_.options.plan.policy);
    if (!source.refusal && !Claim(name, source.name, owner)) {
      source.refusal = Collision(source, name, owner);
    }
    const Progress::Slot slot = engine_.progress.Add(source.name);
    tables.push_back({std::move(source), slot});
    return OkStatus();
  }));
  return tables;
}

Status Planner::PlanEach(std::vector<PlannedTable>& tables,
                         const std::function<Shown(const PlannedTable&)>& shown) {
  std::mutex failure_mutex;
  std::optional<Error> failure;
  ForEach(engine_.options.tasks, tables.size(), [&](size_t i) {
    {
      std::lock_guard lock(failure_mutex);
      if (failure) return;
    }
    Result<bool> runnable = engine_.cancelled ? Result<bool>(Cancelled())
                                              : PlanTable(tables[i].source, shown(tables[i]));
    if (runnable.has_value()) {
      tables[i].runnable = *runnable;
      return;
    }
    std::lock_guard lock(failure_mutex);
    if (!failure) failure = std::move(runnable).error();
  });
  if (failure) return std::move(*failure);
  return OkStatus();
}

Result<std::vector<PlannedTable>> Planner::PlanAll(bool anew) {
  TRY(std::vector<PlannedTable> tables, List(nullptr));
  TRY_VOID(PlanEach(tables, [&](const PlannedTable& table) {
    return Shown{engine_.progress, table.slot, false, anew};
  }));
  return tables;
}

Status Planner::ClaimKnown() {
  {
    std::lock_guard lock(claims_mutex_);
    if (claimed_known_) return OkStatus();
    claimed_known_ = true;
  }
  std::string owner;
  return engine_.ledger->ListTables([&](TableRecord table) -> Status {
    if (!table.target_table.empty()) Claim(table.target_table, table.source_name, owner);
    return OkStatus();
  });
}

void Planner::Unclaim(const std::string& source) {
  std::lock_guard lock(claims_mutex_);
  std::erase_if(claims_, [&](const auto& claim) { return claim.second == source; });
}

Result<bool> Planner::PlanForJob(const JobTable& table) {
  SourceTable& source = table.source;
  CHECK(source.selection != nullptr);
  TRY_VOID(ClaimKnown());
  Unclaim(source.name);
  const std::string name = WantedName(source, engine_.options.plan.policy);
  std::string owner;
  if (!source.refusal && !Claim(name, source.name, owner)) {
    TRY(const bool yields, table.yields ? table.yields(owner) : Result<bool>(false));
    if (yields) TRY_VOID(Forget(owner));
    // Another may have been faster.
    if (!yields || !Claim(name, source.name, owner)) {
      source.refusal = Collision(source, name, owner);
    }
  }
  return PlanTable(source, {table.progress, table.slot, table.anew});
}

Status Planner::Forget(const std::string& source) {
  TableRecord nothing;
  nothing.source_name = source;
  nothing.state = TableState::kRefused;
  nothing.error_json =
      ErrorText(Error(ErrorKind::kNotFound, "TARGET_GIVEN_UP",
                      "has left the source, and another table has its name at the target")
                    .At("table " + source));
  const auto saved = engine_.ledger->SavePlan(nothing, {});
  // A commit may be under way: it keeps the name.
  if (!saved && saved.error().code() == "LEDGER_COMMITTING") return OkStatus();
  if (!saved) return saved.error();
  Unclaim(source);
  return OkStatus();
}

Result<bool> Planner::IsUnfinished(const TableRecord& record) {
  if (record.plan_json.empty() || record.state == TableState::kDone) return false;
  TRY(const TableTotals totals, engine_.ledger->Totals(record.id));
  return totals.Settled() < totals.units;
}

Result<bool> Planner::PlanTable(const SourceTable& source, const Shown& shown) {
  auto& [progress, slot, anew, refresh, frozen] = shown;
  progress.SetStage(slot, TableProgress::Stage::kPlanning);
  TRY(const std::optional<TableRecord> known, engine_.ledger->FindTable(source.name));
  if (source.refusal) {
    TRY_VOID(Note(source, known, *source.refusal));
  } else if (frozen != nullptr) {
    if (IsToKeep(known, *frozen)) return true;
    TRY_VOID(PlanAgain(source, known, {frozen->version, "", true, true}));
  } else {
    Aim aim;
    aim.keep_equal = refresh;
    const bool has_plan = known && !known->plan_json.empty();
    TRY(const bool unfinished, has_plan ? IsUnfinished(*known) : Result<bool>(false));
    const auto plan = has_plan ? ReadTablePlan(*known) : std::nullopt;
    const std::string selection = plan ? plan->settings.selection : "";
    const bool same_job = selection == source.settings.selection;
    const bool again = anew || (refresh && known->state == TableState::kPlanned);
    if (unfinished && same_job && !again && !FailedForItsData(*known)) {
      if (known->version != kNoVersion) aim.version = known->version;
      const Policy policy = PolicyFor(engine_, source);
      if (plan && plan->target_table == WantedName(source, policy) &&
          plan->choices == ChoicesId(policy, source.settings) &&
          ReadsAsWanted(*plan, source, engine_.options.source)) {
        if (known->state != TableState::kRefused) return true;
        TRY_VOID(engine_.ledger->SetTableState(known->id, TableState::kPlanned, ""));
        return true;
      }
    }
    TRY_VOID(PlanAgain(source, known, aim));
  }
  TRY(const std::optional<TableRecord> now, engine_.ledger->FindTable(source.name));
  CHECK(now.has_value());  // a plan or a note is there
  if (now->state == TableState::kRefused) {
    progress.SetStage(slot, TableProgress::Stage::kRefused);
  } else if (now->state == TableState::kFailed) {
    progress.SetStage(slot, TableProgress::Stage::kFailed);
  }
  return now->state != TableState::kRefused && now->state != TableState::kFailed;
}

Status Planner::Replan(const SourceTable& source, int64_t gone_version) {
  TRY(const std::optional<TableRecord> known, engine_.ledger->FindTable(source.name));
  Aim aim;
  aim.warning = "files of version " + std::to_string(gone_version) +
                " are no longer at the source (VACUUM); planned again at the newest version";
  TRY_VOID(PlanAgain(source, known, aim));
  return OkStatus();
}

Status Planner::PlanAgain(const SourceTable& source, const std::optional<TableRecord>& known,
                          Aim aim) {
  auto snapshot = engine_.source->Inspect(source, aim.version);
  if (!snapshot.has_value() && aim.version && snapshot.error().kind() == ErrorKind::kNotFound) {
    if (aim.exact) return Note(source, known, VersionGone(source, *aim.version, snapshot.error()));
    aim.warning = "version " + std::to_string(*aim.version) +
                  " is no longer at the source; planned again at the newest version";
    snapshot = engine_.source->Inspect(source, std::nullopt);
  }
  if (engine_.cancelled) return Cancelled();
  if (!snapshot.has_value()) return Note(source, known, snapshot.error());
  const Policy policy = PolicyFor(engine_, source);
  const std::optional<TablePlan> before = known ? ReadTablePlan(*known) : std::nullopt;
  // Nothing tells whether rows that SQL reads without a version are those of the earlier reading.
  const bool may_be_same = !snapshot->sql || snapshot->sql->version;
  if (before && !aim.whole && known->state == TableState::kDone && may_be_same &&
      IsSameCommit(*before, *snapshot) && before->sql == snapshot->sql &&
      before->target_table == WantedName(source, policy) &&
      before->choices == ChoicesId(policy, source.settings)) {
    return OkStatus();
  }
  ColumnRefusals refusals;
  auto plan = PlanForTarget(*snapshot, &refusals);
  if (!plan.has_value()) {
    if (plan.error().kind() == ErrorKind::kCancelled) return std::move(plan).error();
    return Note(source, known, plan.error(), refusals);
  }
  if (known && !source.selection && !plan->at_target) TRY_VOID(TakeAsGone(*known, &aim));
  if (aim.keep_equal && IsSameUnbegun(known, before, *plan)) return OkStatus();
  std::string owner;
  for (const std::string& name : {plan->target_table, StagingTable(*plan)}) {
    if (name.empty() || Claim(name, source.name, owner)) continue;
    return Note(source, known, Collision(source, name, owner));
  }
  if (before && before->target_table == plan->target_table) FollowEarlierPlan(*before, &*plan);
  if (known && !aim.whole) TRY_VOID(TakeGrowth(source, *known, &*plan));
  WarnOfEarlierVersion(before, &*plan);
  if (!aim.warning.empty()) plan->warnings.push_back(aim.warning);
  TRY(const std::vector<UnitRecord> units, MakeUnits(source, known, &*plan));
  plan->units.clear();
  TableRecord record;
  record.source_name = source.name;
  record.target_table = plan->target_table;
  record.version = plan->version;
  record.plan_json = ToJson(*plan).dump();
  Ledger::Keeping keeping = KeepingOf(before, *plan, source.selection.get());
  if (aim.whole) keeping.finished = false;
  if (aim.gone) keeping.others = Ledger::Others::kRemove;
  auto saved = engine_.ledger->SavePlan(record, units, keeping);
  if (!saved.has_value()) {
    if (saved.error().code() != "LEDGER_COMMITTING") return std::move(saved).error();
    // A commit may be under way: the earlier plan is finished first, the next run plans again.
    return engine_.ledger->SetTableState(known->id, TableState::kPlanned, "");
  }
  return OkStatus();
}

Result<std::optional<bool>> Planner::FindSchema() {
  const maxcompute::Options& target = engine_.client->options();
  if (!maxcompute::UsesSchema(target)) return std::optional<bool>();
  const std::lock_guard lock(project_mutex_);
  if (!project_) {
    TRY(project_, engine_.client->FetchProject());
    schema_there_ = IsSchemaThere(engine_);
  }
  TRY_VOID(CheckSchemaModel(target, *project_));
  return engine_.schema_there ? std::optional(true) : schema_there_;
}

Result<TablePlan> Planner::PlanForTarget(const Snapshot& snapshot, ColumnRefusals* refusals) {
  PlanOptions options = engine_.options.plan;
  options.policy = PolicyFor(engine_, snapshot.source);
  TRY(const std::string name, TargetTableName(snapshot.source, options.policy));
  TRY(const std::optional<bool> schema_there, FindSchema());
  auto at_target = FetchIfThere(*engine_.client, name);
  if (!at_target) return std::move(at_target).error().At("table " + snapshot.source.name);
  TRY(TablePlan plan, MakePlan(snapshot, options, *at_target, refusals));
  plan.schema_there = schema_there;
  return plan;
}

Result<std::vector<UnitRecord>> Planner::MakeUnits(const SourceTable& source,
                                                   const std::optional<TableRecord>& known,
                                                   TablePlan* plan) {
  std::vector<UnitRecord> units;
  std::unordered_set<std::string> planned;
  NamesBySource names;
  for (const UnitPlan& unit : plan->units) {
    units.push_back(MakeUnit(unit));
    planned.insert(units.back().partition);
    for (const std::string& source : unit.sources) names.emplace(source, units.back().partition);
  }
  const PartitionSelection* selection = source.selection.get();
  const bool of_part =
      !plan->settings.partitions.empty() || (selection != nullptr && selection->dropped_task == 0);
  if (of_part) return units;  // what else there is is not its business
  std::unordered_set<std::string> others;
  for (const maxcompute::PartitionSpec& other : plan->others) others.insert(PartitionName(other));
  std::vector<Unmeant> unmeant;
  const auto look_at = [&](const UnitRecord& old) -> Status {
    // Generation 0: never loaded, so nothing that we know of can be at the target.
    if (old.generation == 0 || planned.contains(old.partition)) return OkStatus();
    if (others.erase(old.partition) > 0) return OkStatus();
    if (old.partition.empty() != plan->partition_columns.empty()) return OkStatus();
    TRY(UnitPlan unit, ReadUnitPlan(old));
    std::string kept = WhyKept(unit, *plan, names);
    unmeant.push_back({std::move(unit), std::move(kept)});
    return OkStatus();
  };
  if (known && known->target_table == plan->target_table) {
    TRY_VOID(engine_.ledger->ListAllUnits(known->id, look_at));
  }
  plan->not_loaded = HashesOf(others);
  if (unmeant.empty()) return units;
  DroppedPartition what = engine_.options.plan.policy.on_dropped_partition;
  int64_t task = kNoTask;
  if (selection != nullptr) {
    what = selection->on_dropped;
    task = selection->dropped_task;
  }
  TRY_VOID(DropMissing(plan->target_table, &unmeant));
  for (Unmeant& gone : unmeant) {
    gone.unit.task = task;
    units.push_back(MakeDropped(std::move(gone.unit), what, gone.kept));
  }
  return units;
}

Status Planner::TakeGrowth(const SourceTable& source, const TableRecord& known, TablePlan* plan) {
  const bool asked = engine_.options.plan.policy.on_growth == Growth::kAppend &&
                     !(source.selection && source.selection->all_again);
  const std::optional<TablePlan> before = ReadTablePlan(known);
  if (!asked || !before || known.state != TableState::kDone) return OkStatus();
  if (!before->partition_columns.empty()) return OkStatus();
  std::optional<CopiedUnit> copied;
  TRY_VOID(engine_.ledger->ListUnits(known.id, std::nullopt, [&](const UnitRecord& unit) -> Status {
    // Only what was compared by its values is known to be what it was copied as.
    const bool on_values = unit.verdict == Verdict::kMatch && UsesChecksum(unit.compared_by);
    if (!on_values || unit.source_checksum.empty() || !unit.rows_copied) return OkStatus();
    TRY(UnitPlan by, ReadUnitPlan(unit));
    copied = CopiedUnit{std::move(by), *unit.rows_copied, unit.source_checksum, unit.changes};
    return OkStatus();
  }));
  if (copied) AppendGrowth(*before, *copied, plan);
  return OkStatus();
}

Status Planner::ReplanWhole(const SourceTable& source) {
  TRY(const std::optional<TableRecord> known, engine_.ledger->FindTable(source.name));
  Aim aim;
  aim.whole = true;
  aim.warning = "the target no longer held what was copied, so all is copied again";
  TRY_VOID(PlanAgain(source, known, aim));
  return OkStatus();
}

Status Planner::TakeAsGone(const TableRecord& known, Aim* aim) {
  bool copied = false;
  TRY_VOID(engine_.ledger->ListAllUnits(known.id, [&](const UnitRecord& unit) -> Status {
    copied = copied || unit.state >= UnitState::kCommitted;
    return OkStatus();
  }));
  if (!copied) return OkStatus();
  // A session of a table that is dropped never commits.
  TRY_VOID(engine_.ledger->ListAllUnits(known.id, [&](const UnitRecord& unit) -> Status {
    if (unit.state != UnitState::kCommitting) return OkStatus();
    return engine_.ledger->BeginLoad(unit.id, unit.generation).get();
  }));
  aim->whole = aim->gone = true;
  aim->warning =
      "the target table is not there any more: it is made again, and all is copied again";
  return OkStatus();
}

Status Planner::DropMissing(const std::string& target_table, std::vector<Unmeant>* unmeant) {
  std::unordered_set<std::string> there;
  const Status listed = engine_.client->ListPartitions(
      target_table, [&](const maxcompute::PartitionSpec& partition) -> Status {
        there.insert(PartitionName(partition));
        return OkStatus();
      });
  const bool no_table = !listed && listed.error().code() == "ODPS_TABLE_NOT_FOUND";
  if (!listed && !no_table) return listed;
  std::erase_if(*unmeant, [&](const Unmeant& gone) {
    return !there.contains(PartitionName(gone.unit.target_partition));
  });
  return OkStatus();
}

Status Planner::Note(const SourceTable& source, const std::optional<TableRecord>& known,
                     const Error& error, const ColumnRefusals& refusals) {
  const TableState state = StateFor(error);
  const std::string text = RefusalText(error, refusals);
  if (known) return engine_.ledger->SetTableState(known->id, state, text);
  TableRecord record;
  record.source_name = source.name;
  record.state = state;
  record.error_json = text;
  TRY_VOID(engine_.ledger->SavePlan(record, {}));
  return OkStatus();
}

}  // namespace mms::migration
