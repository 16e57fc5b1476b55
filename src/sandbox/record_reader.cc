#include <arrow/array/builder_binary.h>
#include <arrow/array/builder_decimal.h>
#include <arrow/array/builder_nested.h>
#include <arrow/array/builder_primitive.h>
#include <arrow/builder.h>
#include <arrow/util/decimal.h>

#include <cstring>
#include <limits>

#include "sandbox/arrow_block.h"
#include "sandbox/crc32c.h"
#include "sandbox/record_block.h"
#include "sandbox/record_wire.h"
#include "sandbox/recycling_pool.h"
#include "sandbox/wide_time.h"

namespace mms::sandbox {
namespace {

constexpr int64_t kBatchRows = 8'192;
constexpr uint64_t kBatchBytes = 4 << 20;
constexpr uint64_t kElementsMax = 64 << 20;

Error Malformed(const std::string& what) {
  return Error(ErrorKind::kCorrupt, "MalformedDataStream", what);
}

Error Refused(const std::string& what) {
  return Error(ErrorKind::kInvalidInput, "InvalidArgument", what);
}

Status FromArrowStatus(const arrow::Status& status) {
  if (status.ok()) return OkStatus();
  return Error(ErrorKind::kInternal, "InternalServerError", status.message());
}

int64_t UnZigzag(uint64_t value) {
  return static_cast<int64_t>(value >> 1) ^ -static_cast<int64_t>(value & 1);
}

/// Buffered bytes of the block.
class Input {
 public:
  explicit Input(ByteSource* source) : source_(source), buffer_(64 * 1024) {}

  /// False at the end of the block.
  Result<bool> More() {
    if (begin_ < end_) return true;
    TRY(size_t got, source_->Read(buffer_.data(), buffer_.size()));
    begin_ = 0;
    end_ = got;
    return got > 0;
  }

  Result<uint64_t> Varint() {
    uint64_t value = 0;
    for (int shift = 0; shift < 70; shift += 7) {
      TRY(bool more, More());
      if (!more) return Malformed("the block ends inside a number");
      auto byte = static_cast<unsigned char>(buffer_[begin_++]);
      ++taken_;
      value |= static_cast<uint64_t>(byte & 127) << shift;
      if (byte < 128) return value;
    }
    return Malformed("a number is longer than ten bytes");
  }

  Status Bytes(void* out, size_t size) {
    char* to = static_cast<char*>(out);
    taken_ += size;
    while (size > 0) {
      TRY(bool more, More());
      if (!more) return Malformed("the block ends inside a value");
      size_t n = std::min(size, end_ - begin_);
      std::memcpy(to, buffer_.data() + begin_, n);
      begin_ += n;
      to += n;
      size -= n;
    }
    return OkStatus();
  }

  uint64_t taken() const { return taken_; }

 private:
  ByteSource* source_;
  std::vector<char> buffer_;
  size_t begin_ = 0;
  size_t end_ = 0;
  uint64_t taken_ = 0;
};

/// Decodes values of any type into builders and sums them into the record's checksum.
class ValueReader {
 public:
  explicit ValueReader(Input* input) : input_(input) {}

  uint32_t crc() const { return crc_; }
  void ResetCrc() { crc_ = 0; }
  template <class Number>
  void Sum(Number value) {
    crc_ = Crc32c(crc_, &value, sizeof value);
  }

  Status Read(const ColumnType& type, arrow::ArrayBuilder* builder) {
    switch (type.id) {
      case TypeId::kTinyint: return Integer<arrow::Int8Builder>(builder);
      case TypeId::kSmallint: return Integer<arrow::Int16Builder>(builder);
      case TypeId::kInt: return Integer<arrow::Int32Builder>(builder);
      case TypeId::kBigint: return Integer<arrow::Int64Builder>(builder);
      case TypeId::kDatetime: return Integer<arrow::TimestampBuilder>(builder);
      case TypeId::kDate: return Integer<arrow::Date32Builder>(builder);
      case TypeId::kBoolean: {
        TRY(uint64_t value, input_->Varint());
        Sum(static_cast<uint8_t>(value != 0));
        return FromArrowStatus(static_cast<arrow::BooleanBuilder*>(builder)->Append(value != 0));
      }
      case TypeId::kFloat: return Floating<arrow::FloatBuilder, float>(builder);
      case TypeId::kDouble: return Floating<arrow::DoubleBuilder, double>(builder);
      case TypeId::kDecimal: return Decimal(type, builder);
      case TypeId::kTimestamp:
      case TypeId::kTimestampNtz: return Timestamp(builder);
      case TypeId::kArray: return List(type, builder);
      case TypeId::kMap: return Map(type, builder);
      case TypeId::kStruct: return Struct(type, builder);
      default: return Text(builder);
    }
  }

