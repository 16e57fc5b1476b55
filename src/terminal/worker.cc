#include <csignal>

#include "base/fault_point.h"
#include "migration/transfer/worker_pool.h"
#include "terminal/verbs.h"

namespace mms::terminal {

ExitCode RunWorkerVerb(Output& output) {
  // Ctrl-C reaches the whole process group; only the parent decides when a worker ends.
  std::signal(SIGINT, SIG_IGN);
  IgnoreFaultPoints();  // crashes of the parent are rehearsed
  const Status worked = migration::RunWorker();
  return worked ? ExitCode::kDone : output.Fail(worked.error());
}

}  // namespace mms::terminal
