#include "migration/workflow/check_steps.h"

#include <chrono>
#include <utility>

#include "base/secret.h"

namespace mms::migration {

bool CheckSteps::Take(const std::string& name, const std::string& remedy,
                      const std::function<Result<Finding>()>& look) {
  using Clock = std::chrono::steady_clock;
  CheckStep step;
  step.name = name;
  const auto start = Clock::now();
  Result<Finding> seen = look();
  step.duration_ms =
      std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - start).count();
  if (seen) {
    step.outcome = seen->outcome;
    step.detail = ScrubSecrets(seen->detail);
    step.remedy = ScrubSecrets(seen->remedy);
  } else {
    step.outcome = CheckOutcome::kFailed;
    step.detail = ScrubSecrets(seen.error().ToString());
    step.remedy = remedy;
    step.error = std::move(seen).error();
  }
  steps.push_back(std::move(step));
  return steps.back().outcome != CheckOutcome::kFailed;
}

}  // namespace mms::migration
