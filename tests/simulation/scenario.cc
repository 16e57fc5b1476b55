#include "scenario.h"

#include <algorithm>
#include <array>

#include "clients/maxcompute/calls.h"
#include "migration/ledger/ledger.h"
#include "migration/workflow/workflow_points.h"

namespace mms::simulation {
namespace {

using nlohmann::json;

constexpr double kCatchingUp = 0.4;
constexpr std::array kMoments = {"before ", "during ", "after "};

/// A write to the ledger, a call, or what lies between, at one of its first passings.
std::string DrawFaultPoint(const Draw& draw, uint64_t life) {
  std::vector<std::string> points;
  for (const std::string_view act : migration::LedgerActs()) {
    for (const char* moment : kMoments) points.push_back(moment + std::string(act));
  }
  for (const maxcompute::CallRule& rule : maxcompute::AllCalls()) {
    points.push_back("before " + std::string(rule.name));
    points.push_back("after " + std::string(rule.name));
  }
  for (const migration::WorkflowPoint& point : migration::kWorkflowPoints) {
    points.push_back(std::string(MomentName(point.moment)) + " " + std::string(point.step));
  }
  const std::string point = points[draw.Bits("point", life) % points.size()];
  return point + ":" + std::to_string(draw.Number("passing", 1, 4, life));
}

LifePlan DrawLife(const Draw& draw, uint64_t life) {
  constexpr std::array kFaults = {0.01, 0.03, 0.07, 0.15};
  constexpr std::array kCrashes = {0.0, 0.004, 0.01, 0.03};
  LifePlan plan;
  plan.trouble.faults = kFaults[draw.Bits("faults") % kFaults.size()];
  plan.trouble.crashes = kCrashes[draw.Bits("crashes") % kCrashes.size()];
  plan.trouble.spoils = draw.Happens("spoils", 0.2) ? 0.1 : 0;
  plan.turns_max = draw.Number("turns", 3, 24, life);
  const int64_t death = draw.Number("death", 0, 2, life);
  if (death == 1) plan.trouble.dies_at = draw.Number("dies at", 1, 60, life);
  if (death == 2) plan.fault_point = DrawFaultPoint(draw, life);
  return plan;
}

json DrawSettings(const Draw& draw) {
  json settings = {
      {"db.workspace.url", "http://127.0.0.1:1"},
      {"db.catalog", "main"},
      {"db.access.token", "dapi-secret"},
      {"azure.auth.type", "sas"},
      {"azure.sas.token", "?sv=2024-01-01&sr=c&sp=rl&se=2099-01-01T00:00:00Z&sig=c2lnbmF0dXJl"},
      {"mc.default.project", "dw"},
      {"mc.job.project", "dw"},
      {"task.max.num", std::to_string(draw.Number("concurrency", 1, 4))},
      {"db.task.partition.max.num", std::to_string(draw.Number("task size", 1, 3))}};
  if (draw.Happens("window", 0.3)) {
    settings["task.window"] = {{"start", "22:00"}, {"end", "06:00"}};
  }
  return settings;
}

std::vector<PlannedAct> DrawActs(const Draw& draw, const SourceSide& source) {
  std::vector<PlannedAct> acts;
  const int64_t jobs = draw.Number("jobs", 1, 3);
  for (int64_t job = 0; job < jobs; ++job) {
    const auto nth = static_cast<uint64_t>(job);
    json tables = json::array();
    for (const auto& [name, table] : source.tables) {
      if (tables.empty() || draw.Happens("in job " + name, 0.7, nth)) tables.push_back(name);
    }
    acts.push_back({job == 0 ? 0 : draw.Number("job at", 1, 20, nth),
                    {{"do", "make job"},
                     {"name", "job " + std::to_string(job)},
                     {"tables", tables},
                     {"increment", draw.Happens("increment", 0.5, nth)},
                     {"method", draw.Happens("count", 0.3, nth) ? "count" : "checksum"}}});
  }
  constexpr std::array kWhats = {"stop job",   "start job",   "retry job",
                                 "verify job", "stop source", "start source",
                                 "clock",      "writers",     "sync"};
  const int64_t count = draw.Number("acts", 0, 6);
  for (int64_t act = 0; act < count; ++act) {
    const auto nth = static_cast<uint64_t>(act);
    json action = {{"do", kWhats[draw.Bits("act", nth) % kWhats.size()]},
                   {"id", draw.Number("of job", 1, jobs, nth)},
                   {"jump_ms", draw.Number("jump", -3'600'000, 3'600'000, nth)}};
    acts.push_back({draw.Number("act at", 1, 24, nth), std::move(action)});
  }
  std::stable_sort(acts.begin(), acts.end(),
                   [](const auto& a, const auto& b) { return a.turn < b.turn; });
  return acts;
}

}  // namespace

Scenario MakeScenario(const Draw& draw, const SourceSide& source) {
  Scenario scenario;
  scenario.settings = DrawSettings(draw);
  scenario.target = {{"endpoint", "http://target.invalid/api"},
                     {"tunnel_endpoint", "http://tunnel.invalid"},
                     {"codec", "raw"},
                     {"access_key_id", "key"},
                     {"access_key_secret", "secret"}};
  const int64_t troubled = draw.Number("lives", 1, 3);
  for (int64_t life = 0; life < troubled; ++life) {
    scenario.lives.push_back(DrawLife(draw, static_cast<uint64_t>(life)));
  }
  scenario.lives.emplace_back();
  scenario.acts = DrawActs(draw, source);
  scenario.catches_up = draw.Happens("catches up", kCatchingUp);
  scenario.waits = draw.Happens("waits", 0.5);
  return scenario;
}

}  // namespace mms::simulation
