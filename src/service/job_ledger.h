// What the ledger knows of a job: of the tables that it planned last all, of those that a later job
// has planned since what that one has not taken over, and those that could not be planned. What was
// taken over stays in the job's evidence.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "migration/ledger/ledger.h"
#include "service/job.h"
#include "service/store.h"

namespace mms::service {

/// To read, beside whoever writes. `folder`: of the service. How the tables ended is told by the
/// job's tasks, where the ledger's word is another job's. Errors: kNotFound JOB_NOT_BEGUN, and
/// those of Ledger::OpenToRead.
Result<std::unique_ptr<migration::Ledger>> OpenJobLedger(Store& store, const std::string& folder,
                                                         const Job& job);

/// Tables of the job that its ledger does not tell of: later jobs have taken over all of them, or
/// none of their tasks has begun. A job takes over what it plans to copy, before it does.
struct LeftOutTables {
  int64_t count = 0;
  std::vector<std::string> names;  ///< JobTask::table_name; the first thousand
};
Result<LeftOutTables> FindLeftOutTables(Store& store, const Job& job, migration::Ledger& ledger);

}  // namespace mms::service
