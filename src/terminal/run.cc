#include <set>

#include "terminal/verbs.h"
#include "terminal/workflow_session.h"

namespace mms::terminal {
namespace {

/// The migration file that the plan was made with, as it was then; or the one that the user names.
Result<Config> LoadForPlan(const migration::PlanFile& plan, const std::string& named) {
  TRY(Config config, LoadForPeers(named.empty() ? plan.config_path : named));
  if (named.empty() && config.sha256 != plan.config_sha256) {
    return Error(ErrorKind::kConflict, "PLAN_CONFIG_CHANGED",
                 "is no longer as it was when the plan was made; make the plan again, or say that "
                 "it is meant as it is now: --config " +
                     plan.config_path)
        .At("migration file " + plan.config_path);
  }
  TRY_VOID(migration::Workflow::CheckTarget(plan, config.options));
  return config;
}

}  // namespace

ExitCode RunRun(const std::string& file, Output& output) {
  Result<Config> config = LoadForPeers(file);
  if (!config) return output.Fail(config.error());
  auto workflow = migration::Workflow::Open(std::move(config->options));
  if (!workflow) return output.Fail(workflow.error());
  return Drive(**workflow, {"run", file}, output,
               [](migration::Workflow& opened) { return opened.Run(); });
}

ExitCode RunFrozenPlan(const std::string& path, const std::string& named, Output& output) {
  const Result<migration::PlanFile> plan = migration::ReadPlanFile(path);
  if (!plan) return output.Fail(plan.error());
  Result<Config> config = LoadForPlan(*plan, named);
  if (!config) return output.Fail(config.error());
  auto workflow = migration::Workflow::Open(std::move(config->options));
  if (!workflow) return output.Fail(workflow.error());
  std::set<std::string> names;
  for (const migration::FrozenTable& table : plan->tables) names.insert(table.source_name);
  return Drive(**workflow, {"run", config->path, path}, output,
               [&](migration::Workflow& opened) -> Result<migration::RunSummary> {
                 auto summary = opened.RunFrozen(*plan);
                 // The summary is of these tables, not of all that the ledger has.
                 opened.ledger().Narrow([&names](const migration::TableRecord& table) {
                   return names.contains(table.source_name);
                 });
                 return summary;
               });
}

}  // namespace mms::terminal
