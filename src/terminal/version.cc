#include "terminal/version.h"
#include "terminal/verbs.h"

namespace mms::terminal {

ExitCode RunVersion(Output& output) {
  if (output.json()) {
    output.Object("version", {{"version", kVersion}});
  } else {
    output.Result("mms " + std::string(kVersion) + "\n");
  }
  return ExitCode::kDone;
}

}  // namespace mms::terminal
