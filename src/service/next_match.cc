#include "service/next_match.h"

#include <date/tz.h>

#include <chrono>

#include "base/time_zone.h"

namespace mms::service {
namespace {

using migration::MetaTimer;
using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

date::sys_time<milliseconds> At(int64_t ms) {
  return date::sys_time<milliseconds>(milliseconds(ms));
}

int64_t Ms(date::sys_seconds time) {
  return std::chrono::duration_cast<milliseconds>(time.time_since_epoch()).count();
}

/// The instant of a civil time: the first of two, or the end of a gap.
date::sys_seconds InstantOf(const date::time_zone& zone, date::local_seconds local) {
  const date::local_info info = zone.get_info(local);
  if (info.result == date::local_info::nonexistent) return info.first.end;
  return date::sys_seconds(local.time_since_epoch() - info.first.offset);
}

int64_t NextDaily(const MetaTimer& timer, const date::time_zone& zone, int64_t after_ms) {
  const auto local = zone.to_local(At(after_ms));
  auto day = date::floor<date::days>(local) - date::days(1);
  for (;; day += date::days(1)) {
    const date::local_seconds begin(day);
    // A day that the zone skipped whole (Samoa, 2011-12-30) has no match.
    if (InstantOf(zone, begin) == InstantOf(zone, begin + date::days(1))) continue;
    const auto wanted = begin + hours(timer.hour) + minutes(timer.minute);
    const int64_t match = Ms(InstantOf(zone, wanted));
    if (match > after_ms) return match;
  }
}

/// Within one offset a match is an hour after the last; where the offset changes, at the change at
/// the earliest.
int64_t NextHourly(const MetaTimer& timer, const date::time_zone& zone, int64_t after_ms) {
  date::sys_seconds from = date::floor<seconds>(At(after_ms)) + seconds(1);
  for (;;) {
    const date::sys_info info = zone.get_info(from);
    const auto local = from.time_since_epoch() + info.offset;
    const auto hour = date::floor<hours>(local);
    auto wanted = hour + minutes(timer.minute);
    if (wanted < local) wanted += hours(1);
    const date::sys_seconds match(wanted - info.offset);
    if (match < info.end) return Ms(match);
    from = info.end;
  }
}

}  // namespace

Result<int> MinuteOfDay(const std::string& zone, int64_t now_ms) {
  TRY(const date::time_zone* found, FindZone(zone));
  const auto local = date::floor<minutes>(found->to_local(At(now_ms)));
  return static_cast<int>((local - date::floor<date::days>(local)).count());
}

Result<int64_t> NextMatch(const MetaTimer& timer, const std::string& zone, int64_t after_ms) {
  CHECK(timer.type != MetaTimer::Type::kNone);
  TRY(const date::time_zone* found, FindZone(zone));
  return timer.type == MetaTimer::Type::kDaily ? NextDaily(timer, *found, after_ms)
                                               : NextHourly(timer, *found, after_ms);
}

Result<int64_t> DueMatch(const MetaTimer& timer, const std::string& zone, int64_t last_ms,
                         int64_t now_ms) {
  if (timer.type == MetaTimer::Type::kNone || now_ms <= last_ms) return int64_t{0};
  TRY(int64_t match, NextMatch(timer, zone, last_ms));
  if (match > now_ms) return int64_t{0};
  // Of those that were missed the last one stands for all; it is within a day of now, or two where
  // a clock was changed.
  const int64_t near_ms = now_ms - int64_t{50} * 3'600'000;
  if (match < near_ms) {
    TRY(match, NextMatch(timer, zone, near_ms));
  }
  for (;;) {
    TRY(const int64_t next, NextMatch(timer, zone, match));
    if (next > now_ms) return match;
    match = next;
  }
}

}  // namespace mms::service
