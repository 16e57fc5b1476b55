// A whole run, from the configuration to the report: list, inspect, plan, make tables, transfer,
// commit, verify. Each step may be called alone; `Run` does them all and goes on from what the
// ledger says is done.
//
// Only this process creates and commits sessions; workers only send blocks. Why a crash at any
// moment neither loses nor doubles a row: unit_load.h, and docs/guarantees.md beside the tests.
// Threads: one caller; progress may be read and Cancel called from any thread (not from a signal
// handler).
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "migration/inspect/snapshot.h"
#include "migration/ledger/ledger.h"
#include "migration/workflow/check.h"
#include "migration/workflow/find_risks.h"
#include "migration/workflow/job_task.h"
#include "migration/workflow/options.h"
#include "migration/workflow/plan_file.h"
#include "migration/workflow/progress.h"
#include "migration/workflow/run_facts.h"

namespace mms::migration {

/// Tables by outcome. One that was copied and differs counts in `done` and in `mismatched`.
struct RunSummary {
  int64_t tables = 0, done = 0, refused = 0, failed = 0, mismatched = 0;
  bool AllGood() const { return refused == 0 && failed == 0 && mismatched == 0; }
};

class Planner;
struct PlannedTable;

class Workflow {
 public:
  /// Opens the ledger (takes the state folder). Errors: those of Ledger::Open and
  /// Ledger::BindTarget. No network.
  static Result<std::unique_ptr<Workflow>> Open(RunOptions options);
  ~Workflow();

  /// Credentials, network and rights of both sides, each step alone. Needs no ledger.
  static std::vector<CheckStep> Check(const RunOptions& options, const CheckWishes& wishes);
  /// Lists, inspects, plans into the ledger. A table whose earlier plan is unfinished keeps its
  /// pinned version; with `anew` only one of which something was begun. With `risks` the
  /// statistics in the logs are read too.
  struct PlanWishes {
    bool anew = false;
    bool risks = false;
    bool footers = false;  ///< with `risks`: of files of which no statistics tell
  };
  Status Plan(const PlanWishes& wishes);
  Status Plan() { return Plan(PlanWishes()); }
  /// Tables of a job, as their first tasks would plan them, side by side, and nothing at the
  /// target; with what the statistics in their logs tell. One call at a time, each with other
  /// tables. Errors: those of the ledger, kCancelled. What keeps a table from being planned is in
  /// the ledger with it, or, where the catalog does not have it, with its name in `unplanned`.
  Status PlanJobTables(const std::vector<JobTaskOrder>& orders,
                       std::map<std::string, Error>* unplanned, bool with_footers = false);
  /// Of a table, after a Plan with `risks` or PlanJobTables. Errors: why it is not known.
  Result<TableRisks> RisksOf(const std::string& source_name) const;
  /// What Plan() decided, into a plan file: tables that can be run, and the code of why others
  /// cannot. Errors: those of the ledger and of the file.
  Status WritePlan(PlanFileWriter* file);
  /// Plan() and then everything that is not done. A failed table does not stop others. Cancel()
  /// makes it return kCancelled at the next border, resumable.
  Result<RunSummary> Run();
  /// The tables of a frozen plan and no others, as it has them or not at all: nothing is made at
  /// the target before each is known to be the same. Errors: also those of Planner::PlanFrozen.
  Result<RunSummary> RunFrozen(const PlanFile& plan);
  /// What tells one target from another: "project dw at service.example.com".
  static std::string TargetName(const RunOptions& options);
  /// Errors: kConflict PLAN_OTHER_TARGET when the plan was made for another one.
  static Status CheckTarget(const PlanFile& plan, const RunOptions& options);
  /// Compares every committed unit again with the target: by counts at VerifyLevel::kCount, else by
  /// checksum. A table that could not be compared counts as failed, its error is in the ledger with
  /// the unit.
  Result<RunSummary> Verify();
  void Cancel();

  /// Tasks of jobs, any number side by side, between these two. Errors of BeginJobs: those of the
  /// workers' start; of RunJobTask: those of the ledger.
  Status BeginJobs();
  Result<JobTaskResult> RunJobTask(const JobTaskOrder& order, Progress& progress);
  /// No task may be running.
  void EndJobs();

  /// Codec and pacing so far. Run keeps them in the ledger when it ends.
  RunFacts Facts() const;

  Ledger& ledger();
  Progress& progress();

 private:
  struct State;
  explicit Workflow(std::unique_ptr<State> state);
  Result<RunSummary> RunTables(Planner& planner, const std::vector<PlannedTable>& tables);
  std::unique_ptr<State> state_;
};

}  // namespace mms::migration
