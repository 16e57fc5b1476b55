#include "migration/formats/text_value.h"

#include <arrow/builder.h>
#include <arrow/type.h>
#include <arrow/util/decimal.h>
#include <arrow/util/utf8.h>
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <limits>
#include <optional>
#include <string>

#include "base/lower_ascii.h"

namespace mms::migration {
namespace {

bool Appended(const arrow::Status& status) {
  CHECK(status.ok());  // out of memory
  return true;
}

template <class Builder, class Value>
bool Append(arrow::ArrayBuilder* builder, const std::optional<Value>& value) {
  return value && Appended(static_cast<Builder*>(builder)->Append(*value));
}

/// Digits with a sign or without; nothing else, and within the type.
template <class Integer>
std::optional<Integer> ReadInteger(std::string_view text) {
  if (text.starts_with('+')) {
    text.remove_prefix(1);
    if (text.starts_with('-')) return std::nullopt;
  }
  Integer value = 0;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool whole = read.ec == std::errc() && read.ptr == text.data() + text.size();
  return whole ? std::optional(value) : std::nullopt;
}

/// Of Java's forms those in decimal digits, "NaN" and "Infinity".
template <class Real>
std::optional<Real> ReadReal(std::string_view text, const TextFormats& formats) {
  constexpr Real kInfinity = std::numeric_limits<Real>::infinity();
  if (text == formats.nan || text == "NaN") return std::numeric_limits<Real>::quiet_NaN();
  if (text == formats.positive_infinity || text == "Infinity") return kInfinity;
  if (text == formats.negative_infinity || text == "-Infinity") return -kInfinity;
  if (text.starts_with('+')) {
    text.remove_prefix(1);
    if (text.starts_with('-')) return std::nullopt;
  }
  const bool digits = std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= '0' && c <= '9') || c == '.' || c == '-' || c == '+' || c == 'e' || c == 'E';
  });
  Real value = 0;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), value);
  if (!digits || read.ptr != text.data() + text.size()) return std::nullopt;
  if (read.ec == std::errc()) return value;
  // Too large or too small for the type; how Java rounds it is not worth a guess.
  return std::nullopt;
}

/// Java's BigDecimal, rounded half up to the column's scale.
std::optional<arrow::Decimal128> ReadDecimal(std::string_view text,
                                             const arrow::Decimal128Type& type) {
  std::string digits(text);
  std::erase(digits, ',');  // Spark takes them for marks between thousands
  const bool blank = std::any_of(digits.begin(), digits.end(), [](char c) { return c <= ' '; });
  arrow::Decimal128 value;
  int32_t precision = 0, scale = 0;
  if (blank || !arrow::Decimal128::FromString(digits, &value, &precision, &scale).ok()) {
    return std::nullopt;
  }
  if (precision > 38) return std::nullopt;
  if (scale > type.scale()) {
    value = value.ReduceScaleBy(scale - type.scale(), /*round=*/true);
  } else {
    auto rescaled = value.Rescale(scale, type.scale());
    if (!rescaled.ok()) return std::nullopt;
    value = *rescaled;
  }
  return value.FitsInPrecision(type.precision()) ? std::optional(value) : std::nullopt;
}

std::optional<bool> ReadBoolean(std::string_view text) {
  const std::string lower = LowerAscii(text);
  if (lower == "true") return true;
  if (lower == "false") return false;
  return std::nullopt;
}

std::optional<int32_t> ReadDate(std::string_view text, const TextFormats& formats) {
  if (!formats.date) return ParseDate(text);
  constexpr int64_t kDay = 86'400'000'000;
  const auto micros = formats.date->Read(text, ZoneRule::kNone);
  if (!micros) return std::nullopt;
  return static_cast<int32_t>(*micros / kDay - (*micros % kDay < 0 ? 1 : 0));
}

std::optional<int64_t> ReadInstant(std::string_view text, const TextFormats& formats,
                                   bool has_zone) {
  const ZoneRule rule = has_zone ? ZoneRule::kUtcUnlessNamed : ZoneRule::kNone;
  const auto& pattern = has_zone ? formats.timestamp : formats.timestamp_ntz;
  return pattern ? pattern->Read(text, rule) : ParseInstant(text, rule);
}

/// Arrow's tables for it are made once.
bool IsUtf8(std::string_view text) {
  static const bool ready = (arrow::util::InitializeUTF8(), true);
  return ready && arrow::util::ValidateUTF8(text);
}

}  // namespace

bool AppendText(std::string_view text, const TextFormats& formats, arrow::ArrayBuilder* builder) {
  const arrow::DataType& type = *builder->type();
  switch (type.id()) {
    case arrow::Type::STRING:
      return IsUtf8(text) && Appended(static_cast<arrow::StringBuilder*>(builder)->Append(text));
    case arrow::Type::INT8: return Append<arrow::Int8Builder>(builder, ReadInteger<int8_t>(text));
    case arrow::Type::INT16:
      return Append<arrow::Int16Builder>(builder, ReadInteger<int16_t>(text));
    case arrow::Type::INT32:
      return Append<arrow::Int32Builder>(builder, ReadInteger<int32_t>(text));
    case arrow::Type::INT64:
      return Append<arrow::Int64Builder>(builder, ReadInteger<int64_t>(text));
    case arrow::Type::FLOAT:
      return Append<arrow::FloatBuilder>(builder, ReadReal<float>(text, formats));
    case arrow::Type::DOUBLE:
      return Append<arrow::DoubleBuilder>(builder, ReadReal<double>(text, formats));
    case arrow::Type::BOOL: return Append<arrow::BooleanBuilder>(builder, ReadBoolean(text));
    case arrow::Type::DATE32: return Append<arrow::Date32Builder>(builder, ReadDate(text, formats));
    case arrow::Type::TIMESTAMP: {
      const bool has_zone = !static_cast<const arrow::TimestampType&>(type).timezone().empty();
      return Append<arrow::TimestampBuilder>(builder, ReadInstant(text, formats, has_zone));
    }
    case arrow::Type::DECIMAL128:
      return Append<arrow::Decimal128Builder>(
          builder, ReadDecimal(text, static_cast<const arrow::Decimal128Type&>(type)));
    default: return false;
  }
}

Status CheckTextType(const arrow::Field& field) {
  switch (field.type()->id()) {
    case arrow::Type::STRING:
    case arrow::Type::INT8:
    case arrow::Type::INT16:
    case arrow::Type::INT32:
    case arrow::Type::INT64:
    case arrow::Type::FLOAT:
    case arrow::Type::DOUBLE:
    case arrow::Type::BOOL:
    case arrow::Type::DATE32:
    case arrow::Type::TIMESTAMP:
    case arrow::Type::DECIMAL128: return OkStatus();
    default:
      return Error(
          ErrorKind::kUnsupported, "TYPE_UNSUPPORTED",
          fmt::format("column \"{}\" is {}, which is not read from text files; read the "
                      "table by SQL (`source.jdbc`), or leave it out (`exclude`, of a job --but)",
                      field.name(), field.type()->ToString()));
  }
}

}  // namespace mms::migration
