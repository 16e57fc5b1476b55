#include "migration/transfer/fit.h"

#include <arrow/array.h>
#include <arrow/compute/cast.h>
#include <arrow/type.h>
#include <arrow/util/key_value_metadata.h>

#include <algorithm>

#include "base/secret.h"
#include "migration/transfer/validity.h"

namespace mms::migration {
namespace {

using arrow::Array;
using arrow::Field;
using ArrayPtr = std::shared_ptr<Array>;
using FieldPtr = std::shared_ptr<Field>;

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

Result<ArrayPtr> Nulls(const FieldPtr& wanted, int64_t rows) {
  auto made = arrow::MakeArrayOfNull(wanted->type(), rows);
  if (!made.ok()) {
    return Error(ErrorKind::kInternal, "ARROW", made.status().ToString());
  }
  return *std::move(made);
}

Result<ArrayPtr> FitStruct(const ArrayPtr& array, const FieldPtr& wanted, bool by_id) {
  const auto& typed = static_cast<const arrow::StructArray&>(*array);
  const auto& have = typed.type()->fields();
  arrow::ArrayVector children;
  for (const FieldPtr& child : wanted->type()->fields()) {
    const int index = FindField(have, *child, by_id);
    if (index < 0) {
      TRY(ArrayPtr nulls, Nulls(child, array->length()));
      children.push_back(std::move(nulls));
      continue;
    }
    TRY(ArrayPtr fitted,
        FitArray(typed.field(index), have[static_cast<size_t>(index)], child, by_id));
    children.push_back(std::move(fitted));
  }
  TRY(auto validity, RebasedValidity(*array));
  return ArrayPtr(std::make_shared<arrow::StructArray>(
      wanted->type(), array->length(), std::move(children), validity, array->null_count()));
}

Result<ArrayPtr> FitList(const ArrayPtr& array, const FieldPtr& wanted, bool by_id) {
  const auto& typed = static_cast<const arrow::ListArray&>(*array);
  const auto& type = static_cast<const arrow::ListType&>(*wanted->type());
  const auto& file_type = static_cast<const arrow::ListType&>(*array->type());
  TRY(ArrayPtr values,
      FitArray(typed.values(), file_type.value_field(), type.value_field(), by_id));
  return ArrayPtr(std::make_shared<arrow::ListArray>(
      wanted->type(), array->length(), typed.value_offsets(), std::move(values),
      array->null_bitmap(), array->null_count(), array->offset()));
}

Result<ArrayPtr> FitMap(const ArrayPtr& array, const FieldPtr& wanted, bool by_id) {
  const auto& typed = static_cast<const arrow::MapArray&>(*array);
  const auto& type = static_cast<const arrow::MapType&>(*wanted->type());
  const auto& file_type = static_cast<const arrow::MapType&>(*array->type());
  TRY(ArrayPtr keys, FitArray(typed.keys(), file_type.key_field(), type.key_field(), by_id));
  TRY(ArrayPtr items, FitArray(typed.items(), file_type.item_field(), type.item_field(), by_id));
  return ArrayPtr(std::make_shared<arrow::MapArray>(
      wanted->type(), array->length(), typed.value_offsets(), std::move(keys), std::move(items),
      array->null_bitmap(), array->null_count(), array->offset()));
}

}  // namespace

int FindField(const arrow::FieldVector& fields, const Field& wanted, bool by_id) {
  const std::string id = by_id ? FieldId(wanted) : "";
  for (size_t i = 0; i < fields.size(); ++i) {
    const bool same =
        by_id && !id.empty() ? FieldId(*fields[i]) == id : fields[i]->name() == wanted.name();
    if (same) return static_cast<int>(i);
  }
  return -1;
}

Result<ArrayPtr> FitArray(const ArrayPtr& array, const FieldPtr& file_field, const FieldPtr& wanted,
                          bool by_id) {
  const auto& have = array->type();
  const auto& want = wanted->type();
  if (have->Equals(*want)) return array;
  using arrow::Type;
  if (have->id() == want->id()) {
    switch (want->id()) {
      case Type::STRUCT: return FitStruct(array, wanted, by_id);
      case Type::LIST: return FitList(array, wanted, by_id);
      case Type::MAP: return FitMap(array, wanted, by_id);
      default: break;
    }
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
  auto cast = arrow::compute::Cast(*array, want, arrow::compute::CastOptions::Safe());
  if (!cast.ok()) return Differs(*file_field, *wanted, cast.status());
  return *std::move(cast);
}

}  // namespace mms::migration
