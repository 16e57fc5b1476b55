#include "migration/transfer/calendar.h"

#include <arrow/array.h>
#include <arrow/buffer.h>
#include <arrow/type.h>
#include <arrow/util/bit_util.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <string_view>
#include <utility>

namespace mms::migration {
namespace {

using DataPtr = std::shared_ptr<arrow::ArrayData>;

constexpr int32_t kGregorianStart = -141427;  ///< 1582-10-15
constexpr int64_t kZonesAgree = -25567;       ///< 1900-01-01; later, both calendars know an offset
constexpr int64_t kJulianEpoch = 2440588;     ///< 1970-01-01 as a Julian day number

/// True when `text` is a version before major.minor.
bool IsBefore(std::string_view text, int major, int minor) {
  int found[2] = {0, 0};
  for (int& part : found) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), part);
    if (error != std::errc()) return false;
    text.remove_prefix(static_cast<size_t>(end - text.data()));
    if (text.starts_with('.')) text.remove_prefix(1);
  }
  return std::pair(found[0], found[1]) < std::pair(major, minor);
}

/// Names of java.time for an offset that was never another one.
bool IsUtc(std::string_view zone) {
  constexpr std::array<std::string_view, 11> kNames = {
      "UTC", "Etc/UTC", "GMT",       "Etc/GMT",      "Z", "Zulu", "Etc/Zulu",
      "UCT", "Etc/UCT", "Universal", "Etc/Universal"};
  return std::find(kNames.begin(), kNames.end(), zone) != kNames.end();
}

Error Legacy(std::string what) {
  return Error(ErrorKind::kUnsupported, "FILE_LEGACY_CALENDAR",
               std::move(what) +
                   ", written by Spark in the old hybrid calendar; rewrite the table with Spark 3 "
                   "or newer (rebase mode CORRECTED) first");
}

class Rebase {
 public:
  Rebase(const Calendars& calendars, bool int96) : calendars_(calendars), int96_(int96) {}

  Result<DataPtr> Run(const DataPtr& data) const {
    switch (data->type->id()) {
      case arrow::Type::DATE32: return calendars_.old_dates ? Dates(data) : Result<DataPtr>(data);
      case arrow::Type::TIMESTAMP: return Wanted(*data->type) ? Instants(data) : data;
      default: break;
    }
    DataPtr out;
    for (size_t i = 0; i < data->child_data.size(); ++i) {
      TRY(DataPtr child, Run(data->child_data[i]));
      if (child == data->child_data[i]) continue;
      if (!out) out = data->Copy();
      out->child_data[i] = std::move(child);
    }
    return out ? out : data;
  }

 private:
  bool Wanted(const arrow::DataType& type) const {
    if (int96_) return calendars_.old_int96;
    return calendars_.old_dates &&
           !static_cast<const arrow::TimestampType&>(type).timezone().empty();
  }

  Result<DataPtr> Dates(const DataPtr& data) const {
    return Map<int32_t>(data, kGregorianStart, [](int32_t days) -> Result<int32_t> {
      const std::optional<int32_t> found = FromHybridDays(days);
      return found ? Result<int32_t>(*found) : Legacy("it holds days before 4713 BC");
    });
  }

  Result<DataPtr> Instants(const DataPtr& data) const {
    int64_t per_day = 86'400;
    for (int i = 0;
         i < static_cast<int>(static_cast<const arrow::TimestampType&>(*data->type).unit()); ++i) {
      per_day *= 1000;
    }
    const bool utc = IsUtc(calendars_.zone);
    const int64_t first_sure = (utc ? kGregorianStart : kZonesAgree) * per_day;
    return Map<int64_t>(data, first_sure, [&](int64_t value) -> Result<int64_t> {
      if (!utc) {
        return Legacy("it holds instants before 1900 of the zone " +
                      (calendars_.zone.empty() ? "that its writer did not note" : calendars_.zone));
      }
      const int64_t days = value / per_day - (value % per_day < 0 ? 1 : 0);
      const std::optional<int32_t> found = FromHybridDays(static_cast<int32_t>(days));
      if (!found) return Legacy("it holds instants before 4713 BC");
      return *found * per_day + (value - days * per_day);
    });
  }

  /// Values below `first_sure` by `map`; what has none is given back as it is.
  template <class Value, class MapOne>
  static Result<DataPtr> Map(const DataPtr& data, int64_t first_sure, const MapOne& map) {
    const auto* values = data->GetValues<Value>(1);
    std::shared_ptr<arrow::Buffer> mapped;
    for (int64_t i = 0; i < data->length; ++i) {
      if (values[i] >= first_sure || !data->IsValid(i)) continue;
      if (!mapped) {
        auto copied = data->buffers[1]->CopySlice(0, data->buffers[1]->size());
        if (!copied.ok()) {
          return Error(ErrorKind::kLimitReached, "OUT_OF_MEMORY", copied.status().message());
        }
        mapped = *std::move(copied);
      }
      TRY(reinterpret_cast<Value*>(mapped->mutable_data())[data->offset + i], map(values[i]));
    }
    if (!mapped) return data;
    DataPtr out = data->Copy();
    out->buffers[1] = std::move(mapped);
    out->statistics.reset();
    return out;
  }

  const Calendars& calendars_;
  const bool int96_;
};

}  // namespace

Calendars CalendarsOf(const arrow::KeyValueMetadata* footer) {
  Calendars calendars;
  if (footer == nullptr) return calendars;
  const std::string version = footer->Get("org.apache.spark.version").ValueOr("");
  calendars.old_dates =
      footer->Contains("org.apache.spark.legacyDateTime") || IsBefore(version, 3, 0);
  calendars.old_int96 = footer->Contains("org.apache.spark.legacyINT96") || IsBefore(version, 3, 1);
  calendars.zone = footer->Get("org.apache.spark.timeZone").ValueOr("");
  return calendars;
}

std::optional<int32_t> FromHybridDays(int32_t days) {
  if (days >= kGregorianStart) return days;
  const int64_t number = days + kJulianEpoch;
  if (number < 0) return std::nullopt;
  // Year, month and day of the Julian calendar; years begin with March here.
  const int64_t since = number + 32082;
  const int64_t years = (4 * since + 3) / 1461;
  const int64_t day_of_year = since - 1461 * years / 4;
  const int64_t month = (5 * day_of_year + 2) / 153;
  const int64_t day = day_of_year - (153 * month + 2) / 5 + 1;
  const std::chrono::year_month_day first{
      std::chrono::year(static_cast<int>(years - 4800 + month / 10)),
      std::chrono::month(static_cast<unsigned>(month + 3 - 12 * (month / 10))),
      std::chrono::day(1)};
  // From the month's first day on: the Julian 29 February of 1500 is 1 March.
  const auto since_1970 = std::chrono::sys_days(first).time_since_epoch().count();
  return static_cast<int32_t>(since_1970 + day - 1);
}

Result<std::shared_ptr<arrow::Array>> FromHybrid(const std::shared_ptr<arrow::Array>& array,
                                                 const Calendars& calendars, bool int96) {
  TRY(const DataPtr data, Rebase(calendars, int96).Run(array->data()));
  return data == array->data() ? array : arrow::MakeArray(data);
}

}  // namespace mms::migration
