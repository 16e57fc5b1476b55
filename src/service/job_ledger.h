// What the ledger knows of a job: the tables that it planned last, and those of its tables that
// could not be planned. A later job of the same table takes its place there; what was, stays in the
// job's evidence.
#pragma once

#include <memory>
#include <string>

#include "base/result.h"
#include "migration/evidence/bundle.h"
#include "migration/ledger/ledger.h"
#include "service/job.h"
#include "service/store.h"

namespace mms::service {

/// To read, beside whoever writes. `folder`: of the service. Errors: kNotFound JOB_NOT_BEGUN, and
/// those of Ledger::OpenToRead.
Result<std::unique_ptr<migration::Ledger>> OpenJobLedger(Store& store, const std::string& folder,
                                                         const Job& job);

/// Where a job's evidence is kept once its last task has ended.
std::string EvidencePath(const std::string& folder, int64_t job_id);
/// Signed by the service folder's own key. Errors: those of evidence/bundle.h.
Result<migration::BundleSummary> WriteJobEvidence(Store& store, const std::string& folder,
                                                  const Job& job, const std::string& path);

}  // namespace mms::service
