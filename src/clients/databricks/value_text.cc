#include "clients/databricks/value_text.h"

#include <arrow/array/builder_binary.h>
#include <arrow/array/builder_decimal.h>
#include <arrow/array/builder_primitive.h>
#include <arrow/array/builder_time.h>
#include <arrow/type.h>
#include <arrow/util/decimal.h>
#include <fmt/format.h>

#include <charconv>
#include <limits>
#include <string>

#include "clients/databricks/arrow_error.h"

namespace mms::databricks {
namespace {

constexpr int64_t kMicrosPerSecond = 1'000'000;
constexpr int64_t kMicrosPerDay = 86'400 * kMicrosPerSecond;
constexpr size_t kShownMaxBytes = 60;

/// Takes digits off the front; empty unless there are `least` to `most` of them.
std::optional<int64_t> TakeNumber(std::string_view& text, size_t least, size_t most) {
  size_t digits = 0;
  int64_t value = 0;
  while (digits < text.size() && digits < most && text[digits] >= '0' && text[digits] <= '9') {
    value = value * 10 + (text[digits++] - '0');
  }
  if (digits < least) return std::nullopt;
  text.remove_prefix(digits);
  return value;
}

bool Take(std::string_view& text, char c) {
  if (!text.starts_with(c)) return false;
  text.remove_prefix(1);
  return true;
}

/// Days since 1970-01-01 of a day of the proleptic Gregorian calendar.
int64_t DaysOf(int64_t year, int64_t month, int64_t day) {
  year -= month <= 2;
  const int64_t era = (year >= 0 ? year : year - 399) / 400;
  const int64_t year_of_era = year - era * 400;
  const int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
  const int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
  return era * 146'097 + day_of_era - 719'468;
}

int64_t DaysInMonth(int64_t year, int64_t month) {
  constexpr int64_t kDays[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  const bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
  return month == 2 && leap ? 29 : kDays[month - 1];
}

std::optional<int64_t> TakeDate(std::string_view& text) {
  const bool negative = text.starts_with('-');
  if (negative || text.starts_with('+')) text.remove_prefix(1);
  const auto year = TakeNumber(text, 4, 7);
  if (!year || !Take(text, '-')) return std::nullopt;
  const auto month = TakeNumber(text, 2, 2);
  if (!month || *month < 1 || *month > 12 || !Take(text, '-')) return std::nullopt;
  const auto day = TakeNumber(text, 2, 2);
  const int64_t signed_year = negative ? -*year : *year;
  if (!day || *day < 1 || *day > DaysInMonth(signed_year, *month)) return std::nullopt;
  return DaysOf(signed_year, *month, *day);
}

/// The digits behind the point, as microseconds.
std::optional<int64_t> TakeFraction(std::string_view& text) {
  int64_t micros = 0;
  int digits = 0;
  for (; !text.empty() && text.front() >= '0' && text.front() <= '9'; text.remove_prefix(1)) {
    const int digit = text.front() - '0';
    if (++digits > 6 && digit != 0) return std::nullopt;  // would be lost
    if (digits <= 6) micros = micros * 10 + digit;
  }
  if (digits == 0) return std::nullopt;
  for (; digits < 6; ++digits) micros *= 10;
  return micros;
}

std::optional<int64_t> TakeTime(std::string_view& text) {
  const auto hour = TakeNumber(text, 2, 2);
  if (!hour || *hour > 23 || !Take(text, ':')) return std::nullopt;
  const auto minute = TakeNumber(text, 2, 2);
  if (!minute || *minute > 59 || !Take(text, ':')) return std::nullopt;
  const auto second = TakeNumber(text, 2, 2);
  if (!second || *second > 59) return std::nullopt;
  int64_t micros = 0;
  if (Take(text, '.')) {
    const auto fraction = TakeFraction(text);
    if (!fraction) return std::nullopt;
    micros = *fraction;
  }
  return ((*hour * 60 + *minute) * 60 + *second) * kMicrosPerSecond + micros;
}

/// Microseconds that the zone is ahead of UTC: nothing, Z, +hh:mm or -hh:mm.
std::optional<int64_t> TakeZone(std::string_view& text) {
  if (text.empty() || Take(text, 'Z')) return 0;
  const bool west = text.starts_with('-');
  if (!west && !text.starts_with('+')) return std::nullopt;
  text.remove_prefix(1);
  const auto hours = TakeNumber(text, 2, 2);
  if (!hours || !Take(text, ':')) return std::nullopt;
  const auto minutes = TakeNumber(text, 2, 2);
  if (!minutes) return std::nullopt;
  const int64_t ahead = (*hours * 60 + *minutes) * 60 * kMicrosPerSecond;
  return west ? -ahead : ahead;
}

template <class Builder, class Number>
Status AppendInteger(std::string_view text, const arrow::DataType& type,
                     arrow::ArrayBuilder& builder) {
  Number value{};
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (failure != std::errc() || end != text.data() + text.size()) return BadValue(text, type);
  return FromArrow(static_cast<Builder&>(builder).Append(value));
}

template <class Builder, class Number>
Status AppendReal(std::string_view text, const arrow::DataType& type,
                  arrow::ArrayBuilder& builder) {
  using Limits = std::numeric_limits<Number>;
  auto& numbers = static_cast<Builder&>(builder);
  if (text == "NaN") return FromArrow(numbers.Append(Limits::quiet_NaN()));
  if (text == "Infinity") return FromArrow(numbers.Append(Limits::infinity()));
  if (text == "-Infinity") return FromArrow(numbers.Append(-Limits::infinity()));
  Number value{};
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (failure != std::errc() || end != text.data() + text.size()) return BadValue(text, type);
  return FromArrow(numbers.Append(value));
}

Status AppendDecimal(std::string_view text, const arrow::DataType& type,
                     arrow::ArrayBuilder& builder) {
  const auto& decimal_type = static_cast<const arrow::Decimal128Type&>(type);
  arrow::Decimal128 value;
  int32_t precision = 0;
  int32_t scale = 0;
  if (!arrow::Decimal128::FromString(text, &value, &precision, &scale).ok()) {
    return BadValue(text, type);
  }
  const auto rescaled = value.Rescale(scale, decimal_type.scale());
  if (!rescaled.ok() || !rescaled->FitsInPrecision(decimal_type.precision())) {
    return BadValue(text, type);
  }
  return FromArrow(static_cast<arrow::Decimal128Builder&>(builder).Append(*rescaled));
}

Status AppendBoolean(std::string_view text, const arrow::DataType& type,
                     arrow::ArrayBuilder& builder) {
  if (text != "true" && text != "false") return BadValue(text, type);
  return FromArrow(static_cast<arrow::BooleanBuilder&>(builder).Append(text == "true"));
}

Status AppendTime(std::string_view text, const arrow::DataType& type,
                  arrow::ArrayBuilder& builder) {
  if (type.id() == arrow::Type::DATE32) {
    const auto days = ParseDate(text);
    if (!days) return BadValue(text, type);
    return FromArrow(static_cast<arrow::Date32Builder&>(builder).Append(*days));
  }
  if (static_cast<const arrow::TimestampType&>(type).unit() != arrow::TimeUnit::MICRO) {
    return UnsupportedType(type);
  }
  const auto micros = ParseTimestamp(text);
  if (!micros) return BadValue(text, type);
  return FromArrow(static_cast<arrow::TimestampBuilder&>(builder).Append(*micros));
}

}  // namespace

Error BadValue(std::string_view text, const arrow::DataType& type) {
  return Error(
      ErrorKind::kCorrupt, "SQL_VALUE",
      fmt::format("\"{}\" is no value of type {}; is it another server than the catalog's?",
                  text.substr(0, kShownMaxBytes), type.ToString()));
}

std::optional<int32_t> ParseDate(std::string_view text) {
  const auto days = TakeDate(text);
  using Limits = std::numeric_limits<int32_t>;
  if (!days || !text.empty() || *days > Limits::max() || *days < Limits::min()) return std::nullopt;
  return static_cast<int32_t>(*days);
}

std::optional<int64_t> ParseTimestamp(std::string_view text) {
  const auto days = TakeDate(text);
  constexpr int64_t kDaysMax = std::numeric_limits<int64_t>::max() / kMicrosPerDay - 2;
  if (!days || *days > kDaysMax || *days < -kDaysMax) return std::nullopt;
  if (!Take(text, ' ') && !Take(text, 'T')) return std::nullopt;
  const auto micros = TakeTime(text);
  if (!micros) return std::nullopt;
  const auto ahead = TakeZone(text);
  if (!ahead || !text.empty()) return std::nullopt;
  return *days * kMicrosPerDay + *micros - *ahead;
}

Status AppendText(std::string_view text, const arrow::DataType& type,
                  arrow::ArrayBuilder& builder) {
  switch (type.id()) {
    case arrow::Type::BOOL: return AppendBoolean(text, type, builder);
    case arrow::Type::INT8: return AppendInteger<arrow::Int8Builder, int8_t>(text, type, builder);
    case arrow::Type::INT16:
      return AppendInteger<arrow::Int16Builder, int16_t>(text, type, builder);
    case arrow::Type::INT32:
      return AppendInteger<arrow::Int32Builder, int32_t>(text, type, builder);
    case arrow::Type::INT64:
      return AppendInteger<arrow::Int64Builder, int64_t>(text, type, builder);
    case arrow::Type::FLOAT: return AppendReal<arrow::FloatBuilder, float>(text, type, builder);
    case arrow::Type::DOUBLE: return AppendReal<arrow::DoubleBuilder, double>(text, type, builder);
    case arrow::Type::DECIMAL128: return AppendDecimal(text, type, builder);
    case arrow::Type::DATE32:
    case arrow::Type::TIMESTAMP: return AppendTime(text, type, builder);
    case arrow::Type::STRING:
    case arrow::Type::BINARY:  // a StringBuilder is a BinaryBuilder
      return FromArrow(static_cast<arrow::BinaryBuilder&>(builder).Append(text));
    default: return UnsupportedType(type);
  }
}

}  // namespace mms::databricks
