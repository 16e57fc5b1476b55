// What a job that is described would do, without making it, or anything at the target: the tasks
// that the metadata gives it, and each of its tables planned as the first of them would, at the
// newest version and for the target as it is now.
//
// The plans go into a copy of the destination's ledger, in a folder of their own below the data
// source's that goes with this object (or, after a kill, with a later one): so what is copied
// already, what can be appended, and what has left the source is seen as a job would, and the
// ledger stays as it is. Works beside a process that owns the folder. Memory grows with the number
// of tables, and with the partitions of those in hand.
//
// Threads: one caller; Cancel from any. Errors: those of job_making.h, but for JOB_NOTHING_TO_DO
// and conflicts with other jobs, which are told of the tables; kInvalidInput TARGET_MISSING; those
// of run_options.h and of Workflow::PlanJobTables.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/result.h"
#include "migration/workflow/workflow.h"
#include "service/job_making.h"

namespace mms::service {

/// A table with tasks.
struct JobPlanTable {
  std::string name;  ///< of the metadata, as in the ledger
  int64_t tasks = 0;
  int64_t partitions = 0;   ///< 0 of a table without, or that is made alone
  bool whole_table = true;  ///< JobTask::whole_table
  /// Why it is not in the ledger, or not as of this plan: JOB_CONFLICT, JOB_COLLISION with another
  /// job, or what the catalog said.
  std::optional<Error> error = {};
};

class JobPlan {
 public:
  /// `folder`: of the service. No network. The store outlives it.
  static Result<std::unique_ptr<JobPlan>> Open(Store& store, const std::string& folder,
                                               const NewJob& wanted, int64_t now_ms);
  ~JobPlan();
  JobPlan(const JobPlan&) = delete;
  JobPlan& operator=(const JobPlan&) = delete;

  const Job& job() const { return described_.job; }
  /// Its ledger has the plans, under this selection.
  migration::Workflow& workflow() { return *workflow_; }
  static constexpr const char* kSelection = "job plan";
  const maxcompute::Options& target() const { return target_; }

  /// Once. `visit` is called for each table in the order of names, when it is planned. `footers`:
  /// those of files are read of whose values no statistics tell.
  Result<JobChoice> Run(const std::function<Status(const JobPlanTable&)>& visit,
                        bool footers = false);
  void Cancel() { workflow_->Cancel(); }

 private:
  JobPlan() = default;
  struct Pending {
    JobPlanTable table;
    JobTask first;
    migration::PartitionSelection selection;
  };
  Result<std::optional<Error>> ConflictOf(const JobTask& task) const;
  Status Take(const Store::NewTask& task);
  Status Flush(const std::function<Status(const JobPlanTable&)>& visit);

  DescribedJob described_;
  maxcompute::Options target_;
  std::string plan_folder_;
  Store* store_ = nullptr;
  std::set<std::string> open_;  ///< tables that another job is not done with
  std::unique_ptr<migration::Workflow> workflow_;
  std::vector<Pending> pending_;
  size_t pending_values_ = 0;
  int64_t last_task_ = 0;
  bool footers_ = false;
};

}  // namespace mms::service
