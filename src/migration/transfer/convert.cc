#include "migration/transfer/convert.h"

#include <arrow/array.h>
#include <arrow/builder.h>
#include <arrow/compute/cast.h>
#include <arrow/type.h>
#include <arrow/util/decimal.h>
#include <arrow/util/utf8.h>
#include <fmt/format.h>

#include <chrono>
#include <cstring>
#include <limits>

#include "migration/transfer/validity.h"

namespace mms::migration {
namespace {

using arrow::Array;
using arrow::DataType;
using ArrayPtr = std::shared_ptr<Array>;
using TypePtr = std::shared_ptr<DataType>;

Error Internal(const arrow::Status& status) {
  return Error(ErrorKind::kInternal, "ARROW", status.ToString());
}

/// "0001-01-01 00:00:00.000001" of microseconds since 1970.
std::string TimestampText(int64_t micros) {
  using namespace std::chrono;
  const sys_time<microseconds> instant{microseconds(micros)};
  const auto day = floor<days>(instant);
  const year_month_day date(day);
  const auto left = (instant - day).count();
  return fmt::format("{:04}-{:02}-{:02} {:02}:{:02}:{:02}.{:06}", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                     left / 3600000000, left / 60000000 % 60, left / 1000000 % 60, left % 1000000);
}

Result<ArrayPtr> MicrosToNanos(const ArrayPtr& array, const TypePtr& target,
                               const std::string& column) {
  constexpr int64_t kMax = std::numeric_limits<int64_t>::max() / 1000;
  constexpr int64_t kMin = std::numeric_limits<int64_t>::min() / 1000;
  const auto& typed = static_cast<const arrow::TimestampArray&>(*array);
  const int64_t* from = typed.raw_values();
  auto buffer = arrow::AllocateBuffer(array->length() * static_cast<int64_t>(sizeof(int64_t)));
  if (!buffer.ok()) return Internal(buffer.status());
  auto* to = (*buffer)->mutable_data_as<int64_t>();
  for (int64_t i = 0; i < array->length(); ++i) {
    if (from[i] >= kMin && from[i] <= kMax) {
      to[i] = from[i] * 1000;
      continue;
    }
    to[i] = 0;
    if (array->IsNull(i)) continue;
    return Error(ErrorKind::kInvalidInput, "VALUE_TIMESTAMP_RANGE",
                 "column " + column + ": " + TimestampText(from[i]) +
                     " lies outside 1677-09-21 to 2262-04-11, the range of the target's nanosecond "
                     "timestamps; "
                     "leave the table out or cast the column at the source");
  }
  TRY(auto validity, RebasedValidity(*array));
  return ArrayPtr(std::make_shared<arrow::TimestampArray>(
      target, array->length(), std::shared_ptr<arrow::Buffer>(*std::move(buffer)), validity,
      array->null_count()));
}

/// All digits, no exponent: "0.000001" where Arrow's ToString would write "1E-6".
std::string PlainDecimal(const arrow::Decimal128& value, int32_t scale) {
  arrow::Decimal128 magnitude(value);
  magnitude.Abs();
  std::string digits = magnitude.ToIntegerString();
  const auto places = static_cast<size_t>(scale);
  if (digits.size() <= places) digits.insert(0, places + 1 - digits.size(), '0');
  if (places > 0) digits.insert(digits.size() - places, ".");
  return value.IsNegative() ? "-" + digits : digits;
}

Result<ArrayPtr> DecimalsToText(const ArrayPtr& array) {
  const auto& typed = static_cast<const arrow::Decimal128Array&>(*array);
  const int32_t scale = static_cast<const arrow::Decimal128Type&>(*array->type()).scale();
  arrow::StringBuilder builder;
  for (int64_t i = 0; i < array->length(); ++i) {
    const arrow::Status status =
        typed.IsNull(i) ? builder.AppendNull()
                        : builder.Append(PlainDecimal(arrow::Decimal128(typed.GetValue(i)), scale));
    if (!status.ok()) return Internal(status);
  }
  auto made = builder.Finish();
  if (!made.ok()) return Internal(made.status());
  return *std::move(made);
}

/// Whether the values' bytes, taken together, are UTF-8 and no value begins inside a character:
/// then each value is UTF-8, found out several times faster than one by one. False says nothing,
/// since the bytes behind a NULL may be anything.
bool IsUtf8AsAWhole(const arrow::BinaryArray& array) {
  if (array.length() == 0) return true;
  const int32_t* offsets = array.raw_value_offsets();
  const uint8_t* data = array.raw_data();
  const int32_t end = offsets[array.length()];
  if (offsets[0] == end) return true;
  const uint8_t* first = data + offsets[0];
  const auto size = static_cast<size_t>(end - offsets[0]);
  uint64_t high_bits = 0;
  size_t at = 0;
  for (uint64_t words[4]; at + sizeof words <= size; at += sizeof words) {
    std::memcpy(words, first + at, sizeof words);
    high_bits |= words[0] | words[1] | words[2] | words[3];
  }
  for (; at < size; ++at) high_bits |= first[at];
  if ((high_bits & 0x8080808080808080ULL) == 0) return true;  // ASCII
  arrow::util::InitializeUTF8();
  if (!arrow::util::ValidateUTF8(first, static_cast<int64_t>(size))) return false;
  for (int64_t i = 1; i < array.length(); ++i) {
    if (offsets[i] < end && (data[offsets[i]] & 0xC0) == 0x80) return false;
  }
  return true;
}

/// Checks what the target would refuse or change; the values themselves pass as they are.
Status CheckText(const Array& array, const std::string& column) {
  const auto& typed = static_cast<const arrow::BinaryArray&>(array);
  if (typed.total_values_length() > kCellMaxBytes) {
    for (int64_t i = 0; i < typed.length(); ++i) {
      if (typed.value_length(i) <= kCellMaxBytes) continue;
      return Error(
          ErrorKind::kInvalidInput, "VALUE_TOO_LONG",
          fmt::format("column {}: a value of {} bytes is longer than the 8 MiB that a MaxCompute "
                      "cell takes; shorten it at the source or leave the table out",
                      column, typed.value_length(i)));
    }
  }
  if (array.type_id() != arrow::Type::STRING || IsUtf8AsAWhole(typed)) return OkStatus();
  const arrow::Status valid = static_cast<const arrow::StringArray&>(array).ValidateUTF8();
  if (valid.ok()) return OkStatus();
  return Error(ErrorKind::kInvalidInput, "VALUE_UTF8",
               "column " + column + ": " + valid.message() +
                   "; a STRING must be UTF-8: make the column BINARY or mend it at the source");
}

Result<ArrayPtr> ConvertStruct(const ArrayPtr& array, const TypePtr& target,
                               const std::string& column) {
  const auto& typed = static_cast<const arrow::StructArray&>(*array);
  CHECK(typed.num_fields() == target->num_fields());
  arrow::ArrayVector children;
  for (int i = 0; i < typed.num_fields(); ++i) {
    const std::string name = column + "." + target->field(i)->name();
    TRY(ArrayPtr child, ConvertArray(typed.field(i), target->field(i)->type(), name));
    children.push_back(std::move(child));
  }
  TRY(auto validity, RebasedValidity(*array));
  return ArrayPtr(std::make_shared<arrow::StructArray>(target, array->length(), std::move(children),
                                                       validity, array->null_count()));
}

Result<ArrayPtr> ConvertList(const ArrayPtr& array, const TypePtr& target,
                             const std::string& column) {
  const auto& typed = static_cast<const arrow::ListArray&>(*array);
  const auto& type = static_cast<const arrow::ListType&>(*target);
  TRY(ArrayPtr values, ConvertArray(typed.values(), type.value_type(), column + "[]"));
  return ArrayPtr(std::make_shared<arrow::ListArray>(target, array->length(), typed.value_offsets(),
                                                     std::move(values), array->null_bitmap(),
                                                     array->null_count(), array->offset()));
}

Result<ArrayPtr> ConvertMap(const ArrayPtr& array, const TypePtr& target,
                            const std::string& column) {
  const auto& typed = static_cast<const arrow::MapArray&>(*array);
  const auto& type = static_cast<const arrow::MapType&>(*target);
  TRY(ArrayPtr keys, ConvertArray(typed.keys(), type.key_type(), column + " (key)"));
  TRY(ArrayPtr items, ConvertArray(typed.items(), type.item_type(), column + " (value)"));
  return ArrayPtr(std::make_shared<arrow::MapArray>(
      target, array->length(), typed.value_offsets(), std::move(keys), std::move(items),
      array->null_bitmap(), array->null_count(), array->offset()));
}

bool IsText(arrow::Type::type id) { return id == arrow::Type::STRING || id == arrow::Type::BINARY; }

}  // namespace

Result<ArrayPtr> ConvertArray(const ArrayPtr& array, const TypePtr& target,
                              const std::string& column) {
  using arrow::Type;
  const Type::type from = array->type_id();
  const Type::type to = target->id();
  if (from == Type::TIMESTAMP && to == Type::TIMESTAMP) {
    const auto unit = static_cast<const arrow::TimestampType&>(*array->type()).unit();
    if (unit == arrow::TimeUnit::MICRO) return MicrosToNanos(array, target, column);
  }
  if (from == Type::DECIMAL128 && to == Type::STRING) return DecimalsToText(array);
  if (from == to) {
    switch (to) {
      case Type::STRUCT: return ConvertStruct(array, target, column);
      case Type::LIST: return ConvertList(array, target, column);
      case Type::MAP: return ConvertMap(array, target, column);
      default: break;
    }
    if (IsText(to)) TRY_VOID(CheckText(*array, column));
    if (array->type()->Equals(*target)) return array;
  }
  if (from == Type::NA) {
    auto nulls = arrow::MakeArrayOfNull(target, array->length());
    if (nulls.ok()) return *std::move(nulls);
  }
  return Error(ErrorKind::kUnsupported, "CONVERSION",
               "column " + column + ": no way from " + array->type()->ToString() + " to " +
                   target->ToString());
}

bool ChangesClass(const DataType& source, const DataType& target) {
  if (source.id() != target.id()) return true;
  for (int i = 0; i < source.num_fields(); ++i) {
    if (ChangesClass(*source.field(i)->type(), *target.field(i)->type())) return true;
  }
  return false;
}

}  // namespace mms::migration
