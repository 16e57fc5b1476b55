#include "audit.h"

#include <nlohmann/json.hpp>

#include "migration/evidence/bundle_check.h"
#include "migration/ledger/ledger.h"
#include "migration/plan/plan.h"
#include "service/instance.h"
#include "service/job_evidence.h"
#include "service/service.h"

namespace mms::simulation {
namespace {

using migration::Ledger;
using nlohmann::json;

constexpr const char* kProject = "dw";

json FilesOf(const migration::UnitPlan& plan) {
  json files = json::array();
  for (const migration::Split& split : plan.splits) {
    for (const migration::FileSlice& slice : split.slices) {
      if (slice.start == 0) files.push_back(slice.path);
    }
  }
  return files;
}

Status AddLedger(Ledger& ledger, json* audit) {
  return ledger.ListTables([&](migration::TableRecord table) -> Status {
    (*audit)["tables"].push_back({{"table", table.target_table},
                                  {"version", table.version},
                                  {"state", static_cast<int>(table.state)},
                                  {"error", table.error_json}});
    return ledger.ListUnits(table.id, std::nullopt, [&](migration::UnitRecord unit) -> Status {
      TRY(const auto plan, migration::UnitPlanFromJson(json::parse(unit.plan_json)));
      (*audit)["units"].push_back({{"table", table.target_table},
                                   {"partition", unit.partition},
                                   {"task", unit.task},
                                   {"state", static_cast<int>(unit.state)},
                                   {"generation", unit.generation},
                                   {"session", unit.session_id},
                                   {"verdict", static_cast<int>(unit.verdict)},
                                   {"rows", unit.rows_copied.value_or(-1)},
                                   {"version", table.version},
                                   {"appends", plan.base.has_value()},
                                   {"files", FilesOf(plan)}});
      return OkStatus();
    });
  });
}

Status AddTasks(service::Store& store, json* audit) {
  TRY(const auto tasks, store.ListJobTasks({}, {1, 1000}));
  for (const service::JobTask& task : tasks) {
    (*audit)["tasks"].push_back({{"id", task.id},
                                 {"job", task.job_id},
                                 {"table", task.src_table},
                                 {"whole", task.whole_table},
                                 {"partitions", task.partitions},
                                 {"status", static_cast<int>(task.status)},
                                 {"running", task.running},
                                 {"not_before", task.not_before_ms},
                                 {"rows", task.rows_copied.value_or(-1)},
                                 {"error", task.error_json}});
  }
  return OkStatus();
}

/// Of jobs that have ended.
Status AddEvidence(service::Store& store, const std::string& folder, json* audit) {
  TRY(const auto jobs, store.ListJobs({}, {1, 100}));
  for (const service::Job& job : jobs) {
    if (job.tasks.waiting + job.tasks.running > 0) continue;
    TRY(const auto kept, service::ListEvidence(folder, job.id));
    json one = {{"job", job.id}, {"there", !kept.empty()}};
    for (const service::KeptBundle& bundle : kept) {
      const auto summary = migration::CheckBundle(bundle.path, "");
      if (summary) one["manifest"] = summary->manifest;
      if (!summary) one["error"] = summary.error().ToString();
    }
    (*audit)["evidence"].push_back(std::move(one));
  }
  return OkStatus();
}

}  // namespace

Result<json> Audit(service::Store& store, const Audited& audited) {
  json audit = {{"tasks", json::array()},
                {"tables", json::array()},
                {"units", json::array()},
                {"evidence", json::array()}};
  TRY_VOID(AddTasks(store, &audit));
  if (audited.over) TRY_VOID(AddEvidence(store, audited.folder, &audit));
  const std::string ledger_folder = service::LedgerFolder(
      service::SourceFolder(audited.folder, audited.source_id), {kProject, ""});
  const auto ledger = Ledger::OpenToRead(ledger_folder);
  if (ledger) {
    TRY_VOID(AddLedger(**ledger, &audit));
  } else if (ledger.error().code() != "STATE_NOT_FOUND" && ledger.error().code() != "STATE_EMPTY") {
    return ledger.error();
  }
  return audit;
}

}  // namespace mms::simulation
