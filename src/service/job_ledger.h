// What the ledger knows of a job: the tables that it planned last, and those of its tables that
// could not be planned. A later job of the same table takes its place there; what was, stays in the
// job's evidence.
#pragma once

#include <memory>
#include <set>
#include <string>

#include "base/result.h"
#include "migration/ledger/ledger.h"
#include "service/job.h"
#include "service/store.h"

namespace mms::service {

/// To read, beside whoever writes. `folder`: of the service. Errors: kNotFound JOB_NOT_BEGUN, and
/// those of Ledger::OpenToRead.
Result<std::unique_ptr<migration::Ledger>> OpenJobLedger(Store& store, const std::string& folder,
                                                         const Job& job);

/// Tables of its tasks (JobTask::table_name).
Result<std::set<std::string>> TableNamesOf(Store& store, const Job& job);

}  // namespace mms::service
