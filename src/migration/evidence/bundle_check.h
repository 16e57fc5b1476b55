// Whether an evidence bundle is as it was signed, and says what adds up. Needs neither a server nor
// a state folder, and takes nothing in the bundle for true before its signature is.
//
// One pass over the file; memory is bounded by one line (kEvidenceLineMax) and the small files.
#pragma once

#include <string>

#include "base/result.h"
#include "migration/evidence/bundle.h"

namespace mms::migration {

/// `key_fingerprint`: of the key that is trusted, in any case of letters; "" = whatever key is in
/// the bundle, which then proves no more than that nothing was changed since. Errors: those of
/// tar.h; kCorrupt, each naming the file: EVIDENCE_CHANGED, EVIDENCE_MISSING, EVIDENCE_ADDED,
/// EVIDENCE_ORDER, EVIDENCE_TOTALS, EVIDENCE_KEY_INVALID; kDenied EVIDENCE_OTHER_KEY; kUnsupported
/// EVIDENCE_FORMAT (of a later release); kLimitReached EVIDENCE_LINE.
Result<BundleSummary> CheckBundle(const std::string& path, const std::string& key_fingerprint);

}  // namespace mms::migration
