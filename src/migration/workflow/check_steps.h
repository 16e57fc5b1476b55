// The steps of `mms check`, as they are taken. One thread.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/result.h"
#include "migration/workflow/check.h"

namespace mms::migration {

/// What a step saw when nothing failed.
struct Finding {
  std::string detail;
  /// What to do although it did not fail ("make one that lasts longer"), or to find out.
  std::string remedy = {};
  CheckOutcome outcome = CheckOutcome::kOk;
};

class CheckSteps {
 public:
  /// Takes the step and its time. `remedy` is what to do when it fails and the error's own text
  /// is not for this step alone. False when it failed.
  bool Take(const std::string& name, const std::string& remedy,
            const std::function<Result<Finding>()>& look);

  std::vector<CheckStep> steps;
};

}  // namespace mms::migration
