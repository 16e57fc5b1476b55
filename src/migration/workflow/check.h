// `mms check`: credentials, network and rights of both sides, each step alone, so that the first
// wrong one is named and not the last thing that broke because of it. Reads only; needs no ledger.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "migration/workflow/options.h"

namespace mms::migration {

enum class CheckOutcome { kOk, kFailed, kUnknown };

struct CheckStep {
  std::string name;  ///< "Databricks token", ...
  CheckOutcome outcome = CheckOutcome::kUnknown;
  std::string detail;  ///< what was seen, or the error, which says what to do
  std::string remedy;  ///< what to do beside that; "" = nothing
  long duration_ms = 0;
  std::optional<Error> error;
};

/// One caller's thread; each call makes its own connections.
std::vector<CheckStep> CheckAll(const RunOptions& options);

}  // namespace mms::migration
