#include "migration/workflow/check_sql.h"

#include <arrow/record_batch.h>
#include <fmt/format.h>

#include <optional>
#include <string>
#include <utility>

#include "clients/databricks/answer.h"
#include "clients/databricks/compute.h"
#include "migration/inspect/sql_access.h"

namespace mms::migration {
namespace {

using databricks::ComputeId;
using databricks::ComputeKind;
using databricks::ComputeReadiness;
using databricks::ComputeState;

class SqlSteps {
 public:
  SqlSteps(const SqlQuestion& question, CheckSteps& steps)
      : question_(question),
        steps_(steps),
        sql_(SqlOptionsOf(question.options), question.http,
             {question.wishes.on_wait, [http = question.http] { return http->cancelled(); }}) {}

  void Run() {
    Result<std::optional<ComputeId>> compute = sql_.Compute();
    if (compute && *compute && question_.api && !LookAt(**compute)) return;
    if (question_.wishes.sql == SqlWish::kLook) return;
    steps_.Take("SQL", "see that the user of the token may use the cluster or warehouse",
                [&]() -> Result<Finding> {
                  if (!compute) return compute.error();
                  if (!not_asked_.empty())
                    return Finding{not_asked_, remedy_, CheckOutcome::kUnknown};
                  return SelectOne();
                });
  }

 private:
  bool Starts() const { return question_.wishes.sql == SqlWish::kStartAndSelectOne; }

  bool LookAt(const ComputeId& id) {
    const bool cluster = id.kind == ComputeKind::kCluster;
    return steps_.Take(
        cluster ? "Databricks cluster" : "SQL warehouse",
        cluster ? "check source.cluster; to use it, its owner gives CAN ATTACH TO and CAN RESTART"
                : "check source.warehouse; to use it, its owner gives CAN USE",
        [&]() -> Result<Finding> { return ToldCompute(id); });
  }

  Result<Finding> ToldCompute(const ComputeId& id) {
    databricks::Compute compute(question_.api, {});
    Result<ComputeState> fetched = compute.Fetch(id);
    if (!fetched && databricks::LacksEndpoint(fetched.error())) {
      not_asked_ = "this server has no compute";
      return Finding{not_asked_, "", CheckOutcome::kUnknown};
    }
    TRY(const ComputeState state, std::move(fetched));
    TRY_VOID(CheckAccessMode(state));
    if (state.readiness == ComputeReadiness::kFailed && id.kind == ComputeKind::kWarehouse) {
      return Error(ErrorKind::kConflict, "COMPUTE_DELETED",
                   fmt::format("{} is {} {}; choose another", id.id, state.state, state.message));
    }
    if (state.readiness != ComputeReadiness::kReady && !Starts()) {
      not_asked_ = fmt::format("SELECT 1 is not tried: {} is {}", id.id, state.state);
      remedy_ = "mms check --start-compute starts it and waits; a run starts it when it needs SQL";
    }
    Finding finding{fmt::format("{} ({}) is {}", state.name, id.id, state.state)};
    if (!state.message.empty()) finding.detail += ": " + state.message;
    if (!state.access_mode.empty()) finding.detail += ", access mode " + state.access_mode;
    if (state.readiness == ComputeReadiness::kFailed) finding.outcome = CheckOutcome::kWarning;
    if (state.readiness == ComputeReadiness::kUnknown) finding.outcome = CheckOutcome::kUnknown;
    return finding;
  }

  Result<Finding> SelectOne() {
    if (Starts()) TRY_VOID(sql_.Prepare());
    TRY(const auto rows, sql_.Execute("SELECT 1"));
    int64_t count = 0;
    while (true) {
      TRY(const auto batch, rows->Next());
      if (!batch) break;
      count += batch->num_rows();
    }
    if (count == 1) return Finding{"SELECT 1 is answered"};
    return Error(ErrorKind::kCorrupt, "SQL_ANSWER",
                 fmt::format("the SQL server gave {} rows for SELECT 1", count));
  }

  const SqlQuestion& question_;
  CheckSteps& steps_;
  SqlAccess sql_;
  std::string not_asked_;  ///< why SELECT 1 is not tried; "" = it is
  std::string remedy_;
};

}  // namespace

void CheckSql(const SqlQuestion& question, CheckSteps& steps) {
  if (SqlOptionsOf(question.options).there()) SqlSteps(question, steps).Run();
}

}  // namespace mms::migration
