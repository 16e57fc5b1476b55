// The numbers a script sees: closed, documented in docs/cli.md, never renumbered.
#pragma once

#include <vector>

#include "base/error.h"
#include "migration/workflow/workflow.h"

namespace mms::terminal {

enum class ExitCode {
  kDone = 0,
  kBug = 1,            ///< a bug of ours, or bytes that cannot be right
  kUsage = 2,          ///< the command line
  kConfiguration = 3,  ///< the file, credentials, rights, state folder, names that do not exist
  kPlanBlocked = 4,    ///< tables refused by name, nothing else wrong
  kTransient = 5,      ///< a failure that may pass outlived the retries
  kTasksFailed = 6,    ///< some tables failed
  kMismatch = 7,       ///< a comparison found a difference
  kLimitReached = 8,   ///< a window or limit ended it; resumable
  kInterrupted = 130,  ///< a signal ended it; resumable
};

/// Exit code of a command that ended with this kind of error.
ExitCode ExitCodeOf(ErrorKind kind);

/// Exit code of a run. A difference outweighs a failure, a failure a refusal. `failures` are the
/// kinds of the failed tables: when no table at all got through and all fell to the same cause (an
/// expired SAS, an unreachable host), the code is that cause's and not "some tables failed".
ExitCode ExitCodeOf(const migration::RunSummary& summary, const std::vector<ErrorKind>& failures);

}  // namespace mms::terminal
