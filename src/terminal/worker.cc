#include <csignal>

#include "migration/transfer/worker_pool.h"
#include "terminal/verbs.h"

namespace mms::terminal {

ExitCode RunWorkerVerb(Output& output) {
  // Ctrl-C reaches the whole process group; only the parent decides when a worker ends.
  std::signal(SIGINT, SIG_IGN);
  const Status worked = migration::RunWorker();
  return worked ? ExitCode::kDone : output.Fail(worked.error());
}

}  // namespace mms::terminal
