#include "terminal/exit_code.h"

#include <algorithm>

namespace mms::terminal {

ExitCode ExitCodeOf(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::kInvalidInput:
    case ErrorKind::kNotFound:
    case ErrorKind::kDenied:
    case ErrorKind::kConflict:  // what the file names is in the way or in use: a person has to look
      return ExitCode::kConfiguration;
    case ErrorKind::kUnsupported: return ExitCode::kPlanBlocked;
    case ErrorKind::kThrottled:
    case ErrorKind::kUnavailable: return ExitCode::kTransient;
    case ErrorKind::kLimitReached: return ExitCode::kLimitReached;
    case ErrorKind::kCancelled: return ExitCode::kInterrupted;
    case ErrorKind::kCorrupt:
    case ErrorKind::kInternal: return ExitCode::kBug;
  }
  return ExitCode::kBug;
}

ExitCode ExitCodeOf(const migration::RunSummary& summary, const std::vector<ErrorKind>& failures) {
  if (summary.mismatched > 0) return ExitCode::kMismatch;
  if (summary.failed > 0) {
    const bool nothing_done = summary.done == 0 && !failures.empty();
    const bool one_cause =
        nothing_done && std::all_of(failures.begin(), failures.end(), [&](ErrorKind kind) {
          return ExitCodeOf(kind) == ExitCodeOf(failures.front());
        });
    return one_cause ? ExitCodeOf(failures.front()) : ExitCode::kTasksFailed;
  }
  if (summary.refused > 0) return ExitCode::kPlanBlocked;
  return ExitCode::kDone;
}

}  // namespace mms::terminal
