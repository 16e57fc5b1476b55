#include "terminal/verbs.h"
#include "terminal/workflow_session.h"

namespace mms::terminal {

ExitCode RunRun(const std::string& file, Output& output) {
  Result<Config> config = LoadForPeers(file);
  if (!config) return output.Fail(config.error());
  auto workflow = migration::Workflow::Open(std::move(config->options));
  if (!workflow) return output.Fail(workflow.error());
  return Drive(**workflow, {"run", file}, output,
               [](migration::Workflow& opened) { return opened.Run(); });
}

}  // namespace mms::terminal
