// Time zones by their IANA names, out of the system's tables (tzdata), which are read once.
//
// Threads: any; zones live as long as the process.
#pragma once

#include <date/tz.h>

#include <string_view>

#include "base/result.h"

namespace mms {

/// Errors: kInvalidInput CONFIG_VALUE ("must name ...").
Result<const date::time_zone*> FindZone(std::string_view name);
Status CheckZone(std::string_view name);

}  // namespace mms
