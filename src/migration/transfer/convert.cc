#include "migration/transfer/convert.h"

#include <arrow/array.h>
#include <arrow/builder.h>
#include <arrow/compute/cast.h>
#include <arrow/type.h>
#include <arrow/util/bit_util.h>
#include <arrow/util/decimal.h>
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <limits>
#include <vector>

#include "migration/transfer/validity.h"

namespace mms::migration {
namespace {

using arrow::Array;
using arrow::DataType;
using ArrayPtr = ColumnConverter::ArrayPtr;
using TypePtr = ColumnConverter::TypePtr;

// Microseconds since 1970 that nanoseconds hold, and those of the years 1 to 9999.
constexpr int64_t kNanosMin = std::numeric_limits<int64_t>::min() / 1000;
constexpr int64_t kNanosMax = std::numeric_limits<int64_t>::max() / 1000;
constexpr int64_t kYearsMin = -62135596800000000LL;
constexpr int64_t kYearsMax = 253402300799999999LL;
// Days since 1970 of those years: what MaxCompute documents of DATE.
constexpr int32_t kDaysMin = -719162;
constexpr int32_t kDaysMax = 2932896;

Error Internal(const arrow::Status& status) {
  return Error(ErrorKind::kInternal, "ARROW", status.ToString());
}

/// "0001-01-01" of days since 1970; beyond the years that a year_month_day counts the days alone.
std::string DayText(std::chrono::sys_days day) {
  const std::chrono::year_month_day date(day);
  if (std::chrono::sys_days(date) != day) {
    return fmt::format("day {} since 1970", day.time_since_epoch().count());
  }
  return fmt::format("{:04}-{:02}-{:02}", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()));
}

/// "0001-01-01 00:00:00.000001" of microseconds since 1970.
std::string TimestampText(int64_t micros) {
  using namespace std::chrono;
  const sys_time<microseconds> instant{microseconds(micros)};
  const auto day = floor<days>(instant);
  const auto left = (instant - day).count();
  return fmt::format("{} {:02}:{:02}:{:02}.{:06}", DayText(day), left / 3600000000,
                     left / 60000000 % 60, left / 1000000 % 60, left % 1000000);
}

Error OutOfRange(const std::string& column, int64_t micros, bool record) {
  return Error(
      ErrorKind::kInvalidInput, "VALUE_TIMESTAMP_RANGE",
      fmt::format(
          "column {}: {} lies outside {}; move it by a migration file with "
          "policy.on_timestamp_range: {}, cast the column at the source, or leave the table out",
          column, TimestampText(micros),
          record ? "the years 1 to 9999 of the target's timestamps"
                 : "1677-09-21 to 2262-04-11, the range of Arrow's nanosecond timestamps",
          record ? "null" : "record or null"));
}

Error DateOutOfRange(const std::string& column, int32_t days) {
  const std::string text = DayText(std::chrono::sys_days(std::chrono::days(days)));
  return Error(ErrorKind::kInvalidInput, "VALUE_DATE_RANGE",
               fmt::format("column {}: {} lies outside the years 1 to 9999 of the target's DATE; "
                           "choose policy.on_timestamp_range: null, mend the value at the source, "
                           "or leave the table out",
                           column, text));
}

/// The array's validity with some more rows NULL.
Result<std::shared_ptr<arrow::Buffer>> WithNulls(const Array& array,
                                                 const std::vector<int64_t>& rows) {
  TRY(auto validity, RebasedValidity(array));
  if (rows.empty()) return validity;
  auto made = arrow::AllocateBitmap(array.length());
  if (!made.ok()) return Internal(made.status());
  uint8_t* bits = (*made)->mutable_data();
  if (validity) {
    arrow::internal::CopyBitmap(validity->data(), 0, array.length(), bits, 0);
  } else {
    arrow::bit_util::SetBitsTo(bits, 0, array.length(), true);
  }
  for (const int64_t row : rows) arrow::bit_util::ClearBit(bits, row);
  return *std::move(made);
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

/// A list's or map's offsets as they are for child values that begin at its first one.
struct Children {
  int64_t first = 0;
  int64_t count = 0;
  std::shared_ptr<arrow::Buffer> offsets;
  std::shared_ptr<arrow::Buffer> validity;
};

/// A slice shares its children with its neighbours: only its own are converted, and counted.
template <class ListArray>
Result<Children> OwnChildren(const ListArray& array) {
  Children own;
  own.first = array.value_offset(0);
  own.count = array.value_offset(array.length()) - own.first;
  TRY(own.validity, RebasedValidity(array));
  if (own.first == 0 && array.offset() == 0) {
    own.offsets = array.value_offsets();
    return own;
  }
  const int64_t size = (array.length() + 1) * static_cast<int64_t>(sizeof(int32_t));
  auto made = arrow::AllocateBuffer(size);
  if (!made.ok()) return Internal(made.status());
  auto* to = (*made)->template mutable_data_as<int32_t>();
  for (int64_t i = 0; i <= array.length(); ++i) {
    to[i] = static_cast<int32_t>(array.value_offset(i) - own.first);
  }
  own.offsets = *std::move(made);
  return own;
}

}  // namespace

Result<ArrayPtr> ColumnConverter::Timestamps(const ArrayPtr& array, const TypePtr& target,
                                             const std::string& path) {
  const bool record =
      static_cast<const arrow::TimestampType&>(*target).unit() == arrow::TimeUnit::MICRO;
  const int64_t least = record ? kYearsMin : kNanosMin;
  const int64_t most = record ? kYearsMax : kNanosMax;
  const int64_t factor = record ? 1 : 1000;
  const int64_t* from = static_cast<const arrow::TimestampArray&>(*array).raw_values();
  auto buffer = arrow::AllocateBuffer(array->length() * static_cast<int64_t>(sizeof(int64_t)));
  if (!buffer.ok()) return Internal(buffer.status());
  auto* to = (*buffer)->mutable_data_as<int64_t>();
  std::vector<int64_t> nulls;
  for (int64_t i = 0; i < array->length(); ++i) {
    if (from[i] >= least && from[i] <= most) {
      to[i] = from[i] * factor;
      continue;
    }
    to[i] = 0;
    if (array->IsNull(i)) continue;
    if (rules_.policy.on_timestamp_range != FarTimestamp::kNull || in_key_) {
      return OutOfRange(path, from[i], record);
    }
    nulls.push_back(i);
  }
  changes_[static_cast<size_t>(Change::kNullTimestamp)] += static_cast<int64_t>(nulls.size());
  TRY(auto validity, WithNulls(*array, nulls));
  return ArrayPtr(std::make_shared<arrow::TimestampArray>(
      target, array->length(), std::shared_ptr<arrow::Buffer>(*std::move(buffer)), validity,
      array->null_count() + static_cast<int64_t>(nulls.size())));
}

Result<ArrayPtr> ColumnConverter::Dates(const ArrayPtr& array, const std::string& path) {
  const int32_t* days = static_cast<const arrow::Date32Array&>(*array).raw_values();
  bool suspect = false;  // what lies under a NULL may be anything
  for (int64_t i = 0; i < array->length(); ++i) {
    suspect |= days[i] < kDaysMin || days[i] > kDaysMax;
  }
  if (!suspect) return array;
  std::vector<int64_t> nulls;
  for (int64_t i = 0; i < array->length(); ++i) {
    if (array->IsNull(i) || (days[i] >= kDaysMin && days[i] <= kDaysMax)) continue;
    if (rules_.policy.on_timestamp_range != FarTimestamp::kNull || in_key_) {
      return DateOutOfRange(path, days[i]);
    }
    nulls.push_back(i);
  }
  if (nulls.empty()) return array;
  changes_[static_cast<size_t>(Change::kNullDate)] += static_cast<int64_t>(nulls.size());
  TRY(auto validity, WithNulls(*array, nulls));
  const int64_t size = array->length() * static_cast<int64_t>(sizeof(int32_t));
  auto copy = arrow::AllocateBuffer(size);
  if (!copy.ok()) return Internal(copy.status());
  std::copy_n(days, array->length(), (*copy)->mutable_data_as<int32_t>());
  return ArrayPtr(std::make_shared<arrow::Date32Array>(
      array->length(), std::shared_ptr<arrow::Buffer>(*std::move(copy)), validity,
      array->null_count() + static_cast<int64_t>(nulls.size())));
}

Result<ArrayPtr> ColumnConverter::Text(const ArrayPtr& array, const std::string& path) {
  TextRules rules;
  rules.chars_max = path == rules_.name ? rules_.chars_max : 0;
  if (!in_key_) {
    rules.on_long_value = rules_.policy.on_long_value;
    rules.on_bad_utf8 = rules_.policy.on_bad_utf8;
  }
  return ApplyTextRules(array, rules, path, &changes_);
}

Result<ArrayPtr> ColumnConverter::Struct(const ArrayPtr& array, const TypePtr& target,
                                         const std::string& path) {
  const auto& typed = static_cast<const arrow::StructArray&>(*array);
  CHECK(typed.num_fields() == target->num_fields());
  arrow::ArrayVector children;
  for (int i = 0; i < typed.num_fields(); ++i) {
    const std::string name = path + "." + target->field(i)->name();
    TRY(ArrayPtr child, Any(typed.field(i), target->field(i)->type(), name));
    children.push_back(std::move(child));
  }
  TRY(auto validity, RebasedValidity(*array));
  return ArrayPtr(std::make_shared<arrow::StructArray>(target, array->length(), std::move(children),
                                                       validity, array->null_count()));
}

Result<ArrayPtr> ColumnConverter::List(const ArrayPtr& array, const TypePtr& target,
                                       const std::string& path) {
  const auto& typed = static_cast<const arrow::ListArray&>(*array);
  const auto& type = static_cast<const arrow::ListType&>(*target);
  TRY(Children own, OwnChildren(typed));
  TRY(ArrayPtr values,
      Any(typed.values()->Slice(own.first, own.count), type.value_type(), path + "[]"));
  return ArrayPtr(std::make_shared<arrow::ListArray>(
      target, array->length(), own.offsets, std::move(values), own.validity, array->null_count()));
}

Result<ArrayPtr> ColumnConverter::Map(const ArrayPtr& array, const TypePtr& target,
                                      const std::string& path) {
  const auto& typed = static_cast<const arrow::MapArray&>(*array);
  const auto& type = static_cast<const arrow::MapType&>(*target);
  TRY(Children own, OwnChildren(typed));
  const bool outer = in_key_;
  in_key_ = true;
  auto keys = Any(typed.keys()->Slice(own.first, own.count), type.key_type(), path + " (key)");
  in_key_ = outer;
  if (!keys) return keys;
  TRY(ArrayPtr items,
      Any(typed.items()->Slice(own.first, own.count), type.item_type(), path + " (value)"));
  return ArrayPtr(std::make_shared<arrow::MapArray>(target, array->length(), own.offsets,
                                                    *std::move(keys), std::move(items),
                                                    own.validity, array->null_count()));
}

Result<ArrayPtr> ColumnConverter::Any(const ArrayPtr& array, const TypePtr& target,
                                      const std::string& path) {
  using arrow::Type;
  const Type::type from = array->type_id();
  const Type::type to = target->id();
  if (from == Type::TIMESTAMP && to == Type::TIMESTAMP) {
    const auto unit = static_cast<const arrow::TimestampType&>(*array->type()).unit();
    if (unit == arrow::TimeUnit::MICRO) return Timestamps(array, target, path);
  }
  if (from == Type::DECIMAL128 && to == Type::STRING) return DecimalsToText(array);
  if (from == to) {
    switch (to) {
      case Type::STRUCT: return Struct(array, target, path);
      case Type::LIST: return List(array, target, path);
      case Type::MAP: return Map(array, target, path);
      case Type::STRING:
      case Type::BINARY: return Text(array, path);
      case Type::DATE32: return Dates(array, path);
      default: break;
    }
    if (array->type()->Equals(*target)) return array;
  }
  if (from == Type::NA) {
    auto nulls = arrow::MakeArrayOfNull(target, array->length());
    if (nulls.ok()) return *std::move(nulls);
  }
  return Error(ErrorKind::kUnsupported, "CONVERSION",
               "column " + path + ": no way from " + array->type()->ToString() + " to " +
                   target->ToString());
}

TypePtr RecordForm(const TypePtr& target) {
  switch (target->id()) {
    case arrow::Type::TIMESTAMP: return arrow::timestamp(arrow::TimeUnit::MICRO);
    case arrow::Type::LIST: return arrow::list(RecordForm(target->field(0)->type()));
    case arrow::Type::MAP: {
      const auto& type = static_cast<const arrow::MapType&>(*target);
      return arrow::map(RecordForm(type.key_type()), RecordForm(type.item_type()));
    }
    case arrow::Type::STRUCT: {
      arrow::FieldVector fields;
      for (const auto& field : target->fields()) {
        fields.push_back(field->WithType(RecordForm(field->type())));
      }
      return arrow::struct_(std::move(fields));
    }
    default: return target;
  }
}

bool ChangesClass(const DataType& source, const DataType& target) {
  if (source.id() != target.id()) return true;
  for (int i = 0; i < source.num_fields(); ++i) {
    if (ChangesClass(*source.field(i)->type(), *target.field(i)->type())) return true;
  }
  return false;
}

}  // namespace mms::migration
