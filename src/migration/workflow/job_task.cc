#include "migration/workflow/job_task.h"

#include <nlohmann/json.hpp>
#include <utility>

#include "migration/workflow/compare_again.h"
#include "migration/workflow/extra_partitions.h"
#include "migration/workflow/table_pass.h"
#include "migration/workflow/target_table.h"
#include "migration/workflow/unit_load.h"

namespace mms::migration {
namespace {

constexpr int kReplansMax = 2;
constexpr int kSettlesMax = 2;
constexpr size_t kShownMax = 5;  // partitions named in one error
constexpr int64_t kRowLinesMax = 1'000;

using Stage = TableProgress::Stage;

Error ErrorOf(const TableRecord& record) {
  const auto document = nlohmann::json::parse(record.error_json, nullptr, false);
  if (document.is_object()) return ErrorFromJson(document);
  return Error(ErrorKind::kInternal, "PLAN_MISSING", "was not planned, and nothing says why")
      .At("table " + record.source_name);
}

bool CannotRun(const TableRecord& record) {
  return record.state == TableState::kRefused || record.state == TableState::kFailed;
}

}  // namespace

Result<SourceTable> FindTable(Source& source, const JobTaskOrder& order) {
  TRY(SourceTable table, source.Find(order.schema, order.table, order.views));
  table.target_as = order.target_as;
  table.settings.column_names = order.column_names;
  table.settings.partition_levels = order.partition_levels;
  table.settings.selection = order.selection->id;
  table.selection = order.selection;
  return table;
}

struct JobTasks::Work {
  const JobTaskOrder& order;
  Progress& progress;
  Progress::Slot slot = 0;
  bool anew = false;
  std::shared_ptr<Table> table = {};
  SourceTable source = {};
  TableRecord record = {};
  TablePlan plan = {};
  JobTaskResult result = {};
};

std::shared_ptr<JobTasks::Table> JobTasks::TableOf(const std::string& name) {
  const std::lock_guard lock(mutex_);
  auto& table = tables_[name];
  if (!table) table = std::make_shared<Table>();
  return table;
}

Result<JobTaskResult> JobTasks::Run(const JobTaskOrder& order, Progress& progress) {
  Work work{order, progress};
  const std::string name = order.schema + "." + order.table;
  work.slot = progress.Add(name);
  work.anew = order.plan_anew;
  work.table = TableOf(name);
  const Status status = RunSteps(work);
  if (!status) work.result.error = status.error();
  if (work.record.id != 0) {
    TRY(work.result.totals, engine_.ledger->Totals(ScopeOf(work)));
    work.result.target_table = work.record.target_table;
    work.result.version = work.record.version;
  }
  const bool stopped = !status && status.error().kind() == ErrorKind::kCancelled;
  if (!stopped) progress.SetStage(work.slot, status ? Stage::kDone : Stage::kFailed);
  return work.result;
}

/// What was copied by the task stays its own to compare, also when a later job has planned the
/// table: until that one copies it, or finds that it has left the source.
UnitScope JobTasks::ScopeOf(const Work& work) {
  UnitScope scope(work.record.id, work.order.task);
  scope.aside = work.order.compare_alone;
  return scope;
}

Status JobTasks::RunSteps(Work& work) {
  const JobTaskOrder& order = work.order;
  if (order.compare_alone) return Compare(work);
  work.progress.SetStage(work.slot, Stage::kPlanning);
  TRY(work.source, FindTable(*engine_.source, order));
  work.source.bytes_read = work.progress.ReadCount(work.slot);
  for (int replans = 0;; ++replans) {
    TRY_VOID(TakePlan(work));
    Status status = OkStatus();
    {
      const std::shared_lock held(work.table->plan);
      status = RunPass(work);
    }
    if (status) break;
    const bool changed = IsBaseGone(status.error());
    const bool gone = changed || IsSourceGone(status.error());
    if (!gone || replans == kReplansMax || engine_.cancelled) {
      return status;
    }
    TRY_VOID(changed ? ReplanWhole(work) : Replan(work));
  }
  TRY_VOID(FinishTable(work));
  return Judge(work);
}

Result<bool> JobTasks::HasPlan(Work& work) {
  TRY(const std::optional<TableRecord> record, engine_.ledger->FindTable(work.source.name));
  if (!record || record->plan_json.empty() || CannotRun(*record)) return false;
  const auto document = nlohmann::json::parse(record->plan_json, nullptr, false);
  if (document.is_discarded()) return false;
  auto plan = TablePlanFromJson(document);
  if (!plan || plan->settings.selection != work.order.selection->id) return false;
  work.record = *record;
  work.plan = *std::move(plan);
  work.result.table_id = work.plan.table_id;
  work.result.commit_mark = work.plan.commit_mark;
  work.result.by_sql = work.plan.sql.has_value();
  work.result.named_as_now =
      work.plan.choices == ChoicesId(PolicyFor(engine_, work.source), work.source.settings);
  if (work.plan.sql || work.order.verify == VerifyLevel::kCountBoth) {
    work.progress.SetBySql(work.slot);
  }
  return true;
}

Status JobTasks::TakePlan(Work& work) {
  if (!work.anew) {
    const std::shared_lock held(work.table->plan);
    TRY(const bool planned, HasPlan(work));
    if (planned) return OkStatus();
  }
  const std::unique_lock held(work.table->plan);
  TRY(const bool planned, HasPlan(work));  // another task may have been faster
  return planned && !work.anew ? OkStatus() : MakePlan(work);
}

Status JobTasks::TakeValues(Work& work) {
  const JobTaskOrder& order = work.order;
  if (!order.add_values || work.source.selection != order.selection) return OkStatus();
  PartitionSelection selection = *order.selection;
  TRY_VOID(order.add_values(&selection));
  work.source.selection = std::make_shared<const PartitionSelection>(std::move(selection));
  return OkStatus();
}

Status JobTasks::MakePlan(Work& work) {
  TRY_VOID(TakeValues(work));
  for (int settles = 0;; ++settles) {
    TRY(const bool runnable,
        planner_.PlanForJob({work.source, work.progress, work.slot, work.anew, work.order.yields}));
    work.anew = false;
    TRY(const std::optional<TableRecord> record, engine_.ledger->FindTable(work.source.name));
    CHECK(record.has_value());  // a plan or a note is there
    work.record = *record;
    if (!runnable) return ErrorOf(*record);
    if (CannotRun(*record)) {
      TRY_VOID(engine_.ledger->SetTableState(record->id, TableState::kRunning, ""));
    }
    TRY(const bool planned, HasPlan(work));
    if (planned) {
      work.result.warnings = work.plan.warnings;
      return OkStatus();
    }
    if (settles == kSettlesMax) break;
    TRY_VOID(SettleCommits(*record, work.progress));
  }
  return Error(ErrorKind::kConflict, "LEDGER_COMMITTING",
               "a commit of another job may be under way; retry the task")
      .At("table " + work.source.name);
}

Status JobTasks::SettleCommits(const TableRecord& record, Progress& progress) {
  TRY(TableContext context, MakeContext(engine_, record, progress.Add(record.source_name)));
  context.progress = &progress;
  engine_.workers->AddTable(context.key, context.plan);
  const Status settled = engine_.ledger->ListAllUnits(record.id, [&](UnitRecord unit) -> Status {
    if (unit.state != UnitState::kCommitting) return OkStatus();
    Status loaded = LoadUnit(context, unit);
    // What it would have been appended to is another by now: the plan to come copies it whole.
    return !loaded && IsBaseGone(loaded.error()) ? OkStatus() : loaded;
  });
  engine_.workers->RemoveTable(context.key);
  return settled;
}

Result<bool> JobTasks::HasGrownWrong(const Work& work, const UnitScope& scope) {
  bool grown = false;
  if (!work.plan.partition_columns.empty()) return grown;
  TRY_VOID(engine_.ledger->ListUnits(scope, std::nullopt, [&](const UnitRecord& unit) -> Status {
    TRY(const UnitPlan plan, ReadUnitPlan(unit));
    grown = grown || plan.base.has_value();
    return OkStatus();
  }));
  return grown;
}

Status JobTasks::RunPass(Work& work) {
  const JobTaskOrder& order = work.order;
  TRY(const bool planned, HasPlan(work));
  if (!planned) return ErrorOf(work.record);
  const UnitScope scope(work.record.id, order.task);
  TRY(TableTotals totals, engine_.ledger->Totals(scope));
  if (totals.mismatched > 0) {
    TRY(const bool grown, HasGrownWrong(work, scope));
    if (grown) return BaseGone("what was appended to differs from the source; all is copied anew");
    // A retry copies again what did not compare.
    TRY_VOID(engine_.ledger->ForgetMismatches(scope));
    TRY(totals, engine_.ledger->Totals(scope));
  }
  const bool compared = totals.Settled() == totals.units;
  if (order.copy && totals.units > 0 && compared) return OkStatus();  // by an earlier process
  TRY(TableContext context, MakeContext(engine_, work.record, work.slot));
  context.progress = &work.progress;
  context.key += "/" + std::to_string(order.task);
  context.stopped = order.stopped;
  context.on_missing = order.on_missing;
  PassWishes wishes;
  wishes.task = order.task;
  wishes.verify = order.verify;
  wishes.make_table = order.make_table;
  wishes.copy = order.copy;
  wishes.definition = &work.table->definition;
  TablePass pass(std::move(context), std::move(wishes));
  Status status = pass.Run();
  switch (pass.reached()) {
    case TablePass::Reached::kTable: work.result.reached = JobTaskStep::kSchema; break;
    case TablePass::Reached::kData: work.result.reached = JobTaskStep::kData; break;
    case TablePass::Reached::kComparison: work.result.reached = JobTaskStep::kVerification; break;
  }
  return status;
}

Status JobTasks::Compare(Work& work) {
  const JobTaskOrder& order = work.order;
  work.result.reached = JobTaskStep::kVerification;
  const std::shared_lock held(work.table->plan);
  const std::string name = engine_.options.source.catalog + "." + order.schema + "." + order.table;
  TRY(const std::optional<TableRecord> record, engine_.ledger->FindTable(name));
  TableTotals totals;
  TableTotals all;
  if (record) {
    work.record = *record;
    TRY(totals, engine_.ledger->Totals(ScopeOf(work)));
    TRY(all, engine_.ledger->Totals(record->id));
  }
  const bool no_partitions = record && all.units == 0;
  if (totals.units == 0 && !no_partitions) {
    return Error(ErrorKind::kConflict, "VERIFY_SUPERSEDED",
                 "nothing is compared: later jobs have taken over all that this task copied "
                 "(planned or copied it since, here or to another place); verify the last of them, "
                 "or copy it by a new job")
        .At("table " + name);
  }
  TRY(TableContext context, MakeContext(engine_, work.record, work.slot));
  context.progress = &work.progress;
  context.key += "/" + std::to_string(order.task);
  context.stopped = order.stopped;
  work.result.table_id = context.plan.table_id;
  if (order.verify == VerifyLevel::kCountBoth) work.progress.SetBySql(work.slot);
  const bool of_plan = context.plan.settings.selection == order.selection->id;
  TRY_VOID(CompareAgain(context, {ScopeOf(work), order.verify, of_plan}));
  TRY_VOID(FindExtraOnce(work, context));
  return Judge(work);
}

Status JobTasks::FindExtraOnce(const Work& work, const TableContext& table) {
  if (table.plan.settings.selection != work.order.selection->id) return OkStatus();
  // A list for each task would be thousands of calls: that of the first partition is the one.
  std::optional<int64_t> first;
  const Status listed = engine_.ledger->ListUnits(work.record.id, std::nullopt,
                                                  [&](const UnitRecord& unit) -> Status {
                                                    if (IsMadeAtTarget(unit)) return OkStatus();
                                                    first = unit.task;
                                                    return Cancelled();  // ends the list
                                                  });
  if (!first) return listed;
  return first == work.order.task ? FindExtraPartitions(table, work.order.task) : OkStatus();
}

Status JobTasks::Replan(Work& work) {
  const std::unique_lock held(work.table->plan);
  const int64_t gone = work.record.version;
  TRY(const std::optional<TableRecord> now, engine_.ledger->FindTable(work.source.name));
  CHECK(now.has_value());
  if (now->version != gone) return OkStatus();  // another task has done it
  TRY_VOID(TakeValues(work));
  return planner_.Replan(work.source, gone);
}

Status JobTasks::ReplanWhole(Work& work) {
  const std::unique_lock held(work.table->plan);
  TRY_VOID(TakeValues(work));
  return planner_.ReplanWhole(work.source);
}

Status JobTasks::FinishTable(Work& work) {
  const std::unique_lock held(work.table->plan, std::try_to_lock);
  if (!held.owns_lock()) return OkStatus();  // another task is at it, and comes here later
  TRY(const bool settled, engine_.ledger->IsSettled(work.record.id));
  if (!settled) return OkStatus();
  TRY(TableContext context, MakeContext(engine_, work.record, work.slot));
  context.progress = &work.progress;
  if (work.order.copy && work.order.verify != VerifyLevel::kNone) {
    work.result.reached = JobTaskStep::kVerification;
    TRY_VOID(FindExtraPartitions(context, work.order.task));
  }
  TRY_VOID(DropStaging(context));
  return engine_.ledger->SetTableState(work.record.id, TableState::kDone, "");
}

Status JobTasks::TellPartitions(Work& work, const UnitScope& scope) {
  std::string& text = work.result.partition_rows;
  int64_t lines = 0;
  TRY_VOID(engine_.ledger->ListUnits(scope, std::nullopt, [&](const UnitRecord& unit) -> Status {
    if (unit.partition.empty() || ++lines > kRowLinesMax) return OkStatus();
    const auto number = [](const std::optional<int64_t>& rows) {
      return rows ? std::to_string(*rows) : std::string("?");
    };
    const bool missing = unit.verdict == Verdict::kMissing;
    text += "\n  " + unit.partition + ": " + number(unit.rows_copied) + " source, " +
            (missing ? "none" : number(unit.rows_target)) + " target";
    if (unit.verdict != Verdict::kMatch) {
      text += " (" + std::string(VerdictName(unit.verdict)) + ")";
    }
    return OkStatus();
  }));
  if (lines > kRowLinesMax) {
    text +=
        "\n  and " + std::to_string(lines - kRowLinesMax) + " more: mms job report ID --format csv";
  }
  return OkStatus();
}

Status JobTasks::Judge(Work& work) {
  if (!work.order.copy && !work.order.compare_alone) return OkStatus();
  work.result.reached = JobTaskStep::kVerification;
  const UnitScope scope = ScopeOf(work);
  TRY(const TableTotals totals, engine_.ledger->Totals(scope));
  if (totals.Settled() < totals.units) {
    // Tried again by itself, which goes on with them.
    return Error(ErrorKind::kUnavailable, "UNITS_PLANNED_ANEW",
                 std::to_string(totals.units - totals.Settled()) +
                     " partitions were planned anew by another task while this one ended")
        .At("table " + work.record.source_name);
  }
  if (work.order.verify != VerifyLevel::kNone) TRY_VOID(TellPartitions(work, scope));
  if (totals.mismatched == 0) return OkStatus();
  std::string text;
  size_t shown = 0;
  TRY_VOID(engine_.ledger->ListUnits(scope, std::nullopt, [&](UnitRecord unit) -> Status {
    const bool differs = unit.verdict == Verdict::kMismatch || unit.verdict == Verdict::kMissing;
    if (!differs || shown == kShownMax) return OkStatus();
    ++shown;
    text += "\n  " + (unit.partition.empty() ? std::string("table") : unit.partition) + ": " +
            std::string(VerdictName(unit.verdict));
    if (!unit.difference.empty()) text += ", " + unit.difference;
    return OkStatus();
  }));
  return Error(ErrorKind::kCorrupt, "VERIFY_MISMATCH",
               std::to_string(totals.mismatched) + " of " + std::to_string(totals.units) +
                   " partitions differ from the source; retry the task to copy them again:" + text)
      .At("table " + work.record.source_name);
}

}  // namespace mms::migration
