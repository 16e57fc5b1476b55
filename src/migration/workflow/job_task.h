// A task of a job: one table, or some partitions of it, from its plan to its verdict. Goes on from
// whatever state the ledger shows; running it again after any crash is how it is resumed.
//
// The first task of a table plans it, for all tasks of its job, at one version; the others go on
// under that plan. Where it has to be planned anew (files that are gone, a retry), that waits for
// the table's other tasks, so that no unit changes under a task at work.
//
// Threads: Run blocks its thread; many run side by side, also of one table.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <string>
#include <vector>

#include "base/result.h"
#include "migration/inspect/partition_selection.h"
#include "migration/workflow/engine.h"
#include "migration/workflow/planning.h"

namespace mms::migration {

struct JobTaskOrder {
  int64_t task = 0;    ///< the selection's word for it
  std::string schema;  ///< of the source
  std::string table;
  bool views = false;     ///< it may be a view, which is read by SQL
  std::string target_as;  ///< "" = by the policy
  std::map<std::string, std::string> column_names;
  std::optional<int> partition_levels;  ///< TableSettings::partition_levels
  std::shared_ptr<const PartitionSelection> selection;
  /// Adds the values of the table's partitions (`task_of`) to a copy of it, where it has not got
  /// them: a plan alone needs them, and most tasks make none. Null = it has all.
  std::function<Status(PartitionSelection* selection)> add_values = {};
  /// Look at the newest version first, since what failed may have been mended there. What is
  /// finished of equal content stays.
  bool plan_anew = false;
  bool make_table = true;  ///< enableSchemaMigration
  bool copy = true;        ///< enableDataMigration
  VerifyLevel verify = VerifyLevel::kChecksum;
  bool compare_alone = false;  ///< what it has copied is compared again, and nothing else is done
  /// Asked before each partition and each block; from any thread, often.
  std::function<bool()> stopped;
  /// Whether the table that had the wanted name at the target gives it up, and is forgotten. Null =
  /// none does.
  std::function<Result<bool>(const std::string& owner)> yields = {};
  /// TableContext::on_missing.
  std::function<Status()> on_missing = {};
};

/// The table that the order means, with what the job has of it; as Source::Find.
Result<SourceTable> FindTable(Source& source, const JobTaskOrder& order);

/// The step that a task is at, or failed at.
enum class JobTaskStep { kSchema, kData, kVerification };

struct JobTaskResult {
  JobTaskStep reached = JobTaskStep::kSchema;
  std::optional<Error> error;  ///< kCancelled = stopped, to be gone on with
  TableTotals totals;          ///< of its units
  std::string target_table;    ///< "" = not planned
  int64_t version = 0;         ///< that it was planned at, or kNoVersion
  std::string table_id;        ///< TablePlan::table_id
  std::string commit_mark;     ///< TablePlan::commit_mark
  bool by_sql = false;         ///< its rows are read by SQL: no log or files tell their state
  /// Of what was compared: a line for each partition with the rows of both sides, those that differ
  /// marked, the first 1,000; "" = it has no partitions.
  std::string partition_rows = {};
  /// False: partitions go by the names of a plan that was begun under other settings.
  bool named_as_now = false;
  /// Of the plan, where it was this task that made it.
  std::vector<std::string> warnings;
};

class JobTasks {
 public:
  explicit JobTasks(Engine& engine) : engine_(engine), planner_(engine) {}

  /// `progress` is the task's own, with one slot. Errors: those of the ledger itself; all else is
  /// in the result.
  Result<JobTaskResult> Run(const JobTaskOrder& order, Progress& progress);

 private:
  struct Table {
    std::shared_mutex plan;  ///< held shared while units of it are at work
    std::mutex definition;   ///< of the target table and its partitions
  };
  std::shared_ptr<Table> TableOf(const std::string& name);

  struct Work;
  Status RunSteps(Work& work);
  /// The task's units.
  static UnitScope ScopeOf(const Work& work);
  /// Has the record of a plan of the order's selection, or the error that there is none.
  Status TakePlan(Work& work);
  Result<bool> HasPlan(Work& work);
  /// Completes the selection of the table that is planned.
  Status TakeValues(Work& work);
  Status MakePlan(Work& work);
  /// Brings what another job left with a commit under way to its end.
  Status SettleCommits(const TableRecord& record, Progress& progress);
  Status RunPass(Work& work);
  /// Whether what does not compare was appended to.
  Result<bool> HasGrownWrong(const Work& work, const UnitScope& scope);
  Status Replan(Work& work);
  Status ReplanWhole(Work& work);
  Status FinishTable(Work& work);
  /// In one task of the table alone. Errors: those of FindExtraPartitions.
  Status FindExtraOnce(const Work& work, const TableContext& table);
  Status Judge(Work& work);
  Status TellPartitions(Work& work, const UnitScope& scope);
  Status Compare(Work& work);

  Engine& engine_;
  Planner planner_;
  std::mutex mutex_;
  std::map<std::string, std::shared_ptr<Table>> tables_;  // guarded by mutex_
};

}  // namespace mms::migration
