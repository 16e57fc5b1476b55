// Our errors through Arrow and back: a file that Arrow reads for us can only report arrow::Status,
// so the Error travels in its detail and comes out whole on the other side.
#pragma once

#include <arrow/status.h>

#include <string>

#include "base/result.h"

namespace mms::azure {

/// A status that carries the error.
arrow::Status ToArrow(Error error);

/// An arrow::Status of a read as ours. One that ToArrow made gives its error back (storage errors:
/// kDenied STORAGE_DENIED, kNotFound STORAGE_NOT_FOUND, kUnavailable STORAGE_UNREACHABLE, ...);
/// local files: kNotFound / kDenied by errno; out of memory kLimitReached OUT_OF_MEMORY; what Arrow
/// cannot do kUnsupported FILE_UNSUPPORTED; all else kCorrupt FILE_UNREADABLE. `object` names the
/// file. Scrubbed.
Error FromArrow(const arrow::Status& status, const std::string& object);

}  // namespace mms::azure