 private:
  template <class Builder>
  Status Integer(arrow::ArrayBuilder* builder) {
    using Value = typename Builder::value_type;
    TRY(uint64_t wire, input_->Varint());
    int64_t value = UnZigzag(wire);
    Sum(value);
    if (value < std::numeric_limits<Value>::min() || value > std::numeric_limits<Value>::max()) {
      return Refused("the value " + std::to_string(value) + " does not fit the column's type");
    }
    return FromArrowStatus(static_cast<Builder*>(builder)->Append(static_cast<Value>(value)));
  }

  template <class Builder, class Value>
  Status Floating(arrow::ArrayBuilder* builder) {
    Value value;
    TRY_VOID(input_->Bytes(&value, sizeof value));
    Sum(value);
    return FromArrowStatus(static_cast<Builder*>(builder)->Append(value));
  }

  Status TakeText() {
    TRY(uint64_t size, input_->Varint());
    if (size > kCellBytesMax) return Refused("a value is longer than 8388608 bytes");
    text_.resize(size);
    TRY_VOID(input_->Bytes(text_.data(), size));
    crc_ = Crc32c(crc_, text_.data(), size);
    return OkStatus();
  }

  Status Text(arrow::ArrayBuilder* builder) {
    TRY_VOID(TakeText());
    return FromArrowStatus(static_cast<arrow::BinaryBuilder*>(builder)->Append(text_));
  }

  Status Decimal(const ColumnType& type, arrow::ArrayBuilder* builder) {
    TRY_VOID(TakeText());
    arrow::Decimal128 value;
    int32_t precision = 0;
    int32_t scale = 0;
    auto refuse = [&] { return Refused("'" + text_ + "' does not fit " + type.ToText()); };
    if (!arrow::Decimal128::FromString(text_, &value, &precision, &scale).ok()) return refuse();
    auto rescaled = value.Rescale(scale, type.scale);
    if (!rescaled.ok() || !rescaled->FitsInPrecision(type.precision)) return refuse();
    return FromArrowStatus(static_cast<arrow::Decimal128Builder*>(builder)->Append(*rescaled));
  }

  Status Timestamp(arrow::ArrayBuilder* builder) {
    TRY(uint64_t wire_seconds, input_->Varint());
    TRY(uint64_t wire_nanos, input_->Varint());
    int64_t seconds = UnZigzag(wire_seconds);
    auto nanos = static_cast<int32_t>(UnZigzag(wire_nanos));
    Sum(seconds);
    Sum(nanos);
    if (seconds < kTimestampSecondsMin || seconds > kTimestampSecondsMax) {
      return Refused("a timestamp is outside the years 0001 to 9999");
    }
    __int128 value = __int128{seconds} * 1'000'000'000 + nanos;
    arrow::Decimal128 wide(static_cast<int64_t>(value >> 64), static_cast<uint64_t>(value));
    return FromArrowStatus(static_cast<arrow::Decimal128Builder*>(builder)->Append(wide));
  }

  /// A value with its null flag, as inside arrays and structs.
  Status Element(const ColumnType& type, arrow::ArrayBuilder* builder) {
    TRY(uint64_t null, input_->Varint());
    if (null != 0) return FromArrowStatus(builder->AppendNull());
    return Read(type, builder);
  }

  Result<uint64_t> Count() {
    TRY(uint64_t count, input_->Varint());
    if (count > kElementsMax) return Malformed("an array of more than 64 million elements");
    return count;
  }

  Status List(const ColumnType& type, arrow::ArrayBuilder* builder) {
    auto* list = static_cast<arrow::ListBuilder*>(builder);
    TRY_VOID(FromArrowStatus(list->Append()));
    TRY(uint64_t count, Count());
    for (uint64_t i = 0; i < count; ++i) TRY_VOID(Element(type.children[0], list->value_builder()));
    return OkStatus();
  }

  Status Map(const ColumnType& type, arrow::ArrayBuilder* builder) {
    auto* map = static_cast<arrow::MapBuilder*>(builder);
    TRY_VOID(FromArrowStatus(map->Append()));
    TRY(uint64_t keys, Count());
    for (uint64_t i = 0; i < keys; ++i) {
      TRY(uint64_t null, input_->Varint());
      if (null != 0) return Refused("a map key is null");
      TRY_VOID(Read(type.children[0], map->key_builder()));
    }
    TRY(uint64_t values, Count());
    if (values != keys) return Malformed("a map with unequal numbers of keys and values");
    for (uint64_t i = 0; i < values; ++i) {
      TRY_VOID(Element(type.children[1], map->item_builder()));
    }
    return OkStatus();
  }

  Status Struct(const ColumnType& type, arrow::ArrayBuilder* builder) {
    auto* record = static_cast<arrow::StructBuilder*>(builder);
    TRY_VOID(FromArrowStatus(record->Append()));
    for (size_t i = 0; i < type.children.size(); ++i) {
      TRY_VOID(Element(type.children[i], record->field_builder(static_cast<int>(i))));
    }
    return OkStatus();
  }

