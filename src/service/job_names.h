// Names that a job gives beside its tables: its lists, and names at the target. One that matches
// nothing is a slip, by which another set of tables would be copied than was meant, or under
// another name; one that no target takes could only fail later.
#pragma once

#include "base/result.h"
#include "migration/inspect/source_filter.h"
#include "migration/metadata/metadata.h"
#include "service/job.h"

namespace mms::service {

/// Errors: kNotFound JOB_TABLES_NOT_FOUND naming what matches nothing that the metadata has of the
/// job's schema: a table of tableWhiteList that is there and that `filter` takes, one of
/// tableBlackList or tableMapping, a column of columnMapping in some table that the job means.
Status CheckNamesMatch(migration::Metadata& metadata, const Job& job,
                       const migration::SourceFilter& filter);

/// Errors: kInvalidInput JOB_CONFIG naming a table or column and what the target does not take.
Status CheckTargetNames(const JobConfig& config);

}  // namespace mms::service
