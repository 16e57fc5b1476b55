#include "terminal/verbs.h"
#include "terminal/workflow_session.h"

namespace mms::terminal {

ExitCode RunVerify(const std::string& file, Output& output) {
  Result<Config> config = LoadForPeers(file);
  if (!config) return output.Fail(config.error());
  // Asking for a comparison outweighs the file's "none".
  migration::VerifyLevel& level = config->options.verify;
  if (level == migration::VerifyLevel::kNone) level = migration::VerifyLevel::kCount;
  auto workflow = migration::Workflow::Open(std::move(config->options));
  if (!workflow) return output.Fail(workflow.error());
  return Drive(**workflow, {"verify", file}, output,
               [](migration::Workflow& opened) { return opened.Verify(); });
}

}  // namespace mms::terminal
