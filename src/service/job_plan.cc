#include "service/job_plan.h"

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <system_error>
#include <utility>

#include "migration/ledger/ledger_copy.h"
#include "service/given_up.h"
#include "service/instance.h"
#include "service/job_order.h"
#include "service/run_options.h"
#include "service/service.h"
#include "service/target_values.h"

namespace mms::service {
namespace {

namespace fs = std::filesystem;

constexpr const char* kFolderPrefix = "plan-";
constexpr size_t kTablesAtOnce = 16;
constexpr size_t kValuesAtOnce = 100'000;
/// A younger folder may be one whose lock is about to be taken.
constexpr auto kLeftAge = std::chrono::minutes(1);

/// Folders of plans whose process was killed.
void RemoveLeft(const std::string& source_folder) {
  std::error_code failure;
  // What cannot be removed is in nobody's way, and tried again by the next plan.
  for (const fs::directory_entry& entry : fs::directory_iterator(source_folder, failure)) {
    if (!entry.path().filename().string().starts_with(kFolderPrefix)) continue;
    const auto changed = fs::last_write_time(entry.path(), failure);
    if (failure || fs::file_time_type::clock::now() - changed < kLeftAge) continue;
    if (migration::StateFolder::Take(entry.path().string())) fs::remove_all(entry.path(), failure);
  }
}

Result<std::string> MakeFolder(const std::string& source_folder) {
  std::string path = source_folder + "/" + kFolderPrefix + "XXXXXX";
  if (mkdtemp(path.data()) != nullptr) return path;
  return Error(ErrorKind::kDenied, "STATE_NOT_WRITABLE",
               "a folder for the plan cannot be made there; check its owner, rights and room")
      .At("folder " + source_folder);
}

/// What the destination's ledger holds; nothing where no task of a job has begun there.
Status CopyWhatIsThere(const std::string& from, const std::string& to) {
  const Status copied = migration::CopyLedger(from, to);
  if (copied) return copied;
  const std::string& code = copied.error().code();
  return code == "STATE_NOT_FOUND" || code == "STATE_EMPTY" ? OkStatus() : copied;
}

Error InConflict(const std::string& table) {
  return Error(ErrorKind::kConflict, "JOB_CONFLICT",
               "another job is not done with it; wait for it, delete it, or leave the table out "
               "(mms job list)")
      .At("table " + table);
}

}  // namespace

Result<std::unique_ptr<JobPlan>> JobPlan::Open(Store& store, const std::string& folder,
                                               const NewJob& wanted, int64_t now_ms) {
  std::unique_ptr<JobPlan> plan(new JobPlan);
  TRY(plan->described_, DescribeJob(store, {folder, now_ms}, wanted));
  TRY(const bool has_target, store.HasTarget());
  if (!has_target) return NoTarget();
  const Job& job = plan->job();
  TRY(const DataSource source, store.UnsealSource(job.source_id));
  TRY(const migration::SourceOptions connection, ConnectionOf(store, source, {}));
  TRY(migration::RunOptions run, RunOptionsOf(store, source, connection, {}));
  TRY(const auto open, store.ListOpenTables(job.source_id));
  plan->open_.insert(open.begin(), open.end());
  plan->store_ = &store;
  const std::string source_folder = SourceFolder(folder, source.id);
  RemoveLeft(source_folder);
  TRY(plan->plan_folder_, MakeFolder(source_folder));
  TRY_VOID(CopyWhatIsThere(LedgerFolder(source_folder, {job.dst_project, job.dst_schema}),
                           plan->plan_folder_));
  run.target.project = job.dst_project;
  run.target.schema = job.dst_schema;
  run.state_folder = plan->plan_folder_;
  plan->target_ = run.target;
  TRY(plan->workflow_, migration::Workflow::Open(std::move(run)));
  return plan;
}

JobPlan::~JobPlan() {
  workflow_.reset();
  std::error_code failure;
  if (!plan_folder_.empty()) fs::remove_all(plan_folder_, failure);  // else RemoveLeft does
}

Result<JobChoice> JobPlan::Run(const std::function<Status(const JobPlanTable&)>& visit,
                               bool footers) {
  footers_ = footers;
  const auto add = [&](const Store::NewTask& task) -> Status {
    const bool next = pending_.empty() || pending_.back().table.name != task.task.table_name;
    const bool full = pending_.size() >= kTablesAtOnce || pending_values_ >= kValuesAtOnce;
    if (next && full) TRY_VOID(Flush(visit));
    return Take(task);
  };
  TRY(JobChoice choice, ChooseTasks(*described_.metadata, job(), described_.rules, add));
  TRY_VOID(Flush(visit));
  return choice;
}

Result<std::optional<Error>> JobPlan::ConflictOf(const JobTask& task) const {
  if (open_.contains(task.table_name)) return std::optional(InConflict(task.table_name));
  TRY(const auto holder, store_->FindTargetHolder(task));
  if (!holder) return std::optional<Error>();
  return std::optional(
      TargetHeld("would become one with " + holder->ToString() + ", both into " + task.dst_table,
                 holder->same_source)
          .At("table " + task.table_name));
}

Status JobPlan::Take(const Store::NewTask& task) {
  JobTask numbered = task.task;
  numbered.id = ++last_task_;
  if (pending_.empty() || pending_.back().table.name != numbered.table_name) {
    Pending pending;
    pending.table.name = numbered.table_name;
    pending.table.whole_table = numbered.whole_table;
    TRY(pending.table.error, ConflictOf(numbered));
    pending.first = numbered;
    TRY(pending.selection, SelectionOf(numbered, job().config, kSelection));
    TRY(const auto table, described_.metadata->FindTable(numbered.table_name));
    if (table) pending.selection.columns = PartitionColumnNamesOf(*table);
    pending_.push_back(std::move(pending));
  }
  Pending& pending = pending_.back();
  ++pending.table.tasks;
  pending.table.partitions += numbered.partitions;
  for (const std::string& value : task.values) {
    pending.selection.task_of.emplace(value, numbered.id);
  }
  pending_values_ += task.values.size();
  return OkStatus();
}

Status JobPlan::Flush(const std::function<Status(const JobPlanTable&)>& visit) {
  std::vector<migration::JobTaskOrder> orders;
  for (Pending& pending : pending_) {
    if (pending.table.error) continue;
    using migration::PartitionSelection;
    TRY(migration::JobTaskOrder order,
        OrderOf(pending.first, job().config,
                std::make_shared<const PartitionSelection>(std::move(pending.selection))));
    order.yields = [this](const std::string& owner) {
      return HasGivenUp(*store_, *described_.metadata, job().source_id, owner);
    };
    orders.push_back(std::move(order));
  }
  std::map<std::string, Error> unplanned;
  TRY_VOID(workflow_->PlanJobTables(orders, &unplanned, footers_));
  for (Pending& pending : pending_) {
    const auto why = unplanned.find(pending.first.src_db + "." + pending.first.src_table);
    if (why != unplanned.end()) pending.table.error = std::move(why->second);
    TRY_VOID(visit(pending.table));
  }
  pending_.clear();
  pending_values_ = 0;
  return OkStatus();
}

}  // namespace mms::service
