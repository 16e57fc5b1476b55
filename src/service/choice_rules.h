// What a job's choice goes by, of the source's settings and the job's own.
#pragma once

#include <optional>

#include "base/result.h"
#include "migration/inspect/source_filter.h"
#include "migration/inspect/source_settings.h"
#include "migration/plan/policy.h"
#include "service/job.h"
#include "service/source_config.h"

namespace mms::service {

struct ChoiceRules {
  migration::TaskSize size;
  std::optional<int> levels = {};  ///< partition columns that stay such; nullopt = all
  migration::Policy policy;        ///< names at the target
  migration::SourceFilter filter;  ///< the source's lists as they are now
  /// What a later scan may bring is not missed: tables that can be read, partitions that are meant.
  bool may_come = false;
};
/// Errors: kInvalidInput JOB_CONFIG for a key of `others` that a job does not have.
Result<ChoiceRules> ChoiceRulesOf(const SourceConfig& source, const JobConfig& job);

}  // namespace mms::service