  Input* input_;
  uint32_t crc_ = 0;
  std::string text_;
};

class BlockReader {
 public:
  BlockReader(ByteSource* body, const Table& table, const BatchVisitor& visit)
      : input_(body), values_(&input_), table_(table), visit_(visit) {}

  Status Run() {
    TRY(bool any, input_.More());
    if (!any) return OkStatus();  // nothing written
    TRY_VOID(MakeBuilders());
    while (true) {
      TRY(uint64_t tag, input_.Varint());
      if (tag == kMetaCount << 3) break;
      TRY_VOID(ReadRecord(tag));
      if (rows_ >= kBatchRows || input_.taken() - flushed_at_ >= kBatchBytes) TRY_VOID(FlushRows());
    }
    TRY_VOID(ReadFooter());
    return FlushRows();
  }

 private:
  Status MakeBuilders() {
    builders_.clear();
    for (const Column& column : table_.columns) {
      std::unique_ptr<arrow::ArrayBuilder> builder;
      TRY_VOID(FromArrowStatus(arrow::MakeBuilder(
          RecyclingPool::Get(), column.type.ToArrow(TimestampForm::kDecimal), &builder)));
      builders_.push_back(std::move(builder));
    }
    return OkStatus();
  }

  /// From the record's first tag to its checksum.
  Status ReadRecord(uint64_t tag) {
    values_.ResetCrc();
    seen_.assign(builders_.size(), false);
    while (tag != kEndRecord << 3) {
      uint64_t field = tag >> 3;
      if (field == 0 || field > builders_.size() || seen_[field - 1]) {
        return Malformed("unexpected field number " + std::to_string(field));
      }
      const Column& column = table_.columns[field - 1];
      if ((tag & 7) != WireTypeOf(column.type.id)) {
        return Malformed("column " + column.name + " has the wrong wire type");
      }
      seen_[field - 1] = true;
      values_.Sum(static_cast<uint32_t>(field));
      auto status = values_.Read(column.type, builders_[field - 1].get());
      if (!status) return std::move(status).error().At("column " + column.name);
      TRY(tag, input_.Varint());
    }
    TRY(uint64_t sent, input_.Varint());
    if (!SumsMatch(static_cast<uint32_t>(sent), values_.crc())) {
      return Malformed("wrong checksum in record " + std::to_string(count_));
    }
    uint32_t crc = values_.crc();
    crc_of_crcs_ = Crc32c(crc_of_crcs_, &crc, sizeof crc);
    for (size_t i = 0; i < builders_.size(); ++i) {
      if (!seen_[i]) TRY_VOID(FromArrowStatus(builders_[i]->AppendNull()));
    }
    ++rows_;
    ++count_;
    return OkStatus();
  }

  /// After the META_COUNT tag.
  Status ReadFooter() {
    TRY(uint64_t count, input_.Varint());
    if (UnZigzag(count) != count_) {
      return Malformed("the footer says " + std::to_string(UnZigzag(count)) + " records, " +
                       std::to_string(count_) + " came");
    }
    TRY(uint64_t tag, input_.Varint());
    if (tag != kMetaChecksum << 3) return Malformed("the footer has no checksum");
    TRY(uint64_t crc, input_.Varint());
    if (!SumsMatch(static_cast<uint32_t>(crc), crc_of_crcs_))
      return Malformed("wrong checksum in the footer");
    TRY(bool more, input_.More());
    if (more) return Malformed("bytes follow the footer");
    return OkStatus();
  }

  Status FlushRows() {
    flushed_at_ = input_.taken();
    if (rows_ == 0) return OkStatus();
    arrow::ArrayVector arrays;
    arrow::FieldVector fields = table_.ArrowSchema()->fields();
    for (size_t i = 0; i < builders_.size(); ++i) {
      const Column& column = table_.columns[i];
      auto finished = builders_[i]->Finish();
      if (!finished.ok()) return FromArrowStatus(finished.status());
      auto array = *finished;
      if (column.type.HasTimestamp()) {
        TRY(array, SettleTimestamps(column, *array));
      }
      fields[i] = fields[i]->WithType(array->type());
      arrays.push_back(std::move(array));
    }
    auto batch = arrow::RecordBatch::Make(arrow::schema(fields), rows_, std::move(arrays));
    rows_ = 0;
    auto valid = batch->ValidateFull();
    if (!valid.ok()) return Refused(valid.message());
    TRY_VOID(CheckBatch(*batch, table_));
    return visit_(*batch);
  }

  Input input_;
  ValueReader values_;
  const Table& table_;
  const BatchVisitor& visit_;
  std::vector<std::unique_ptr<arrow::ArrayBuilder>> builders_;
  std::vector<bool> seen_;
  int64_t rows_ = 0;
  int64_t count_ = 0;
  uint64_t flushed_at_ = 0;
  uint32_t crc_of_crcs_ = 0;
};

}  // namespace

Status ReadRecordBlock(ByteSource* body, const Table& table, const BatchVisitor& visit) {
  return BlockReader(body, table, visit).Run();
}

}  // namespace mms::sandbox
