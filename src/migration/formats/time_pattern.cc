#include "migration/formats/time_pattern.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

namespace mms::migration {
namespace {

constexpr int64_t kMicrosPerSecond = 1'000'000;

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

/// Takes `min` to `max` digits off the front of `text`; nullopt = fewer.
std::optional<int> TakeDigits(std::string_view* text, size_t min, size_t max) {
  int value = 0;
  size_t count = 0;
  while (count < max && count < text->size() && IsDigit((*text)[count])) {
    value = value * 10 + ((*text)[count++] - '0');
  }
  if (count < min) return std::nullopt;
  text->remove_prefix(count);
  return value;
}

bool TakeChar(std::string_view* text, std::string_view any_of) {
  if (text->empty() || any_of.find(text->front()) == any_of.npos) return false;
  text->remove_prefix(1);
  return true;
}

/// Spark takes blanks and control characters off both ends before it casts.
std::string_view Trim(std::string_view text) {
  const auto idle = [](char c) { return c >= 0 && c <= ' '; };
  while (!text.empty() && idle(text.front())) text.remove_prefix(1);
  while (!text.empty() && idle(text.back())) text.remove_suffix(1);
  return text;
}

std::optional<int32_t> ToDays(int year, int month, int day) {
  const std::chrono::year_month_day date{std::chrono::year(year),
                                         std::chrono::month(static_cast<unsigned>(month)),
                                         std::chrono::day(static_cast<unsigned>(day))};
  if (!date.ok()) return std::nullopt;
  return static_cast<int32_t>(std::chrono::sys_days(date).time_since_epoch().count());
}

std::optional<int32_t> TakeDate(std::string_view* text) {
  const auto year = TakeDigits(text, 4, 4);
  if (!year || !TakeChar(text, "-")) return std::nullopt;
  const auto month = TakeDigits(text, 1, 2);
  if (!month || !TakeChar(text, "-")) return std::nullopt;
  const auto day = TakeDigits(text, 1, 2);
  if (!day) return std::nullopt;
  return ToDays(*year, *month, *day);
}

/// Seconds east of UTC of what is left of a text.
std::optional<int> ReadZone(std::string_view text) {
  if (text == "Z" || text == "UTC") return 0;
  const bool west = !text.empty() && text.front() == '-';
  if (!TakeChar(&text, "+-")) return std::nullopt;
  const auto hours = TakeDigits(&text, 2, 2);
  if (!hours) return std::nullopt;
  int minutes = 0;
  if (!text.empty()) {
    TakeChar(&text, ":");
    const auto read = TakeDigits(&text, 2, 2);
    if (!read) return std::nullopt;
    minutes = *read;
  }
  if (!text.empty() || *hours > 18 || minutes > 59) return std::nullopt;
  const int seconds = *hours * 3600 + minutes * 60;
  return west ? -seconds : seconds;
}

/// The digits of a fraction of a second as microseconds.
std::optional<int> TakeFraction(std::string_view* text, size_t min, size_t max) {
  const std::string_view before = *text;
  if (!TakeDigits(text, min, max)) return std::nullopt;
  const size_t count = before.size() - text->size();
  int micros = 0;
  for (size_t i = 0; i < 6; ++i) micros = micros * 10 + (i < count ? before[i] - '0' : 0);
  return micros;
}

std::optional<int64_t> TakeTime(std::string_view* text) {
  const auto hour = TakeDigits(text, 1, 2);
  if (!hour || *hour > 23 || !TakeChar(text, ":")) return std::nullopt;
  const auto minute = TakeDigits(text, 1, 2);
  if (!minute || *minute > 59 || !TakeChar(text, ":")) return std::nullopt;
  const auto second = TakeDigits(text, 1, 2);
  if (!second || *second > 59) return std::nullopt;
  int64_t micros = (*hour * 3600LL + *minute * 60 + *second) * kMicrosPerSecond;
  if (TakeChar(text, ".")) {
    const auto fraction = TakeFraction(text, 1, 9);
    if (!fraction) return std::nullopt;
    micros += *fraction;
  }
  return micros;
}

int64_t DayMicros(int64_t days) { return days * 86400 * kMicrosPerSecond; }

}  // namespace

std::optional<int32_t> ParseDate(std::string_view text) {
  text = Trim(text);
  const auto days = TakeDate(&text);
  return text.empty() ? days : std::nullopt;
}

std::optional<int64_t> ParseInstant(std::string_view text, ZoneRule rule) {
  text = Trim(text);
  const auto days = TakeDate(&text);
  if (!days) return std::nullopt;
  if (text.empty()) return DayMicros(*days);
  if (!TakeChar(&text, "T ")) return std::nullopt;
  const auto time = TakeTime(&text);
  if (!time) return std::nullopt;
  const int64_t micros = DayMicros(*days) + *time;
  if (text.empty()) return micros;
  if (rule == ZoneRule::kNone) return std::nullopt;
  const auto zone = ReadZone(Trim(text));
  if (!zone) return std::nullopt;
  return micros - *zone * kMicrosPerSecond;
}

struct TimePattern::Fields {
  int year = 1970;
  int month = 1;
  int day = 1;
  int hour = 0;
  int minute = 0;
  int second = 0;
  int micros = 0;
  std::optional<int> zone_seconds;
};

Result<TimePattern> TimePattern::Parse(std::string_view pattern) {
  constexpr std::string_view kLetters = "yMdHmsSX";
  TimePattern made;
  std::optional<size_t> open;
  const auto refuse = [&] {
    return Error(ErrorKind::kUnsupported, "TABLE_OPTION_UNSUPPORTED",
                 fmt::format("the date or time pattern \"{}\" has more than years, months, days, "
                             "hours, minutes, seconds, fractions and offsets of zones in digits",
                             pattern));
  };
  for (size_t i = 0; i < pattern.size();) {
    const char c = pattern[i];
    Part part;
    size_t end = i + 1;
    if (c == '\'') {
      end = pattern.find('\'', i + 1);
      if (end == pattern.npos) return refuse();
      part.literal = end == i + 1 ? "'" : std::string(pattern.substr(i + 1, end - i - 1));
      ++end;
    } else if (c == '[') {
      if (open) return refuse();
      open = made.parts_.size();
      part.letter = '[';
    } else if (c == ']') {
      if (!open) return refuse();
      made.parts_[*open].skip_to = static_cast<int>(made.parts_.size());
      open.reset();
      ++i;
      continue;
    } else if (std::isalpha(static_cast<unsigned char>(c)) != 0) {
      while (end < pattern.size() && pattern[end] == c) ++end;
      part.letter = c;
      part.length = static_cast<int>(end - i);
      const int length_max = c == 'S' ? 9 : 2;
      const bool known =
          kLetters.find(c) != kLetters.npos && (c == 'y'   ? part.length == 4
                                                : c == 'X' ? part.length == 3
                                                           : part.length <= length_max);
      if (!known) return refuse();
    } else if (c == '#' || c == '{' || c == '}') {
      return refuse();
    } else {
      part.literal = std::string(1, c);
    }
    made.parts_.push_back(std::move(part));
    i = end;
  }
  if (open) return refuse();
  return made;
}

bool TimePattern::Take(const Part& part, std::string_view* text, Fields* fields) {
  if (part.letter == 0) {
    if (!text->starts_with(part.literal)) return false;
    text->remove_prefix(part.literal.size());
    return true;
  }
  const auto length = static_cast<size_t>(part.length);
  const auto take = [&](size_t min, size_t max, int* value) {
    const auto read = TakeDigits(text, min, max);
    if (read) *value = *read;
    return read.has_value();
  };
  switch (part.letter) {
    case 'y': return take(4, 4, &fields->year);
    case 'M': return take(length, 2, &fields->month);
    case 'd': return take(length, 2, &fields->day);
    case 'H': return take(length, 2, &fields->hour);
    case 'm': return take(length, 2, &fields->minute);
    case 's': return take(length, 2, &fields->second);
    case 'S': {
      const auto read = TakeFraction(text, length, length);
      if (read) fields->micros = *read;
      return read.has_value();
    }
    case 'X': {
      const size_t size = text->starts_with('Z') ? 1 : 6;
      const bool whole = text->size() >= size && (size == 1 || (*text)[3] == ':');
      if (whole) fields->zone_seconds = ReadZone(text->substr(0, size));
      if (!whole || !fields->zone_seconds) return false;
      text->remove_prefix(size);
      return true;
    }
    default: return false;
  }
}

bool TimePattern::Match(size_t part, std::string_view text, Fields* fields) const {
  for (; part < parts_.size(); ++part) {
    if (parts_[part].letter == '[') {
      Fields with = *fields;
      if (Match(part + 1, text, &with)) {
        *fields = with;
        return true;
      }
      part = static_cast<size_t>(parts_[part].skip_to) - 1;
      continue;
    }
    if (!Take(parts_[part], &text, fields)) return false;
  }
  return text.empty();
}

std::optional<int64_t> TimePattern::Read(std::string_view text, ZoneRule rule) const {
  Fields fields;
  if (!Match(0, text, &fields)) return std::nullopt;
  const auto days = ToDays(fields.year, fields.month, fields.day);
  if (!days || fields.hour > 23 || fields.minute > 59 || fields.second > 59) return std::nullopt;
  if (fields.zone_seconds && rule == ZoneRule::kNone) return std::nullopt;
  const int64_t seconds = fields.hour * 3600LL + fields.minute * 60 + fields.second;
  return DayMicros(*days) + (seconds - fields.zone_seconds.value_or(0)) * kMicrosPerSecond +
         fields.micros;
}

}  // namespace mms::migration
