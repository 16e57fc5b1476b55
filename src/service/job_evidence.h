// Evidence of a job: one bundle for each time that its last task ended, numbered from 1 in
// `evidence/` of the service's folder, as job-7-1.tar. None is ever replaced: a later end of the
// job (a retry, another comparison) or a later job of its tables tells of what the ledger holds
// then, and what an earlier one attested would be nowhere else.
//
// Each names the one before it with its hash, so that one which is held back is missed. Two
// processes may keep bundles side by side. A kill leaves a bundle whole or not there; one that was
// not noted in the store any more is kept again, under the next number.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "migration/evidence/bundle.h"
#include "service/job.h"
#include "service/store.h"

namespace mms::service {

struct KeptBundle {
  int64_t number = 0;  ///< 0 = job-7.tar, of a release that kept one alone
  std::string path;
  int64_t size_bytes = 0;
};
/// Oldest first; none is no error. Errors: kDenied EVIDENCE_UNREADABLE.
Result<std::vector<KeptBundle>> ListEvidence(const std::string& folder, int64_t job_id);

struct WrittenBundle {
  std::string path;
  migration::BundleSummary summary;
};
/// What the ledger says of it now, signed by the service folder's own key, as its next bundle.
/// Errors: those of OpenJobLedger and evidence/bundle.h; kDenied EVIDENCE_UNREADABLE.
Result<WrittenBundle> KeepJobEvidence(Store& store, const std::string& folder, const Job& job);
/// The same in a file of the caller's, which is no number of the job's and is replaced when it is
/// there.
Result<WrittenBundle> WriteJobEvidence(Store& store, const std::string& folder, const Job& job,
                                       const std::string& path);

}  // namespace mms::service
