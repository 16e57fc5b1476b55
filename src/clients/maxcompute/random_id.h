// Ids that nobody else makes: of SQL jobs and of calls that are repeated. Thread-safe.
#pragma once

#include <string>

namespace mms::maxcompute {

/// 128 random bits as a UUID (RFC 9562, version 4).
std::string RandomId();

}  // namespace mms::maxcompute
