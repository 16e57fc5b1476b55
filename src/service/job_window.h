// The window of a data source, in which its jobs' tasks begin.
#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"
#include "service/store.h"

namespace mms::service {

/// Why tasks wait now: "" = the window is open. Errors: those of a configuration that cannot be
/// read.
Result<std::string> WhyWindowWaits(const DataSource& source, int64_t now_ms);

}  // namespace mms::service
