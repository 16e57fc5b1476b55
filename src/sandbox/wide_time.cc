#include "sandbox/wide_time.h"

#include <arrow/array.h>
#include <arrow/buffer.h>
#include <arrow/builder.h>
#include <arrow/compute/cast.h>

#include <algorithm>
#include <cstring>
#include <limits>

#include "sandbox/recycling_pool.h"

namespace mms::sandbox {
namespace {

using Wide = __int128;

constexpr size_t kDecimalBytes = 16;
constexpr int64_t kNanosPerMicro = 1'000;

Wide ValueAt(const uint8_t* decimals, int64_t i) {
  Wide value;
  std::memcpy(&value, decimals + static_cast<size_t>(i) * kDecimalBytes, sizeof value);
  return value;
}

struct Survey {
  bool fit_nano = true;
  bool whole_micros = true;
};

bool IsLeaf(const ColumnType& type) {
  return type.id == TypeId::kTimestamp || type.id == TypeId::kTimestampNtz;
}

/// The array's children that hold the type's children, through the entries struct of a map.
const std::vector<std::shared_ptr<arrow::ArrayData>>& ChildrenOf(const ColumnType& type,
                                                                 const arrow::ArrayData& data) {
  return type.id == TypeId::kMap ? data.child_data[0]->child_data : data.child_data;
}

void Look(const ColumnType& type, const arrow::ArrayData& data, Survey* survey) {
  if (IsLeaf(type)) {
    // Null slots hold zero, which fits every form.
    const uint8_t* decimals = data.buffers[1] ? data.buffers[1]->data() : nullptr;
    for (int64_t i = 0; i < data.length; ++i) {
      Wide value = ValueAt(decimals, i);
      survey->fit_nano &= value >= std::numeric_limits<int64_t>::min() &&
                          value <= std::numeric_limits<int64_t>::max();
      survey->whole_micros &= value % kNanosPerMicro == 0;
    }
  }
  for (size_t i = 0; i < type.children.size(); ++i) {
    Look(type.children[i], *ChildrenOf(type, data)[i], survey);
  }
}

Result<std::shared_ptr<arrow::ArrayData>> Settle(const ColumnType& type,
                                                 const std::shared_ptr<arrow::ArrayData>& data,
                                                 TimestampForm form) {
  if (!type.HasTimestamp()) return data;
  auto settled = data->Copy();
  settled->type = type.ToArrow(form);
  if (IsLeaf(type)) {
    auto buffer =
        arrow::AllocateBuffer(data->length * int64_t{sizeof(int64_t)}, RecyclingPool::Get());
    if (!buffer.ok()) {
      return Error(ErrorKind::kInternal, "InternalServerError", buffer.status().message());
    }
    auto* out = reinterpret_cast<int64_t*>((*buffer)->mutable_data());
    const uint8_t* decimals = data->buffers[1] ? data->buffers[1]->data() : nullptr;
    Wide divisor = form == TimestampForm::kMicro ? kNanosPerMicro : 1;
    for (int64_t i = 0; i < data->length; ++i) {
      out[i] = static_cast<int64_t>(ValueAt(decimals, i) / divisor);
    }
    settled->buffers[1] = std::move(*buffer);
    return settled;
  }
  if (type.id == TypeId::kMap) {
    settled->child_data[0] = settled->child_data[0]->Copy();
    settled->child_data[0]->type = settled->type->field(0)->type();
  }
  auto& children =
      type.id == TypeId::kMap ? settled->child_data[0]->child_data : settled->child_data;
  for (size_t i = 0; i < type.children.size(); ++i) {
    TRY(children[i], Settle(type.children[i], children[i], form));
  }
  return settled;
}

Error FitsNeither(const Column& column) {
  return Error(ErrorKind::kInvalidInput, "InvalidArgument",
               "column " + column.name +
                   ": timestamps outside the years 1677 to 2262 and timestamps finer than a "
                   "microsecond cannot be kept in one block; write them in blocks of their own");
}

}  // namespace

Result<std::shared_ptr<arrow::Array>> SettleTimestamps(const Column& column,
                                                       const arrow::Array& array) {
  Survey survey;
  Look(column.type, *array.data(), &survey);
  if (!survey.fit_nano && !survey.whole_micros) return FitsNeither(column);
  auto form = survey.fit_nano ? TimestampForm::kNano : TimestampForm::kMicro;
  TRY(auto settled, Settle(column.type, array.data(), form));
  return arrow::MakeArray(settled);
}

bool HasMicros(const arrow::DataType& type) {
  if (type.id() == arrow::Type::TIMESTAMP) {
    return static_cast<const arrow::TimestampType&>(type).unit() == arrow::TimeUnit::MICRO;
  }
  return std::any_of(type.fields().begin(), type.fields().end(),
                     [](const auto& field) { return HasMicros(*field->type()); });
}

Result<std::shared_ptr<arrow::Array>> SplitTimestamps(const arrow::Array& array) {
  constexpr int64_t kNanosPerSecond = 1'000'000'000;
  int64_t nanos_each = HasMicros(*array.type()) ? kNanosPerMicro : 1;
  int64_t per_second = kNanosPerSecond / nanos_each;
  const auto& values = static_cast<const arrow::TimestampArray&>(array);
  auto* pool = RecyclingPool::Get();
  auto type =
      arrow::struct_({arrow::field("sec", arrow::int64()), arrow::field("nano", arrow::int32())});
  auto seconds = std::make_shared<arrow::Int64Builder>(pool);
  auto nanos = std::make_shared<arrow::Int32Builder>(pool);
  arrow::StructBuilder rows(type, pool, {seconds, nanos});
  auto append = [&](int64_t i) -> arrow::Status {
    if (values.IsNull(i)) return rows.AppendNull();
    int64_t value = values.Value(i);
    int64_t rest = (value % per_second + per_second) % per_second;
    ARROW_RETURN_NOT_OK(rows.Append());
    ARROW_RETURN_NOT_OK(seconds->Append(value / per_second - (value % per_second < 0 ? 1 : 0)));
    return nanos->Append(static_cast<int32_t>(rest * nanos_each));
  };
  arrow::Status status = rows.Reserve(values.length());
  for (int64_t i = 0; status.ok() && i < values.length(); ++i) status = append(i);
  std::shared_ptr<arrow::Array> split;
  if (status.ok()) status = rows.Finish(&split);
  if (status.ok()) return split;
  return Error(ErrorKind::kInternal, "InternalServerError", status.ToString());
}

Result<std::shared_ptr<arrow::Array>> CastTimestamps(const Column& column,
                                                     const std::shared_ptr<arrow::Array>& array,
                                                     TimestampForm form) {
  auto cast = arrow::compute::Cast(*array, column.type.ToArrow(form));
  if (cast.ok()) return *cast;
  if (form == TimestampForm::kMicro) return FitsNeither(column);
  return Error(ErrorKind::kInvalidInput, "InvalidArgument",
               "column " + column.name +
                   " holds timestamps outside the years 1677 to 2262, which Arrow blocks cannot "
                   "carry; download records instead");
}

}  // namespace mms::sandbox
