// `mms check`: credentials, network and rights of both sides, each step alone, so that the first
// wrong one is named and not the last thing that broke because of it. Reads only, and starts
// nothing unless that is wished; needs no ledger.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/http_client.h"
#include "base/retry.h"
#include "migration/workflow/options.h"

namespace mms::migration {

enum class CheckOutcome {
  kOk,
  kWarning,  ///< in order for this migration, but not as it should be
  kFailed,
  kUnknown,  ///< the other side does not tell, or was not asked
};

struct CheckStep {
  std::string name;  ///< "Databricks token", ...
  CheckOutcome outcome = CheckOutcome::kUnknown;
  std::string detail;  ///< what was seen, or the error, which says what to do
  std::string remedy;  ///< what to do beside that; "" = nothing
  long duration_ms = 0;
  std::optional<Error> error;
};

/// What is done with the place where the source's SQL runs, beside looking at its state.
enum class SqlWish {
  kLook,               ///< nothing
  kSelectOne,          ///< SELECT 1, where it runs
  kStartAndSelectOne,  ///< and it is started where it does not
};

struct CheckWishes {
  SqlWish sql = SqlWish::kLook;
  std::function<void(const std::string& text)> on_wait = {};  ///< for people, while it starts
};

/// One caller's thread; each call makes its own connections.
std::vector<CheckStep> CheckAll(const RunOptions& options, const CheckWishes& wishes);

struct SourceCheckRequest {
  const RunOptions& options;
  std::shared_ptr<HttpClient> http;  ///< whose Cancel ends the steps
  RetryPolicy retry;
  /// Workspace, token, catalog and compute; neither tables nor rights nor storage, which take calls
  /// by the number of schemas and tables.
  bool connection_only = false;
  CheckWishes wishes = {};
};
/// The source's side alone.
std::vector<CheckStep> CheckSource(const SourceCheckRequest& request);

/// The target's side alone: one project, with the place where its SQL runs. Makes and drops a table
/// of its own there. `http`: whose Cancel ends the steps.
std::vector<CheckStep> CheckTarget(const maxcompute::Options& target,
                                   const std::shared_ptr<HttpClient>& http);

}  // namespace mms::migration
