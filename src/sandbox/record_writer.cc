#include <arrow/array.h>

#include <cstring>

#include "sandbox/crc32c.h"
#include "sandbox/record_block.h"
#include "sandbox/record_wire.h"

namespace mms::sandbox {
namespace {

void PutVarint(uint64_t value, std::string* out) {
  while (value >= 128) {
    out->push_back(static_cast<char>(value | 128));
    value >>= 7;
  }
  out->push_back(static_cast<char>(value));
}

uint64_t Zigzag(int64_t value) {
  return (static_cast<uint64_t>(value) << 1) ^ static_cast<uint64_t>(value >> 63);
}

/// Encodes values of any type and sums them into the record's checksum.
class ValueWriter {
 public:
  explicit ValueWriter(std::string* out) : out_(out) {}

  uint32_t crc() const { return crc_; }
  template <class Number>
  void Sum(Number value) {
    crc_ = Crc32c(crc_, &value, sizeof value);
  }

  void Write(const ColumnType& type, const arrow::Array& array, int64_t row) {
    switch (type.id) {
      case TypeId::kTinyint: return Integer(static_cast<const arrow::Int8Array&>(array).Value(row));
      case TypeId::kSmallint:
        return Integer(static_cast<const arrow::Int16Array&>(array).Value(row));
      case TypeId::kInt: return Integer(static_cast<const arrow::Int32Array&>(array).Value(row));
      case TypeId::kBigint: return Integer(static_cast<const arrow::Int64Array&>(array).Value(row));
      case TypeId::kDatetime:
        return Integer(static_cast<const arrow::TimestampArray&>(array).Value(row));
      case TypeId::kDate: return Integer(static_cast<const arrow::Date32Array&>(array).Value(row));
      case TypeId::kBoolean: {
        uint8_t value = static_cast<const arrow::BooleanArray&>(array).Value(row) ? 1 : 0;
        Sum(value);
        return PutVarint(value, out_);
      }
      case TypeId::kFloat: return Floating(static_cast<const arrow::FloatArray&>(array).Value(row));
      case TypeId::kDouble:
        return Floating(static_cast<const arrow::DoubleArray&>(array).Value(row));
      case TypeId::kDecimal:
        return Text(static_cast<const arrow::Decimal128Array&>(array).FormatValue(row));
      case TypeId::kTimestamp:
      case TypeId::kTimestampNtz:
        return Timestamp(static_cast<const arrow::TimestampArray&>(array).Value(row),
                         static_cast<const arrow::TimestampType&>(*array.type()).unit());
      case TypeId::kArray: {
        const auto& list = static_cast<const arrow::ListArray&>(array);
        return List(type.children[0], *list.values(),
                    {list.value_offset(row), list.value_offset(row + 1)});
      }
      case TypeId::kMap: {
        const auto& map = static_cast<const arrow::MapArray&>(array);
        std::pair<int64_t, int64_t> range{map.value_offset(row), map.value_offset(row + 1)};
        List(type.children[0], *map.keys(), range);
        return List(type.children[1], *map.items(), range);
      }
      case TypeId::kStruct: {
        const auto& record = static_cast<const arrow::StructArray&>(array);
        for (size_t i = 0; i < type.children.size(); ++i) {
          Element(type.children[i], *record.field(static_cast<int>(i)), row);
        }
        return;
      }
      default: return Text(static_cast<const arrow::BinaryArray&>(array).GetView(row));
    }
  }

 private:
  void Integer(int64_t value) {
    Sum(value);
    PutVarint(Zigzag(value), out_);
  }

  template <class Value>
  void Floating(Value value) {
    Sum(value);
    out_->append(reinterpret_cast<const char*>(&value), sizeof value);
  }

  void Text(std::string_view text) {
    crc_ = Crc32c(crc_, text.data(), text.size());
    PutVarint(text.size(), out_);
    out_->append(text);
  }

  void Timestamp(int64_t value, arrow::TimeUnit::type unit) {
    int64_t per_second = unit == arrow::TimeUnit::MICRO ? 1'000'000 : 1'000'000'000;
    int64_t seconds = value / per_second;
    int64_t rest = value % per_second;
    if (rest < 0) {
      rest += per_second;
      --seconds;
    }
    auto nanos = static_cast<int32_t>(rest * (1'000'000'000 / per_second));
    Sum(seconds);
    Sum(nanos);
    PutVarint(Zigzag(seconds), out_);
    PutVarint(Zigzag(nanos), out_);
  }

  void Element(const ColumnType& type, const arrow::Array& array, int64_t row) {
    bool null = array.IsNull(row);
    PutVarint(null ? 1 : 0, out_);
    if (!null) Write(type, array, row);
  }

  void List(const ColumnType& type, const arrow::Array& values, std::pair<int64_t, int64_t> range) {
    PutVarint(static_cast<uint64_t>(range.second - range.first), out_);
    for (int64_t i = range.first; i < range.second; ++i) Element(type, values, i);
  }

  std::string* out_;
  uint32_t crc_ = 0;
};

}  // namespace

Status RecordBlockWriter::WriteRow(const arrow::RecordBatch& batch, int64_t row) {
  ValueWriter values(&out_);
  for (size_t i = 0; i < columns_.size(); ++i) {
    const arrow::Array& array = *batch.column(static_cast<int>(i));
    if (array.IsNull(row)) continue;
    auto field = static_cast<uint32_t>(i + 1);
    PutVarint(field << 3 | WireTypeOf(columns_[i].type.id), &out_);
    values.Sum(field);
    values.Write(columns_[i].type, array, row);
  }
  uint32_t crc = values.crc();
  PutVarint(kEndRecord << 3 | kWireVarint, &out_);
  PutVarint(crc, &out_);
  crc_of_crcs_ = Crc32c(crc_of_crcs_, &crc, sizeof crc);
  ++count_;
  return out_.size() >= kFlushBytes ? Flush() : OkStatus();
}

Status RecordBlockWriter::Flush() {
  TRY_VOID(sink_->Write(out_.data(), out_.size()));
  out_.clear();
  return OkStatus();
}

Status RecordBlockWriter::Write(const arrow::RecordBatch& batch) {
  for (int64_t row = 0; row < batch.num_rows(); ++row) TRY_VOID(WriteRow(batch, row));
  return OkStatus();
}

Status RecordBlockWriter::Finish() {
  PutVarint(kMetaCount << 3 | kWireVarint, &out_);
  PutVarint(Zigzag(count_), &out_);
  PutVarint(kMetaChecksum << 3 | kWireVarint, &out_);
  PutVarint(crc_of_crcs_, &out_);
  return Flush();
}

}  // namespace mms::sandbox
