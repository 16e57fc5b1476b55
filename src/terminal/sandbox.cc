#include "sandbox/sandbox.h"

#include "base/secret.h"
#include "terminal/verbs.h"

namespace mms::terminal {

ExitCode RunSandbox(const SandboxFlags& flags, Output& output) {
  sandbox::Options options;
  options.listen = flags.listen;
  options.data_dir = flags.data_dir;
  options.projects = flags.projects;
  options.access_key_id = flags.access_key_id;
  Result<Secret> secret = ResolveSecret(flags.access_key_secret, "--access-key-secret");
  if (!secret) return output.Fail(secret.error());
  options.access_key_secret = std::move(*secret);
  if (!flags.security_token.empty()) {
    Result<Secret> token = ResolveSecret(flags.security_token, "--security-token");
    if (!token) return output.Fail(token.error());
    options.security_token = token->Reveal();
  }
  const Status served = sandbox::Run(options);
  return served ? ExitCode::kDone : output.Fail(served.error());
}

}  // namespace mms::terminal
