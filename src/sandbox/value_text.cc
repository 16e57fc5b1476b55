#include "sandbox/value_text.h"

#include <arrow/type.h>
#include <arrow/util/decimal.h>

#include <array>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <nlohmann/json.hpp>

namespace mms::sandbox {
namespace {

/// Floor division, so that times before 1970 keep a positive remainder.
std::pair<int64_t, int64_t> FloorDivide(int64_t value, int64_t divisor) {
  int64_t quotient = value / divisor;
  int64_t rest = value % divisor;
  if (rest < 0) {
    rest += divisor;
    --quotient;
  }
  return {quotient, rest};
}

template <class Float>
std::string FloatText(Float value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value > 0 ? "Infinity" : "-Infinity";
  std::array<char, 64> text;
  auto end = std::to_chars(text.data(), text.data() + text.size(), value).ptr;
  std::string shortest(text.data(), end);
  if (shortest.find_first_of(".e") == std::string::npos) shortest += ".0";
  return shortest;
}

int64_t UnitsPerSecond(arrow::TimeUnit::type unit) {
  switch (unit) {
    case arrow::TimeUnit::SECOND: return 1;
    case arrow::TimeUnit::MILLI: return 1'000;
    case arrow::TimeUnit::MICRO: return 1'000'000;
    case arrow::TimeUnit::NANO: return 1'000'000'000;
  }
  return 1;
}

std::string TimestampText(const arrow::TimestampType& type, int64_t value) {
  int64_t units = UnitsPerSecond(type.unit());
  auto [seconds, fraction] = FloorDivide(value, units);
  std::string text = SecondsText(seconds);
  // A millisecond instant is DATETIME, which is shown without its fraction.
  if (type.unit() == arrow::TimeUnit::MILLI || fraction == 0) return text;
  std::string digits = std::to_string(fraction + units).substr(1);
  digits.erase(digits.find_last_not_of('0') + 1);
  return text + "." + digits;
}

std::string Scalar(const arrow::Array& array, int64_t row);

/// Nested values in JSON form: strings quoted, NULL as null.
std::string Nested(const arrow::Array& array, int64_t row) {
  if (array.IsNull(row)) return "null";
  switch (array.type_id()) {
    case arrow::Type::STRING:
    case arrow::Type::BINARY:
      return nlohmann::json(Scalar(array, row))
          .dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
    case arrow::Type::LIST:
    case arrow::Type::MAP:
    case arrow::Type::STRUCT:
    case arrow::Type::BOOL:
    case arrow::Type::INT8:
    case arrow::Type::INT16:
    case arrow::Type::INT32:
    case arrow::Type::INT64:
    case arrow::Type::FLOAT:
    case arrow::Type::DOUBLE:
    case arrow::Type::DECIMAL128: return Scalar(array, row);
    default: return "\"" + Scalar(array, row) + "\"";
  }
}

std::string ListText(const arrow::ListArray& list, int64_t row) {
  std::string text = "[";
  for (int64_t i = list.value_offset(row); i < list.value_offset(row + 1); ++i) {
    if (text.size() > 1) text += ",";
    text += Nested(*list.values(), i);
  }
  return text + "]";
}

std::string MapText(const arrow::MapArray& map, int64_t row) {
  std::string text = "{";
  for (int64_t i = map.value_offset(row); i < map.value_offset(row + 1); ++i) {
    if (text.size() > 1) text += ",";
    std::string key = Nested(*map.keys(), i);
    text += (key.starts_with('"') ? key : "\"" + key + "\"") + ":" + Nested(*map.items(), i);
  }
  return text + "}";
}

std::string StructText(const arrow::StructArray& value, int64_t row) {
  std::string text = "{";
  for (int i = 0; i < value.num_fields(); ++i) {
    if (i > 0) text += ",";
    text +=
        nlohmann::json(value.type()->field(i)->name()).dump() + ":" + Nested(*value.field(i), row);
  }
  return text + "}";
}

std::string Scalar(const arrow::Array& array, int64_t row) {
  switch (array.type_id()) {
    case arrow::Type::BOOL:
      return static_cast<const arrow::BooleanArray&>(array).Value(row) ? "true" : "false";
    case arrow::Type::INT8:
      return std::to_string(static_cast<const arrow::Int8Array&>(array).Value(row));
    case arrow::Type::INT16:
      return std::to_string(static_cast<const arrow::Int16Array&>(array).Value(row));
    case arrow::Type::INT32:
      return std::to_string(static_cast<const arrow::Int32Array&>(array).Value(row));
    case arrow::Type::INT64:
      return std::to_string(static_cast<const arrow::Int64Array&>(array).Value(row));
    case arrow::Type::FLOAT:
      return FloatText(static_cast<const arrow::FloatArray&>(array).Value(row));
    case arrow::Type::DOUBLE:
      return FloatText(static_cast<const arrow::DoubleArray&>(array).Value(row));
    case arrow::Type::STRING:
    case arrow::Type::BINARY:
      return std::string(static_cast<const arrow::BinaryArray&>(array).GetView(row));
    case arrow::Type::DECIMAL128:
      return static_cast<const arrow::Decimal128Array&>(array).FormatValue(row);
    case arrow::Type::DATE32:
      return DateText(static_cast<const arrow::Date32Array&>(array).Value(row));
    case arrow::Type::TIMESTAMP:
      return TimestampText(static_cast<const arrow::TimestampType&>(*array.type()),
                           static_cast<const arrow::TimestampArray&>(array).Value(row));
    case arrow::Type::LIST: return ListText(static_cast<const arrow::ListArray&>(array), row);
    case arrow::Type::MAP: return MapText(static_cast<const arrow::MapArray&>(array), row);
    case arrow::Type::STRUCT: return StructText(static_cast<const arrow::StructArray&>(array), row);
    default: return "<" + array.type()->ToString() + ">";
  }
}

}  // namespace

std::string DateText(int64_t days) {
  // Civil date from days, proleptic Gregorian (H. Hinnant, "chrono-compatible low-level date
  // algorithms").
  int64_t shifted = days + 719'468;
  auto [era, day_of_era] = FloorDivide(shifted, 146'097);
  int64_t year_of_era =
      (day_of_era - day_of_era / 1'460 + day_of_era / 36'524 - day_of_era / 146'096) / 365;
  int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  int64_t month_index = (5 * day_of_year + 2) / 153;
  int64_t day = day_of_year - (153 * month_index + 2) / 5 + 1;
  int64_t month = month_index < 10 ? month_index + 3 : month_index - 9;
  int64_t year = year_of_era + era * 400 + (month <= 2 ? 1 : 0);
  std::array<char, 64> text;
  int size =
      std::snprintf(text.data(), text.size(), "%04lld-%02lld-%02lld", static_cast<long long>(year),
                    static_cast<long long>(month), static_cast<long long>(day));
  return std::string(text.data(), static_cast<size_t>(size));
}

std::string SecondsText(int64_t seconds) {
  auto [days, rest] = FloorDivide(seconds, 86'400);
  std::array<char, 32> text;
  int size =
      std::snprintf(text.data(), text.size(), " %02d:%02d:%02d", static_cast<int>(rest / 3'600),
                    static_cast<int>(rest / 60 % 60), static_cast<int>(rest % 60));
  return DateText(days) + std::string(text.data(), static_cast<size_t>(size));
}

std::string CsvQuoted(std::string_view text) {
  std::string quoted = "\"";
  for (char c : text) {
    if (c == '"') quoted += '"';
    quoted += c;
  }
  return quoted + "\"";
}

std::string CsvCell(const arrow::Array& array, int64_t row) {
  if (array.IsNull(row)) return "\\N";
  switch (array.type_id()) {
    case arrow::Type::STRING:
    case arrow::Type::BINARY:
    case arrow::Type::LIST:
    case arrow::Type::MAP:
    case arrow::Type::STRUCT: return CsvQuoted(Scalar(array, row));
    default: return Scalar(array, row);
  }
}

}  // namespace mms::sandbox
