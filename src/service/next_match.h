// When a Daily or Hourly timer fires, on the clock of an IANA zone. Pure, but for the system's zone
// tables (tzdata), which are read once.
//
// A daily timer fires once on each civil day that its zone has, an hourly one once in each hour
// that passes. Where the clock springs over the time, the match is the first instant after the gap;
// where the clock goes back, a daily timer fires at the first of the two, an hourly one in both
// hours, since both pass.
#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"
#include "migration/inspect/source_settings.h"

namespace mms::service {

/// 0 to 1439, on the zone's clock. Errors: those of FindZone (base/time_zone.h).
Result<int> MinuteOfDay(const std::string& zone, int64_t now_ms);

/// The first match after `after_ms` (since 1970 UTC). `timer` is not of type none. Errors: those of
/// FindZone.
Result<int64_t> NextMatch(const migration::MetaTimer& timer, const std::string& zone,
                          int64_t after_ms);

/// Whether a timer fires at `now_ms`, and for which match: the last one in (last_ms, now_ms], so
/// that matches missed while nothing ran fire once, and one that was answered never again, also
/// when the clock was set back. `last_ms`: the last match answered, or when the timer was set.
/// 0 = not now.
Result<int64_t> DueMatch(const migration::MetaTimer& timer, const std::string& zone,
                         int64_t last_ms, int64_t now_ms);

}  // namespace mms::service
