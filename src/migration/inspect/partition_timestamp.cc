#include "migration/inspect/partition_timestamp.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "base/time_zone.h"

namespace mms::migration {
namespace {

constexpr size_t kSecondsEnd = 19;  // of "yyyy-MM-dd HH:mm:ss"

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

/// `text` by a pattern of its length: 'd' stands for a digit, all else for itself.
bool Matches(std::string_view text, std::string_view pattern) {
  if (text.size() != pattern.size()) return false;
  for (size_t i = 0; i < text.size(); ++i) {
    if (pattern[i] == 'd' ? !IsDigit(text[i]) : text[i] != pattern[i]) return false;
  }
  return true;
}

int NumberAt(const std::string& text, size_t at, size_t length) {
  int number = 0;
  std::from_chars(text.data() + at, text.data() + at + length, number);
  return number;
}

/// nullopt = no such day or time.
std::optional<date::local_seconds> LocalOf(const std::string& text) {
  const date::year_month_day day{date::year(NumberAt(text, 0, 4)),
                                 date::month(static_cast<unsigned>(NumberAt(text, 5, 2))),
                                 date::day(static_cast<unsigned>(NumberAt(text, 8, 2)))};
  const int hour = NumberAt(text, 11, 2);
  const int minute = NumberAt(text, 14, 2);
  const int second = NumberAt(text, 17, 2);
  if (!day.ok() || hour > 23 || minute > 59 || second > 59) return std::nullopt;
  return date::local_days(day) + std::chrono::hours(hour) + std::chrono::minutes(minute) +
         std::chrono::seconds(second);
}

}  // namespace

std::optional<PartitionTimestamp> ParsePartitionTimestamp(std::string_view value) {
  PartitionTimestamp timestamp;
  timestamp.zoned = HasZone(value);
  if (timestamp.zoned) value.remove_suffix(1);
  if (value.size() < kSecondsEnd) return std::nullopt;
  const std::string_view whole = value.substr(0, kSecondsEnd);
  if (!Matches(whole, "dddd-dd-dd dd:dd:dd") && !Matches(whole, "dddd-dd-ddTdd:dd:dd")) {
    return std::nullopt;
  }
  std::string_view fraction = value.substr(kSecondsEnd);
  if (!fraction.empty()) {
    const bool digits = fraction[0] == '.' && fraction.size() >= 2 && fraction.size() <= 10 &&
                        std::all_of(fraction.begin() + 1, fraction.end(), IsDigit);
    if (!digits) return std::nullopt;
    while (fraction.ends_with('0')) fraction.remove_suffix(1);
    if (fraction == ".") fraction = {};
  }
  timestamp.text = std::string(whole) + std::string(fraction);
  timestamp.text[10] = ' ';
  return timestamp;
}

bool HasZone(std::string_view value) { return value.ends_with('Z'); }

std::string ZonelessText(const std::string& column, const std::string& value) {
  return fmt::format(
      "partition column {}: values such as \"{}\" have no time zone in the Delta log", column,
      value);
}

std::string ZoneTakenText(const std::string& zone) {
  if (!zone.empty()) return "; they are taken as those of " + zone;
  return "; they are taken as UTC: set the source's legacy partition time zone if their writer's "
         "was another";
}

Result<std::optional<std::string>> TextInUtc(const std::string& text, const std::string& zone) {
  TRY(const date::time_zone* found, FindZone(zone));
  const std::optional<date::local_seconds> local = LocalOf(text);
  if (!local) return std::optional<std::string>();
  // With the offset before the change both rules hold.
  const date::local_info info = found->get_info(*local);
  const date::sys_seconds instant(local->time_since_epoch() - info.first.offset);
  const auto day = date::floor<date::days>(instant);
  const date::year_month_day civil(day);
  const int year = static_cast<int>(civil.year());
  if (year < 0 || year > 9999) return std::optional<std::string>();
  const date::hh_mm_ss<std::chrono::seconds> time(instant - day);
  return std::optional(fmt::format(
      "{:04}-{:02}-{:02} {:02}:{:02}:{:02}{}", year, static_cast<unsigned>(civil.month()),
      static_cast<unsigned>(civil.day()), time.hours().count(), time.minutes().count(),
      time.seconds().count(), text.substr(kSecondsEnd)));
}

}  // namespace mms::migration
