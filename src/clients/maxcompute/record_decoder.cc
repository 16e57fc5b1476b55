#include <arrow/builder.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>
#include <arrow/util/decimal.h>

#include <algorithm>
#include <array>
#include <utility>

#include "clients/maxcompute/crc32c.h"
#include "clients/maxcompute/record_block.h"
#include "clients/maxcompute/record_reader.h"

namespace mms::maxcompute {
namespace {

constexpr int64_t kBatchRowsMax = 8192;
constexpr int64_t kBatchBytesMax = 4 << 20;
constexpr size_t kRecordBytesMax = size_t{256} << 20;  // the service takes 200 MB

Error Malformed(const std::string& what) {
  return Error(ErrorKind::kCorrupt, "TUNNEL_MALFORMED", "the record stream is malformed: " + what);
}

Error WrongSum(const std::string& of, uint32_t found, uint32_t expected) {
  std::array<char, 64> sums;
  std::snprintf(sums.data(), sums.size(), "found %08x, expected %08x", found, expected);
  return Error(ErrorKind::kCorrupt, "TUNNEL_CHECKSUM",
               "the checksum of " + of + " of the record stream is wrong (" + sums.data() +
                   "); read the range again");
}

/// Sums up the leaves that ReadValue walks over.
struct Summing {
  uint32_t* crc;

  template <class T>
  bool Add(T value) {
    *crc = Crc32c(*crc, &value, sizeof value);
    return true;
  }
  bool Null(RecordReader&) { return true; }
  bool Boolean(RecordReader&, bool value) { return Add(static_cast<uint8_t>(value)); }
  bool Integer(RecordReader&, int64_t value) { return Add(value); }
  bool Float(RecordReader&, float value) { return Add(value); }
  bool Double(RecordReader&, double value) { return Add(value); }
  bool Bytes(RecordReader&, std::string_view bytes) {
    *crc = Crc32c(*crc, bytes.data(), bytes.size());
    return true;
  }
  bool Timestamp(RecordReader&, int64_t seconds, int32_t nanos) {
    return Add(seconds) && Add(nanos);
  }
  bool Begin(RecordReader&) { return true; }
  bool End(RecordReader&) { return true; }
  Summing Child(int) { return *this; }
};

/// Appends the leaves that ReadValue walks over to builders of ToArrow(type, kRecord).
struct Appending {
  arrow::ArrayBuilder* builder;
  bool* too_precise;

  static bool Done(RecordReader& reader, const arrow::Status& status) {
    return status.ok() || reader.Fault(status.message());
  }

  template <class Builder>
  Builder& As() {
    return static_cast<Builder&>(*builder);
  }

  bool Null(RecordReader& reader) { return Done(reader, builder->AppendNull()); }
  bool Boolean(RecordReader& reader, bool value) {
    return Done(reader, As<arrow::BooleanBuilder>().Append(value));
  }
  bool Float(RecordReader& reader, float value) {
    return Done(reader, As<arrow::FloatBuilder>().Append(value));
  }
  bool Double(RecordReader& reader, double value) {
    return Done(reader, As<arrow::DoubleBuilder>().Append(value));
  }

  /// `value` is within its type.
  bool Integer(RecordReader& reader, int64_t value) {
    const auto narrow = static_cast<int32_t>(value);
    switch (builder->type()->id()) {
      case arrow::Type::INT8:
        return Done(reader, As<arrow::Int8Builder>().Append(static_cast<int8_t>(value)));
      case arrow::Type::INT16:
        return Done(reader, As<arrow::Int16Builder>().Append(static_cast<int16_t>(value)));
      case arrow::Type::INT32: return Done(reader, As<arrow::Int32Builder>().Append(narrow));
      case arrow::Type::DATE32: return Done(reader, As<arrow::Date32Builder>().Append(narrow));
      case arrow::Type::INT64: return Done(reader, As<arrow::Int64Builder>().Append(value));
      default: return Done(reader, As<arrow::TimestampBuilder>().Append(value));
    }
  }

  bool Bytes(RecordReader& reader, std::string_view bytes) {
    if (builder->type()->id() != arrow::Type::DECIMAL128) {
      return Done(reader, As<arrow::BinaryBuilder>().Append(bytes));
    }
    const auto& type = static_cast<const arrow::Decimal128Type&>(*builder->type());
    arrow::Decimal128 value;
    int32_t precision = 0;
    int32_t scale = 0;
    const arrow::Status parsed =
        arrow::Decimal128::FromString(std::string(bytes), &value, &precision, &scale);
    const auto scaled = parsed.ok() ? value.Rescale(scale, type.scale()) : parsed;
    if (!scaled.ok() || !scaled->FitsInPrecision(type.precision())) {
      return reader.Fault("'" + std::string(bytes.substr(0, 100)) + "' is no " + type.ToString());
    }
    return Done(reader, As<arrow::Decimal128Builder>().Append(*scaled));
  }

