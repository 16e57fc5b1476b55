#include "service/job_ledger.h"

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <utility>

#include "migration/inspect/snapshot.h"
#include "migration/transfer/job.h"
#include "service/instance.h"
#include "service/service.h"

namespace mms::service {
namespace {

using migration::TableRecord;
using migration::TableState;

constexpr int64_t kPage = 1'000;
constexpr size_t kLeftOutNamesMax = 1'000;

/// What the tasks of one table tell together. A job's tasks are made in one transaction, so that no
/// other job's number is between them.
struct TasksOfTable {
  int64_t first = 0, last = 0;
  bool all_ended = true;   ///< also with partitions that differ: these tell it themselves
  std::string error_json;  ///< of the first that failed otherwise; "" = none did
};
using TasksByTable = std::map<std::string, TasksOfTable>;

Error ErrorOf(const std::string& error_json) {
  const auto document = nlohmann::json::parse(error_json, nullptr, false);
  if (document.is_object()) return migration::ErrorFromJson(document);
  return {ErrorKind::kInternal, "LEDGER_ERROR_UNREADABLE", error_json};
}

Result<TasksByTable> TasksOf(Store& store, const Job& job) {
  TasksByTable tables;
  Store::TaskFilter filter;
  filter.job_id = job.id;
  for (int64_t page = 1;; ++page) {
    TRY(const std::vector<JobTask> tasks, store.ListJobTasks(filter, {page, kPage}));
    for (const JobTask& task : tasks) {
      TasksOfTable& table = tables[task.table_name];
      table.first = table.first == 0 ? task.id : std::min(table.first, task.id);
      table.last = std::max(table.last, task.id);
      const bool differs = task.status == JobTaskStatus::kVerificationFailed &&
                           ErrorOf(task.error_json).code() == "VERIFY_MISMATCH";
      if (task.status == JobTaskStatus::kDone || differs) continue;
      table.all_ended = false;
      if (HasFailed(task.status) && table.error_json.empty()) table.error_json = task.error_json;
    }
    if (static_cast<int64_t>(tasks.size()) < kPage) return tables;
  }
}

std::string SelectionOf(const TableRecord& table) {
  const auto plan = nlohmann::json::parse(table.plan_json, nullptr, false);
  if (!plan.is_object() || !plan.contains("settings")) return "";
  return plan["settings"].value("selection", "");
}

/// How the table ended for this job: what the ledger notes may be of another one, which was refused
/// or failed at the same plan.
void TellEnd(const TasksOfTable& tasks, TableRecord& table) {
  const bool is_known = !tasks.error_json.empty() && ErrorOf(tasks.error_json).ToString() ==
                                                         ErrorOf(table.error_json).ToString();
  if (is_known) return;
  table.error_json = tasks.error_json;
  if (tasks.all_ended) {
    table.state = TableState::kDone;
  } else {
    table.state = tasks.error_json.empty() ? TableState::kRunning : TableState::kFailed;
  }
}

/// Of a table whose plan is this job's own. What another job's plan has set aside meanwhile stands
/// at the target as this one copied it.
void TellOwn(const TasksOfTable& tasks, TableRecord& table) {
  table.part->first_task = tasks.first;
  table.part->last_task = tasks.last;
  TellEnd(tasks, table);
}

/// Of a table whose plan is not of this job: true when anything is to be told of it.
Result<bool> TellPart(migration::Ledger& ledger, const TasksOfTable& tasks, TableRecord& table) {
  const std::string planned_by = SelectionOf(table);
  table.part->first_task = tasks.first;
  table.part->last_task = tasks.last;
  TRY(const migration::TableTotals left, ledger.Totals(migration::UnitScope(table)));
  if (left.units > 0) {
    table.part->planned_by = planned_by;
  } else if (tasks.error_json.empty()) {
    return false;
  }
  table.plan_json.clear();
  table.version = left.version.value_or(migration::kNoVersion);
  TellEnd(tasks, table);
  return true;
}

}  // namespace

Result<std::unique_ptr<migration::Ledger>> OpenJobLedger(Store& store, const std::string& folder,
                                                         const Job& job) {
  TRY(auto tables, TasksOf(store, job));
  const Destination destination{job.dst_project, job.dst_schema};
  auto ledger =
      migration::Ledger::OpenToRead(LedgerFolder(SourceFolder(folder, job.source_id), destination));
  if (!ledger) {
    if (ledger.error().code() != "STATE_NOT_FOUND") return ledger.error();
    return Error(ErrorKind::kNotFound, "JOB_NOT_BEGUN",
                 "none of its tasks has begun yet; see mms job tasks")
        .At("job " + std::to_string(job.id));
  }
  const std::string selection = "job " + std::to_string(job.id);
  TRY(const JobConfig config, store.GetJobConfig(job.id));
  migration::Ledger& read = **ledger;
  read.Narrow([tables = std::move(tables), selection, &read,
               definition_only = !config.data_migration](TableRecord& table) -> Result<bool> {
    const auto tasks = tables.find(table.source_name);
    if (tasks == tables.end()) return false;
    table.part.emplace().definition_only = definition_only;
    if (SelectionOf(table) != selection) return TellPart(read, tasks->second, table);
    TellOwn(tasks->second, table);
    return true;
  });
  return ledger;
}

Result<LeftOutTables> FindLeftOutTables(Store& store, const Job& job, migration::Ledger& ledger) {
  TRY(TasksByTable tables, TasksOf(store, job));
  TRY_VOID(ledger.ListTables([&](const TableRecord& table) -> Status {
    tables.erase(table.source_name);
    return OkStatus();
  }));
  LeftOutTables left_out;
  left_out.count = static_cast<int64_t>(tables.size());
  for (const auto& [name, tasks] : tables) {
    if (left_out.names.size() == kLeftOutNamesMax) break;
    left_out.names.push_back(name);
  }
  return left_out;
}

}  // namespace mms::service
