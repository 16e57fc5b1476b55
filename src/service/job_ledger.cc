#include "service/job_ledger.h"

#include <nlohmann/json.hpp>
#include <utility>

#include "service/instance.h"
#include "service/service.h"

namespace mms::service {
namespace {

using migration::TableRecord;

constexpr int64_t kPage = 1'000;

std::string SelectionOf(const TableRecord& table) {
  const auto plan = nlohmann::json::parse(table.plan_json, nullptr, false);
  if (!plan.is_object() || !plan.contains("settings")) return "";
  return plan["settings"].value("selection", "");
}

}  // namespace

Result<std::set<std::string>> TableNamesOf(Store& store, const Job& job) {
  std::set<std::string> names;
  Store::TaskFilter filter;
  filter.job_id = job.id;
  for (int64_t page = 1;; ++page) {
    TRY(const std::vector<JobTask> tasks, store.ListJobTasks(filter, {page, kPage}));
    for (const JobTask& task : tasks) names.insert(task.table_name);
    if (static_cast<int64_t>(tasks.size()) < kPage) return names;
  }
}

Result<std::unique_ptr<migration::Ledger>> OpenJobLedger(Store& store, const std::string& folder,
                                                         const Job& job) {
  TRY(auto names, TableNamesOf(store, job));
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
  (*ledger)->Narrow([names = std::move(names), selection](const TableRecord& table) {
    if (!names.contains(table.source_name)) return false;
    const bool unplanned = table.state == migration::TableState::kRefused ||
                           table.state == migration::TableState::kFailed;
    return unplanned || SelectionOf(table) == selection;
  });
  return ledger;
}

}  // namespace mms::service
