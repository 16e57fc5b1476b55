#include <arrow/array.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>
#include <arrow/util/decimal.h>

#include <algorithm>
#include <utility>

#include "clients/maxcompute/crc32c.h"
#include "clients/maxcompute/record_block.h"
#include "clients/maxcompute/record_wire.h"

namespace mms::maxcompute {
namespace {

constexpr size_t kRefillBytes = 64 * 1024;
constexpr int64_t kNanosPerSecond = 1'000'000'000;

bool IsRecordType(const arrow::DataType& type) {
  switch (type.id()) {
    case arrow::Type::BOOL:
    case arrow::Type::INT8:
    case arrow::Type::INT16:
    case arrow::Type::INT32:
    case arrow::Type::INT64:
    case arrow::Type::FLOAT:
    case arrow::Type::DOUBLE:
    case arrow::Type::STRING:
    case arrow::Type::BINARY:
    case arrow::Type::DATE32:
    case arrow::Type::DECIMAL128: return true;
    case arrow::Type::TIMESTAMP:
      return static_cast<const arrow::TimestampType&>(type).unit() != arrow::TimeUnit::SECOND;
    case arrow::Type::LIST:
    case arrow::Type::MAP:
    case arrow::Type::STRUCT:
      return std::all_of(type.fields().begin(), type.fields().end(),
                         [](const auto& field) { return IsRecordType(*field->type()); });
    default: return false;
  }
}

WireType WireTypeOf(const arrow::DataType& type) {
  switch (type.id()) {
    case arrow::Type::BOOL:
    case arrow::Type::INT8:
    case arrow::Type::INT16:
    case arrow::Type::INT32:
    case arrow::Type::INT64:
    case arrow::Type::DATE32: return WireType::kVarint;
    case arrow::Type::FLOAT: return WireType::kFixed32;
    case arrow::Type::DOUBLE: return WireType::kFixed64;
    case arrow::Type::TIMESTAMP: {
      // Milliseconds are DATETIME, anything finer is TIMESTAMP.
      const auto unit = static_cast<const arrow::TimestampType&>(type).unit();
      return unit == arrow::TimeUnit::MILLI ? WireType::kVarint : WireType::kBytes;
    }
    default: return WireType::kBytes;
  }
}

/// Without an exponent, which Arrow's own text has for small values.
std::string DecimalText(const arrow::Decimal128Array& array, int64_t row) {
  const auto scale = static_cast<const arrow::Decimal128Type&>(*array.type()).scale();
  std::string digits = arrow::Decimal128(array.GetValue(row)).ToIntegerString();
  if (scale == 0) return digits;
  const size_t sign = digits.starts_with('-') ? 1 : 0;
  const auto places = static_cast<size_t>(scale);
  if (digits.size() - sign <= places) {
    digits.insert(sign, places + 1 - (digits.size() - sign), '0');
  }
  digits.insert(digits.size() - places, ".");
  return digits;
}

}  // namespace

/// Appends rows of one batch to `out`.
class RecordEncoder::Row {
 public:
  Row(const arrow::RecordBatch& batch, std::string& out) : out_(out) {
    for (const auto& array : batch.columns()) {
      columns_.push_back({array, WireTypeOf(*array->type())});
    }
  }

  /// The record's checksum.
  uint32_t Write(int64_t row) {
    crc_ = 0;
    uint32_t field = 0;
    for (const Column& column : columns_) {
      ++field;
      if (column.array->IsNull(row)) continue;
      AppendVarint(out_, MakeTag(field, column.wire_type));
      Sum(field);
      WriteValue(*column.array, row);
    }
    AppendVarint(out_, MakeTag(kFieldEndRecord, WireType::kVarint));
    AppendVarint(out_, crc_);
    return crc_;
  }

 private:
  struct Column {
    std::shared_ptr<arrow::Array> array;
    WireType wire_type;
  };

  template <class T>
  void Sum(T value) {
    crc_ = Crc32c(crc_, &value, sizeof value);
  }

  void WriteInteger(int64_t value) {
    AppendVarint(out_, ZigZag(value));
    Sum(value);
  }

  template <class T>
  void WriteFixed(T value) {
    out_.append(reinterpret_cast<const char*>(&value), sizeof value);
    Sum(value);
  }

  void WriteBytes(std::string_view bytes) {
    AppendVarint(out_, bytes.size());
    out_.append(bytes);
    crc_ = Crc32c(crc_, bytes.data(), bytes.size());
  }

  void WriteTimestamp(const arrow::TimestampArray& array, int64_t row) {
    const auto unit = static_cast<const arrow::TimestampType&>(*array.type()).unit();
    const int64_t value = array.Value(row);
    if (unit == arrow::TimeUnit::MILLI) return WriteInteger(value);
    const int64_t per_second = unit == arrow::TimeUnit::MICRO ? 1'000'000 : kNanosPerSecond;
    int64_t seconds = value / per_second;
    int64_t rest = value % per_second;
    if (rest < 0) {  // the nanoseconds count forward from the second before
      rest += per_second;
      --seconds;
    }
    const auto nanos = static_cast<int32_t>(rest * (kNanosPerSecond / per_second));
    AppendVarint(out_, ZigZag(seconds));
    AppendVarint(out_, ZigZag(nanos));
    Sum(seconds);
    Sum(nanos);
  }

  /// `count` elements with a flag each; the count is before them.
  void WriteElements(const arrow::Array& array, int64_t from, int64_t count) {
    AppendVarint(out_, static_cast<uint64_t>(count));
    for (int64_t row = from; row < from + count; ++row) WriteElement(array, row);
  }