  bool Timestamp(RecordReader& reader, int64_t seconds, int32_t nanos) {
    int64_t micros;
    if (nanos % 1000 != 0) {
      *too_precise = true;
      return reader.Fault("a timestamp of " + std::to_string(nanos) + " ns behind the second");
    }
    if (__builtin_mul_overflow(seconds, int64_t{1'000'000}, &micros) ||
        __builtin_add_overflow(micros, int64_t{nanos / 1000}, &micros)) {
      return reader.Fault("a timestamp of " + std::to_string(seconds) + " s");
    }
    return Done(reader, As<arrow::TimestampBuilder>().Append(micros));
  }

  bool Begin(RecordReader& reader) {
    switch (builder->type()->id()) {
      case arrow::Type::LIST: return Done(reader, As<arrow::ListBuilder>().Append());
      case arrow::Type::MAP: return Done(reader, As<arrow::MapBuilder>().Append());
      default: return Done(reader, As<arrow::StructBuilder>().Append());
    }
  }
  /// Behind a map: as many keys as values.
  bool End(RecordReader& reader) {
    auto& map = As<arrow::MapBuilder>();
    return map.key_builder()->length() == map.item_builder()->length() ||
           reader.Fault("a map with more keys than values, or fewer");
  }
  Appending Child(int index) {
    switch (builder->type()->id()) {
      case arrow::Type::LIST: return {As<arrow::ListBuilder>().value_builder(), too_precise};
      case arrow::Type::MAP: {
        auto& map = As<arrow::MapBuilder>();
        return {index == 0 ? map.key_builder() : map.item_builder(), too_precise};
      }
      default: return {As<arrow::StructBuilder>().field_builder(index), too_precise};
    }
  }
};

}  // namespace

/// The columns, and the batch that is being filled.
class RecordDecoder::Rows {
 public:
  Rows(std::vector<Column> columns, Visit visit)
      : columns_(std::move(columns)),
        schema_(ToArrow(columns_, BlockForm::kRecord)),
        visit_(std::move(visit)),
        seen_(columns_.size()) {
    for (const auto& field : schema_->fields()) {
      std::unique_ptr<arrow::ArrayBuilder> builder;
      CHECK(arrow::MakeBuilder(arrow::default_memory_pool(), field->type(), &builder).ok());
      builders_.push_back(std::move(builder));
    }
  }

  /// Reads one record to its end and sums it up. False = reader stopped.
  bool Check(RecordReader& reader, uint32_t& found, uint32_t& expected) {
    found = 0;
    std::fill(seen_.begin(), seen_.end(), false);
    return Walk(reader,
                [&](size_t index) {
                  const auto field = static_cast<uint32_t>(index + 1);
                  found = Crc32c(found, &field, sizeof field);
                  if (seen_[index])
                    return reader.Fault("column " + columns_[index].name + " comes twice");
                  seen_[index] = true;
                  return ReadValue(columns_[index].type, reader, Summing{&found});
                }) &&
           reader.Crc(expected);
  }

  /// Appends a record that Check has seen last.
  Status Append(RecordReader& reader) {
    const char* begin = reader.at();
    bool too_precise = false;
    const bool read = Walk(reader, [&](size_t index) {
      where_ = index;
      const Appending sink{builders_[index].get(), &too_precise};
      return ReadValue(columns_[index].type, reader, sink);
    });
    if (!read) return ValueError(reader.fault(), too_precise);
    for (size_t i = 0; i < seen_.size(); ++i) {
      if (seen_[i]) continue;
      const arrow::Status status = builders_[i]->AppendNull();
      if (!status.ok()) return Malformed(status.message());
    }
    ++length_;
    bytes_ += reader.at() - begin;
    return length_ >= kBatchRowsMax || bytes_ >= kBatchBytesMax ? Emit() : OkStatus();
  }

  Status Emit() {
    if (length_ == 0) return OkStatus();
    arrow::ArrayVector arrays;
    for (const auto& builder : builders_) {
      auto array = builder->Finish();
      if (!array.ok()) return Malformed(array.status().message());
      arrays.push_back(*std::move(array));
    }
    const int64_t rows = std::exchange(length_, 0);
    bytes_ = 0;
    return visit_(arrow::RecordBatch::Make(schema_, rows, std::move(arrays)));
  }

 private:
  /// Calls `value` with the index of each column up to the record's end mark.
  template <class Value>
  bool Walk(RecordReader& reader, Value value) {
    while (true) {
      uint64_t tag;
      if (!reader.Varint(tag)) return false;
      if (tag == MakeTag(kFieldEndRecord, WireType::kVarint)) return true;
      const uint64_t field = tag >> 3;
      if (field == 0 || field > columns_.size()) {
        return reader.Fault("field number " + std::to_string(field) + " for " +
                            std::to_string(columns_.size()) + " columns");
      }
      const size_t index = static_cast<size_t>(field - 1);
      if ((tag & 7) != static_cast<uint64_t>(WireTypeOf(columns_[index].type.kind))) {
        return reader.Fault("column " + columns_[index].name + " has wire type " +
                            std::to_string(tag & 7));
      }
      if (!value(index)) return false;
    }
  }

