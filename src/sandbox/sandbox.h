// `mms sandbox`: a MaxCompute-compatible endpoint on one port, for rehearsals and tests. Tables
// live in plain Parquet files (storage.h); nothing leaves the machine.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "sandbox/limits.h"
#include "sandbox/users.h"

namespace mms::sandbox {

struct Options {
  std::string listen;  ///< HOST:PORT, port 0 = a free one
  std::string data_dir;
  std::vector<std::string> projects;
  std::vector<std::string> flat_projects;  ///< without schemas: names have two tiers
  std::vector<User> users;
  std::string faults_json;  ///< fault rules in force from the start (faults.h); empty = none
  LimitOptions limits;
  int64_t session_s = 24 * 3600;  ///< life of upload and download sessions
};

/// Serves in the foreground until SIGTERM or SIGINT. When ready it prints one line on stdout:
/// "mms sandbox ready at http://HOST:PORT (project P, data DIR)". Call from the main thread, before
/// others are started: it takes over the two signals while it runs. Errors: kInvalidInput
/// SANDBOX_OPTIONS, SANDBOX_USERS, SANDBOX_FAULTS, SANDBOX_DATA_UNWRITABLE, HTTP_ADDRESS; kConflict
/// SANDBOX_DATA_LOCKED; kUnavailable HTTP_LISTEN_FAILED.
Status Run(const Options& options);

}  // namespace mms::sandbox
