#include "base/bandwidth_limit.h"

#include <algorithm>
#include <charconv>
#include <ctime>
#include <limits>
#include <optional>
#include <string>

namespace mms {
namespace {

constexpr std::chrono::milliseconds kAtOnce{100};
constexpr int64_t kPiecesPerSecond = 4;
constexpr int kMinutesOfDay = 24 * 60;
constexpr int64_t kMegabytesMax = 100'000;

std::string_view Trimmed(std::string_view text) {
  const size_t first = text.find_first_not_of(" \t");
  if (first == text.npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

std::optional<int64_t> ParseNumber(std::string_view text) {
  int64_t number = 0;
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, number);
  if (text.empty() || error != std::errc() || stop != end || number < 0) return std::nullopt;
  return number;
}

/// "08:30"; 24:00 is the day's end, that is minute 0.
std::optional<int> ParseMinute(std::string_view text) {
  if (text.size() != 5 || text[2] != ':') return std::nullopt;
  const auto hour = ParseNumber(text.substr(0, 2));
  const auto minute = ParseNumber(text.substr(3));
  if (!hour || !minute || *minute > 59 || *hour > 24 || (*hour == 24 && *minute > 0)) {
    return std::nullopt;
  }
  return static_cast<int>(*hour * 60 + *minute) % kMinutesOfDay;
}

std::optional<Bandwidth::Span> ParseSpan(std::string_view text) {
  const size_t dash = text.find('-');
  const size_t blank = text.find_first_of(" \t");
  if (dash == text.npos || blank == text.npos || blank < dash) return std::nullopt;
  const auto from = ParseMinute(text.substr(0, dash));
  const auto until = ParseMinute(text.substr(dash + 1, blank - dash - 1));
  const auto megabytes = ParseNumber(Trimmed(text.substr(blank)));
  if (!from || !until || !megabytes || *megabytes > kMegabytesMax) return std::nullopt;
  return Bandwidth::Span{*from, *until, *megabytes * 1'000'000};
}

bool Holds(const Bandwidth::Span& span, int minute) {
  if (span.from_minute < span.until_minute) {
    return minute >= span.from_minute && minute < span.until_minute;
  }
  return minute >= span.from_minute || minute < span.until_minute;
}

}  // namespace

int64_t Bandwidth::At(int minute_of_day) const {
  for (const Span& span : spans) {
    if (Holds(span, minute_of_day)) return span.bytes_per_second;
  }
  return bytes_per_second;
}

bool Bandwidth::limited() const {
  return bytes_per_second > 0 || std::any_of(spans.begin(), spans.end(), [](const Span& span) {
           return span.bytes_per_second > 0;
         });
}

Bandwidth Bandwidth::SharedBy(int count) const {
  // A share never becomes 0, which would be no limit.
  const auto share = [&](int64_t bytes) {
    return bytes == 0 ? 0 : std::max<int64_t>(1, bytes / std::max(1, count));
  };
  Bandwidth shared = *this;
  shared.bytes_per_second = share(bytes_per_second);
  for (Span& span : shared.spans) span.bytes_per_second = share(span.bytes_per_second);
  return shared;
}

Result<std::vector<Bandwidth::Span>> ParseBandwidthTimes(std::string_view text) {
  std::vector<Bandwidth::Span> spans;
  for (bool more = true; more;) {
    const size_t comma = text.find(',');
    const std::string_view part = Trimmed(text.substr(0, comma));
    const std::optional<Bandwidth::Span> span = ParseSpan(part);
    if (!span) {
      return Error(ErrorKind::kInvalidInput, "BANDWIDTH_TIMES",
                   "\"" + std::string(part) +
                       "\" is not a span of the day with megabytes a second; write for example "
                       "\"08:00-18:00 20, 18:00-08:00 0\", where 0 is no limit");
    }
    spans.push_back(*span);
    more = comma != text.npos;
    if (more) text.remove_prefix(comma + 1);
  }
  return spans;
}

int MinuteOfDay(std::chrono::system_clock::time_point time) {
  const time_t seconds = std::chrono::system_clock::to_time_t(time);
  tm local{};
  localtime_r(&seconds, &local);
  return local.tm_hour * 60 + local.tm_min;
}

int BandwidthLimit::LocalMinute() { return MinuteOfDay(std::chrono::system_clock::now()); }

std::chrono::microseconds BandwidthLimit::Book(size_t bytes, Clock::time_point now) {
  using std::chrono::microseconds;
  const int64_t bytes_per_second = bandwidth_.At(day_clock_());
  std::lock_guard lock(mutex_);
  if (bytes_per_second == 0) {
    free_at_ = {};  // what was booked under another limit is not waited for
    return microseconds(0);
  }
  const double seconds = static_cast<double>(bytes) / static_cast<double>(bytes_per_second);
  const auto price =
      std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(seconds));
  free_at_ = std::max(free_at_, now - kAtOnce) + price;
  return std::max(std::chrono::duration_cast<microseconds>(free_at_ - now), microseconds(0));
}

size_t BandwidthLimit::piece_bytes() const {
  const int64_t bytes_per_second = bandwidth_.At(day_clock_());
  if (bytes_per_second == 0) return std::numeric_limits<size_t>::max();
  return static_cast<size_t>(std::max<int64_t>(1, bytes_per_second / kPiecesPerSecond));
}

}  // namespace mms