  Error ValueError(const std::string& fault, bool too_precise) const {
    const std::string column = "column " + columns_[where_].name;
    if (!too_precise) return Malformed(column + ": " + fault);
    return Error(ErrorKind::kUnsupported, "TUNNEL_TIMESTAMP_PRECISION",
                 column + " holds " + fault + ", finer than a microsecond; read it in Arrow form");
  }

  const std::vector<Column> columns_;
  const std::shared_ptr<arrow::Schema> schema_;
  const Visit visit_;
  std::vector<std::unique_ptr<arrow::ArrayBuilder>> builders_;
  std::vector<bool> seen_;
  size_t where_ = 0;
  int64_t length_ = 0;
  int64_t bytes_ = 0;
};

RecordDecoder::RecordDecoder(const std::vector<Column>& columns, Visit visit)
    : rows_(std::make_unique<Rows>(columns, std::move(visit))) {}
RecordDecoder::~RecordDecoder() = default;

Status RecordDecoder::Write(std::string_view bytes) {
  bytes_.append(bytes);
  if (bytes_.size() < look_again_) return OkStatus();
  return TakeWhole();
}

Status RecordDecoder::TakeWhole() {
  const char* at = bytes_.data();
  const char* const end = at + bytes_.size();
  while (at < end) {
    RecordReader reader(at, end);
    TRY(const bool whole, TakeItem(reader));
    if (!whole) break;
    at = reader.at();
  }
  bytes_.erase(0, static_cast<size_t>(at - bytes_.data()));
  // Not at every piece that comes: a long record would be walked again for each.
  look_again_ = 2 * bytes_.size();
  if (bytes_.size() > kRecordBytesMax) return Malformed("a record of more than 256 MiB");
  return OkStatus();
}

Result<bool> RecordDecoder::TakeItem(RecordReader& reader) {
  if (ended_) return Malformed("bytes follow its end");
  RecordReader ahead = reader;
  uint64_t tag;
  if (!ahead.Varint(tag)) {
    if (!ahead.fault().empty()) return Malformed(ahead.fault());
    return false;
  }
  if (counted_ || tag == MakeTag(kFieldCount, WireType::kVarint)) return TakeFooter(reader);
  uint32_t found;
  uint32_t expected;
  const RecordReader record = reader;
  if (!rows_->Check(reader, found, expected)) {
    if (!reader.fault().empty()) {
      return Malformed("record " + std::to_string(count_) + ": " + reader.fault());
    }
    return false;
  }
  if (found != expected) return WrongSum("record " + std::to_string(count_), found, expected);
  RecordReader again = record;
  TRY_VOID(rows_->Append(again));
  block_crc_ = Crc32c(block_crc_, &found, sizeof found);
  ++count_;
  return true;
}

Result<bool> RecordDecoder::TakeFooter(RecordReader& reader) {
  const auto stopped = [&reader]() -> Result<bool> {
    if (!reader.fault().empty()) return Malformed(reader.fault());
    return false;
  };
  uint64_t tag;
  if (!reader.Varint(tag)) return stopped();
  if (tag == MakeTag(kFieldCount, WireType::kVarint) && !counted_) {
    int64_t rows;
    if (!reader.Integer(rows, 0, INT64_MAX)) return stopped();
    counted_ = true;
    if (rows == count_) return true;
    return Error(ErrorKind::kCorrupt, "TUNNEL_ROWS_DIFFER",
                 "the record stream holds " + std::to_string(count_) + " records and counts " +
                     std::to_string(rows) + "; read again");
  }
  if (tag == MakeTag(kFieldMetrics, WireType::kBytes)) {  // the service's own figures
    std::string_view text;
    uint32_t expected;
    if (!reader.Bytes(text) || !reader.Varint(tag)) return stopped();
    if (tag != MakeTag(kFieldEndMetrics, WireType::kVarint)) return Malformed("metrics do not end");
    if (!reader.Crc(expected)) return stopped();
    uint32_t found = Crc32c(0, &kFieldMetrics, sizeof kFieldMetrics);
    found = Crc32c(found, text.data(), text.size());
    return found == expected ? Result<bool>(true) : WrongSum("the metrics", found, expected);
  }
  if (tag != MakeTag(kFieldChecksum, WireType::kVarint)) return Malformed("an unknown end");
  uint32_t expected;
  if (!reader.Crc(expected)) return stopped();
  if (expected != block_crc_) return WrongSum("the whole", block_crc_, expected);
  ended_ = true;
  return true;
}

Status RecordDecoder::Finish() {
  TRY_VOID(TakeWhole());
  if (!ended_) {
    return Error(ErrorKind::kCorrupt, "TUNNEL_TRUNCATED",
                 "the record stream ends behind record " + std::to_string(count_) +
                     "; read the range again");
  }
  return rows_->Emit();
}

}  // namespace mms::maxcompute
