// The migration file (YAML) as options of a run. docs/cli.md describes it for people; the keys and
// their forms are fixed, since scripts stand on them.
//
// Secrets are references (env:NAME or file:PATH) only. Relative paths are taken from the file's own
// folder. Errors: kInvalidInput CONFIG_* (yaml_map.h), SECRET_* (base/secret.h); each names file,
// line and key.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "migration/workflow/workflow.h"

namespace mms::terminal {

enum class SecretUse {
  kResolve,  ///< read them: the verb talks to a peer
  kIgnore,   ///< only refuse literal ones: `report` must work where no secret is set
};

struct Config {
  migration::RunOptions options;
  /// Environment variables that secrets were read from.
  std::vector<std::string> secret_variables;
  std::string path;    ///< absolute
  std::string sha256;  ///< of the file's bytes
};

Result<Config> LoadConfig(const std::string& file, SecretUse secrets);
/// `file` is for messages and relative paths; it need not exist.
Result<Config> ParseConfig(const std::string& text, const std::string& file, SecretUse secrets);

/// Takes the variables out of this process's environment, so that children do not inherit them.
/// Call before threads start.
void ForgetSecretVariables(const Config& config);

}  // namespace mms::terminal