  void WriteElement(const arrow::Array& array, int64_t row) {
    const bool is_null = array.IsNull(row);
    out_.push_back(is_null ? '\1' : '\0');
    if (!is_null) WriteValue(array, row);
  }

  void WriteNested(const arrow::Array& array, int64_t row) {
    if (array.type_id() == arrow::Type::STRUCT) {
      const auto& fields = static_cast<const arrow::StructArray&>(array);
      for (int i = 0; i < fields.num_fields(); ++i) WriteElement(*fields.field(i), row);
      return;
    }
    // A map is a list, too.
    const auto& list = static_cast<const arrow::ListArray&>(array);
    const int64_t from = list.value_offset(row);
    const int64_t count = list.value_length(row);
    if (array.type_id() == arrow::Type::LIST) return WriteElements(*list.values(), from, count);
    const auto& map = static_cast<const arrow::MapArray&>(array);
    WriteElements(*map.keys(), from, count);
    WriteElements(*map.items(), from, count);
  }

  template <class ArrayType>
  static auto ValueOf(const arrow::Array& array, int64_t row) {
    return static_cast<const ArrayType&>(array).Value(row);
  }

  void WriteValue(const arrow::Array& array, int64_t row) {
    switch (array.type_id()) {
      case arrow::Type::BOOL: {
        const char value = ValueOf<arrow::BooleanArray>(array, row) ? '\1' : '\0';
        out_.push_back(value);
        return Sum(value);
      }
      case arrow::Type::INT8: return WriteInteger(ValueOf<arrow::Int8Array>(array, row));
      case arrow::Type::INT16: return WriteInteger(ValueOf<arrow::Int16Array>(array, row));
      case arrow::Type::INT32: return WriteInteger(ValueOf<arrow::Int32Array>(array, row));
      case arrow::Type::INT64: return WriteInteger(ValueOf<arrow::Int64Array>(array, row));
      case arrow::Type::DATE32: return WriteInteger(ValueOf<arrow::Date32Array>(array, row));
      case arrow::Type::FLOAT: return WriteFixed(ValueOf<arrow::FloatArray>(array, row));
      case arrow::Type::DOUBLE: return WriteFixed(ValueOf<arrow::DoubleArray>(array, row));
      case arrow::Type::STRING:
      case arrow::Type::BINARY:
        return WriteBytes(static_cast<const arrow::BinaryArray&>(array).GetView(row));
      case arrow::Type::DECIMAL128:
        return WriteBytes(DecimalText(static_cast<const arrow::Decimal128Array&>(array), row));
      case arrow::Type::TIMESTAMP:
        return WriteTimestamp(static_cast<const arrow::TimestampArray&>(array), row);
      default: return WriteNested(array, row);
    }
  }

  std::string& out_;
  std::vector<Column> columns_;
  uint32_t crc_ = 0;
};

RecordEncoder::RecordEncoder(BatchSource* source) : source_(source) {}
RecordEncoder::~RecordEncoder() = default;

Result<size_t> RecordEncoder::Read(std::span<char> buffer) {
  size_t filled = 0;
  while (filled < buffer.size()) {
    if (handed_ == bytes_.size()) {
      if (ended_) break;
      TRY_VOID(Refill());
    }
    const size_t size = std::min(bytes_.size() - handed_, buffer.size() - filled);
    std::copy_n(bytes_.data() + handed_, size, buffer.data() + filled);
    handed_ += size;
    filled += size;
  }
  payload_bytes_ += static_cast<int64_t>(filled);
  return filled;
}

Status RecordEncoder::Refill() {
  bytes_.clear();
  handed_ = 0;
  while (bytes_.size() < kRefillBytes) {
    if (batch_ == nullptr || next_row_ == batch_->num_rows()) {
      TRY_VOID(LoadBatch());
      if (batch_ == nullptr) {
        EndBlock();
        return OkStatus();
      }
      continue;
    }
    const uint32_t crc = row_->Write(next_row_++);
    block_crc_ = Crc32c(block_crc_, &crc, sizeof crc);
    ++rows_;
  }
  return OkStatus();
}

Status RecordEncoder::LoadBatch() {
  row_.reset();
  batch_.reset();
  next_row_ = 0;
  TRY(batch_, source_->Next());
  if (batch_ == nullptr) return OkStatus();
  if (schema_ == nullptr) {
    for (const auto& field : batch_->schema()->fields()) {
      if (!IsRecordType(*field->type())) {
        return Error(ErrorKind::kInternal, "TUNNEL_BATCH_TYPE",
                     "column " + field->name() + " of type " + field->type()->ToString() +
                         " cannot go into a Tunnel block; cast it before");
      }
    }
    schema_ = batch_->schema();
  } else if (batch_->schema() != schema_ && !batch_->schema()->Equals(*schema_)) {
    return Error(ErrorKind::kInternal, "TUNNEL_BATCH_TYPE",
                 "a batch has the columns " + batch_->schema()->ToString() +
                     " but the block began with " + schema_->ToString());
  }
  row_ = std::make_unique<Row>(*batch_, bytes_);
  return OkStatus();
}

void RecordEncoder::EndBlock() {
  AppendVarint(bytes_, MakeTag(kFieldCount, WireType::kVarint));
  AppendVarint(bytes_, ZigZag(rows_));
  AppendVarint(bytes_, MakeTag(kFieldChecksum, WireType::kVarint));
  AppendVarint(bytes_, block_crc_);
  ended_ = true;
}

}  // namespace mms::maxcompute
