// The steps of `mms check` that look at the storage under the tables: what the SAS says of itself,
// and one table's log read in each storage account.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/error.h"
#include "migration/inspect/inspect.h"
#include "migration/workflow/check_steps.h"

namespace mms::migration {

/// What can be told of a SAS without asking Azure. `now_ms` since 1970 UTC. Errors: as
/// azure::ParseSas; STORAGE_SAS_EXPIRED.
Result<Finding> JudgeSas(const Secret& sas, int64_t now_ms);

/// What to do about a storage that could not be read: a managed account of the workspace, whose
/// deny assignment bars everyone but Databricks, is told from a SAS that is wrong. "" = the error
/// says it.
std::string StorageRemedy(const Error& error, const std::string& account);

/// `tables`: any number; the first of each storage account is read.
void CheckStorage(const SourceOptions& options, Source& source,
                  const std::vector<SourceTable>& tables, CheckSteps& steps);

}  // namespace mms::migration
