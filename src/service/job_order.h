// What a task of a job is told to do, from the job's configuration. Pure.
#pragma once

#include <memory>

#include "base/result.h"
#include "migration/inspect/partition_selection.h"
#include "migration/workflow/job_task.h"
#include "service/job.h"

namespace mms::service {

/// How what is copied is compared. Errors: kInvalidInput JOB_CONFIG.
Result<migration::VerifyLevel> VerifyLevelOf(const JobConfig& config, bool compare_alone = false);
/// What the task copies, but for the values of a table's partitions (`task_of`), which are the
/// caller's to add where there are any (`whole_task` is 0). `id`: of the selection. Errors:
/// kInvalidInput JOB_CONFIG.
Result<migration::PartitionSelection> SelectionOf(const JobTask& task, const JobConfig& config,
                                                  const std::string& id);
/// Without what makes it stop. Errors: kInvalidInput JOB_CONFIG.
Result<migration::JobTaskOrder> OrderOf(
    const JobTask& task, const JobConfig& config,
    std::shared_ptr<const migration::PartitionSelection> selection);

}  // namespace mms::service
