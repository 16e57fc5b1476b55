#include "migration/transfer/fit.h"

#include <arrow/array.h>
#include <arrow/buffer.h>
#include <arrow/compute/cast.h>
#include <arrow/type.h>
#include <arrow/util/key_value_metadata.h>

#include <algorithm>
#include <limits>
#include <utility>

#include "base/lower_ascii.h"
#include "base/secret.h"
#include "migration/transfer/validity.h"

namespace mms::migration {
namespace {

using arrow::Array;
using arrow::Field;
using ArrayPtr = std::shared_ptr<Array>;
using FieldPtr = std::shared_ptr<Field>;

bool InAnyCase(FieldMatch match) {
  return match == FieldMatch::kAnyCase || match == FieldMatch::kOrc;
}

/// What Spark reads as another type than the file's; Arrow would cast more, such as numbers to
/// text.
bool SparkReads(const arrow::DataType& have, const arrow::DataType& want, FieldMatch match) {
  using arrow::Type;
  // Of ORC, a text of binary values is their hexadecimal digits.
  const bool text_is_binary = match != FieldMatch::kOrc;
  const bool integer = arrow::is_integer(have.id());
  switch (want.id()) {
    case Type::INT8:
    case Type::INT16:
    case Type::INT32:
    case Type::INT64: return integer && arrow::bit_width(have.id()) <= 64;
    case Type::DOUBLE: return have.id() == Type::FLOAT || have.id() == Type::INT32;
    case Type::DECIMAL128: return integer || arrow::is_decimal(have.id());
    case Type::STRING: return text_is_binary && arrow::is_base_binary_like(have.id());
    case Type::BINARY:
      return text_is_binary &&
             (arrow::is_base_binary_like(have.id()) || arrow::is_fixed_size_binary(have.id()));
    case Type::TIMESTAMP: {
      const auto& wanted = static_cast<const arrow::TimestampType&>(want);
      return have.id() == Type::TIMESTAMP ||
             (have.id() == Type::DATE32 && wanted.timezone().empty());
    }
    default: return false;
  }
}

std::string FieldId(const Field& field) {
  if (!field.metadata()) return "";
  return field.metadata()->Get("PARQUET:field_id").ValueOr("");
}

Error Differs(const Field& file_field, const Field& wanted, const arrow::Status& status) {
  return Error(ErrorKind::kCorrupt, "FILE_TYPE_DIFFERS",
               "field " + wanted.name() + " is " + file_field.type()->ToString() +
                   " in the file and " + wanted.type()->ToString() +
                   " in the table: " + ScrubSecrets(status.message()) +
                   "; rewrite the table (REORG or OPTIMIZE) or leave it out");
}

Error NotReadBySpark(const Field& file_field, const Field& wanted) {
  return Differs(file_field, wanted, arrow::Status::TypeError("Spark reads no such type"));
}

/// Arrow gives instants of ORC in nanoseconds without a zone, which are those of UTC; Spark keeps
/// what has none as a number of microseconds and notes the type beside it.
Result<ArrayPtr> FitOrcInstant(const ArrayPtr& array, const Field& file_field,
                               const Field& wanted) {
  using arrow::Type;
  const auto& to = static_cast<const arrow::TimestampType&>(*wanted.type());
  if (array->type_id() == Type::INT64 && to.timezone().empty() && file_field.metadata() &&
      file_field.metadata()->Get("spark.sql.catalyst.type").ValueOr("") == "timestamp_ntz") {
    auto view = array->View(wanted.type());
    return view.ok() ? Result<ArrayPtr>(*std::move(view))
                     : Differs(file_field, wanted, view.status());
  }
  if (!array->type()->Equals(arrow::timestamp(arrow::TimeUnit::NANO)) ||
      to.unit() != arrow::TimeUnit::MICRO) {
    return NotReadBySpark(file_field, wanted);
  }
  constexpr int64_t kNanos = 1000;
  const int64_t length = array->length();
  auto allocated = arrow::AllocateBuffer(length * static_cast<int64_t>(sizeof(int64_t)));
  if (!allocated.ok()) return Differs(file_field, wanted, allocated.status());
  const auto* from = array->data()->GetValues<int64_t>(1);
  auto* micros = reinterpret_cast<int64_t*>((*allocated)->mutable_data());
  for (int64_t i = 0; i < length; ++i) {
    micros[i] = from[i] / kNanos - (from[i] % kNanos < 0 ? 1 : 0);
  }
  TRY(auto validity, RebasedValidity(*array));
  return arrow::MakeArray(arrow::ArrayData::Make(
      wanted.type(), length, {validity, std::move(*allocated)}, array->null_count()));
}

/// A day, second or millisecond may lie beyond what microseconds hold (the year 294,247).
bool MayPassMicros(const arrow::DataType& have, const arrow::DataType& want) {
  if (want.id() != arrow::Type::TIMESTAMP) return false;
  if (static_cast<const arrow::TimestampType&>(want).unit() != arrow::TimeUnit::MICRO) return false;
  if (have.id() == arrow::Type::DATE32) return true;
  return have.id() == arrow::Type::TIMESTAMP &&
         static_cast<const arrow::TimestampType&>(have).unit() < arrow::TimeUnit::MICRO;
}

/// Beyond them: as far as they go, where no target has a timestamp, so that the value is dealt with
/// as any that does not fit.
Result<ArrayPtr> ToMicros(const Array& array, const std::shared_ptr<arrow::DataType>& want) {
  const bool days = array.type_id() == arrow::Type::DATE32;
  int64_t factor = 86'400'000'000;
  if (!days) {
    const auto unit = static_cast<const arrow::TimestampType&>(*array.type()).unit();
    factor = unit == arrow::TimeUnit::SECOND ? 1'000'000 : 1'000;
  }
  const int64_t length = array.length();
  auto allocated = arrow::AllocateBuffer(length * static_cast<int64_t>(sizeof(int64_t)));
  if (!allocated.ok()) return Error(ErrorKind::kInternal, "ARROW", allocated.status().ToString());
  auto* micros = (*allocated)->mutable_data_as<int64_t>();
  for (int64_t i = 0; i < length; ++i) {
    const int64_t value = days ? static_cast<const arrow::Date32Array&>(array).Value(i)
                               : static_cast<const arrow::TimestampArray&>(array).Value(i);
    if (!__builtin_mul_overflow(value, factor, &micros[i])) continue;
    micros[i] =
        value < 0 ? std::numeric_limits<int64_t>::min() : std::numeric_limits<int64_t>::max();
  }
  TRY(auto validity, RebasedValidity(array));
  return arrow::MakeArray(
      arrow::ArrayData::Make(want, length, {validity, std::move(*allocated)}, array.null_count()));
}

Result<ArrayPtr> Nulls(const FieldPtr& wanted, int64_t rows) {
  auto made = arrow::MakeArrayOfNull(wanted->type(), rows);
  if (!made.ok()) {
    return Error(ErrorKind::kInternal, "ARROW", made.status().ToString());
  }
  return *std::move(made);
}

Result<ArrayPtr> FitStruct(const ArrayPtr& array, const FieldPtr& wanted, FieldMatch match) {
  const auto& typed = static_cast<const arrow::StructArray&>(*array);
  const auto& have = typed.type()->fields();
  arrow::ArrayVector children;
  for (const FieldPtr& child : wanted->type()->fields()) {
    TRY(const int index, FindField(have, *child, match));
    if (index < 0) {
      TRY(ArrayPtr nulls, Nulls(child, array->length()));
      children.push_back(std::move(nulls));
      continue;
    }
    TRY(ArrayPtr fitted,
        FitArray(typed.field(index), have[static_cast<size_t>(index)], child, match));
    children.push_back(std::move(fitted));
  }
  TRY(auto validity, RebasedValidity(*array));
  return ArrayPtr(std::make_shared<arrow::StructArray>(
      wanted->type(), array->length(), std::move(children), validity, array->null_count()));
}

Result<ArrayPtr> FitList(const ArrayPtr& array, const FieldPtr& wanted, FieldMatch match) {
  const auto& typed = static_cast<const arrow::ListArray&>(*array);
  const auto& type = static_cast<const arrow::ListType&>(*wanted->type());
  const auto& file_type = static_cast<const arrow::ListType&>(*array->type());
  TRY(ArrayPtr values,
      FitArray(typed.values(), file_type.value_field(), type.value_field(), match));
  return ArrayPtr(std::make_shared<arrow::ListArray>(
      wanted->type(), array->length(), typed.value_offsets(), std::move(values),
      array->null_bitmap(), array->null_count(), array->offset()));
}

Result<ArrayPtr> FitMap(const ArrayPtr& array, const FieldPtr& wanted, FieldMatch match) {
  const auto& typed = static_cast<const arrow::MapArray&>(*array);
  const auto& type = static_cast<const arrow::MapType&>(*wanted->type());
  const auto& file_type = static_cast<const arrow::MapType&>(*array->type());
  TRY(ArrayPtr keys, FitArray(typed.keys(), file_type.key_field(), type.key_field(), match));
  TRY(ArrayPtr items, FitArray(typed.items(), file_type.item_field(), type.item_field(), match));
  return ArrayPtr(std::make_shared<arrow::MapArray>(
      wanted->type(), array->length(), typed.value_offsets(), std::move(keys), std::move(items),
      array->null_bitmap(), array->null_count(), array->offset()));
}

}  // namespace

Result<int> FindField(const arrow::FieldVector& fields, const Field& wanted, FieldMatch match) {
  const std::string id = match == FieldMatch::kId ? FieldId(wanted) : "";
  const bool any_case = InAnyCase(match);
  const std::string name = any_case ? LowerAscii(wanted.name()) : wanted.name();
  int found = -1;
  for (size_t i = 0; i < fields.size(); ++i) {
    const std::string& have = fields[i]->name();
    const bool same =
        !id.empty() ? FieldId(*fields[i]) == id : (any_case ? LowerAscii(have) : have) == name;
    if (!same) continue;
    if (!any_case) return static_cast<int>(i);
    if (found >= 0) {
      return Error(ErrorKind::kCorrupt, "FILE_COLUMN_AMBIGUOUS",
                   "the file has two fields for " + wanted.name() +
                       " that differ in case alone; rewrite it, or leave the table out");
    }
    found = static_cast<int>(i);
  }
  return found;
}

Result<ArrayPtr> FitArray(const ArrayPtr& array, const FieldPtr& file_field, const FieldPtr& wanted,
                          FieldMatch match) {
  const auto& have = array->type();
  const auto& want = wanted->type();
  if (have->Equals(*want)) return array;
  using arrow::Type;
  if (have->id() == want->id()) {
    switch (want->id()) {
      case Type::STRUCT: return FitStruct(array, wanted, match);
      case Type::LIST: return FitList(array, wanted, match);
      case Type::MAP: return FitMap(array, wanted, match);
      default: break;
    }
  }
  if (match == FieldMatch::kOrc && want->id() == Type::TIMESTAMP) {
    return FitOrcInstant(array, *file_field, *wanted);
  }
  // INT96 and zone-less Parquet timestamps hold the instant in UTC: only the label is missing.
  if (have->id() == Type::TIMESTAMP && want->id() == Type::TIMESTAMP) {
    const auto& from = static_cast<const arrow::TimestampType&>(*have);
    const auto& to = static_cast<const arrow::TimestampType&>(*want);
    if (from.unit() == to.unit()) {
      auto view = array->View(want);
      if (view.ok()) return *std::move(view);
    }
  }
  if (InAnyCase(match) && !SparkReads(*have, *want, match)) {
    return NotReadBySpark(*file_field, *wanted);
  }
  auto cast = arrow::compute::Cast(*array, want, arrow::compute::CastOptions::Safe());
  if (!cast.ok() && MayPassMicros(*have, *want)) return ToMicros(*array, want);
  if (!cast.ok()) return Differs(*file_field, *wanted, cast.status());
  return *std::move(cast);
}

}  // namespace mms::migration
