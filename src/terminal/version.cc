#include "base/version.h"

#include <nlohmann/json.hpp>

#include "base/fault_point.h"
#include "clients/maxcompute/calls.h"
#include "migration/ledger/ledger.h"
#include "migration/workflow/workflow_points.h"
#include "terminal/verbs.h"

namespace mms::terminal {
namespace {

std::string PointName(Moment moment, std::string_view step) {
  return std::string(MomentName(moment)) + " " + std::string(step);
}

/// What MMS_FAULT takes, by where it is taken; and the calls that change something, which may be
/// carried out when their sender is dead. For tests, which walk all of it.
nlohmann::json FaultPoints() {
  nlohmann::json ledger = nlohmann::json::array();
  for (const std::string_view act : migration::LedgerActs()) {
    for (const Moment moment : {Moment::kBefore, Moment::kDuring, Moment::kAfter}) {
      ledger.push_back(PointName(moment, act));
    }
  }
  nlohmann::json calls = nlohmann::json::array();
  nlohmann::json late = nlohmann::json::array();
  for (const maxcompute::CallRule& call : maxcompute::AllCalls()) {
    for (const Moment moment : {Moment::kBefore, Moment::kAfter}) {
      calls.push_back(PointName(moment, call.name));
    }
    const bool is_read = call.lost_answer == maxcompute::LostAnswer::kChangesNothing ||
                         call.lost_answer == maxcompute::LostAnswer::kReadOnFromThere;
    if (!is_read) late.push_back(call.name);
  }
  nlohmann::json workflow = nlohmann::json::array();
  for (const migration::WorkflowPoint& point : migration::kWorkflowPoints) {
    workflow.push_back(PointName(point.moment, point.step));
  }
  return {{"ledger", std::move(ledger)},
          {"calls", std::move(calls)},
          {"late_calls", std::move(late)},
          {"workflow", std::move(workflow)}};
}

}  // namespace

ExitCode RunVersion(Output& output) {
  if (output.json()) {
    output.Object("version", {{"version", kVersion}, {"fault_points", FaultPoints()}});
  } else {
    output.Result("mms " + std::string(kVersion) + "\n");
  }
  return ExitCode::kDone;
}

}  // namespace mms::terminal
