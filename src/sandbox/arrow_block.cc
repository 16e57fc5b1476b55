#include "sandbox/arrow_block.h"

#include <arrow/array.h>
#include <arrow/ipc/message.h>
#include <arrow/ipc/reader.h>
#include <arrow/ipc/writer.h>

#include <algorithm>

#include "sandbox/frame.h"
#include "sandbox/recycling_pool.h"

namespace mms::sandbox {
namespace {

Error Malformed(const std::string& what) {
  return Error(ErrorKind::kCorrupt, "MalformedDataStream", what);
}

Error Refused(const std::string& what) {
  return Error(ErrorKind::kInvalidInput, "InvalidArgument", what);
}

/// The longest value of a string or binary column.
int64_t LongestCell(const arrow::Array& array) {
  const auto& cells = static_cast<const arrow::BinaryArray&>(array);
  if (cells.length() == 0) return 0;
  if (cells.total_values_length() <= static_cast<int64_t>(kCellBytesMax)) return 0;  // none can be
  int64_t longest = 0;
  for (int64_t i = 0; i < cells.length(); ++i) {
    longest = std::max<int64_t>(longest, cells.value_length(i));
  }
  return longest;
}

/// Counts characters, not bytes: CHAR(n) and VARCHAR(n) bound characters.
Status CheckLength(const arrow::Array& array, const Column& column) {
  const auto& cells = static_cast<const arrow::BinaryArray&>(array);
  for (int64_t i = 0; i < cells.length(); ++i) {
    auto text = cells.GetView(i);
    if (cells.IsNull(i) || text.size() <= static_cast<size_t>(column.type.length)) continue;
    auto characters = std::count_if(text.begin(), text.end(), [](char c) {
      return (static_cast<unsigned char>(c) & 0xC0) != 0x80;
    });
    if (characters > column.type.length) {
      return Refused("column " + column.name + ": a value of " + std::to_string(characters) +
                     " characters does not fit " + column.type.ToText());
    }
  }
  return OkStatus();
}

template <class Number>
Status CheckRange(const arrow::Array& array, const Column& column,
                  std::pair<Number, Number> bounds) {
  const auto* values = array.data()->GetValues<Number>(1);
  // Slots of nulls may hold anything: they are looked at only if something is out of bounds.
  bool suspect = false;
  for (int64_t i = 0; i < array.length(); ++i) {
    suspect |= values[i] < bounds.first || values[i] > bounds.second;
  }
  for (int64_t i = 0; suspect && i < array.length(); ++i) {
    if (array.IsNull(i) || (values[i] >= bounds.first && values[i] <= bounds.second)) continue;
    return Refused("column " + column.name + ": a " + column.type.ToText() +
                   " is outside the years MaxCompute has");
  }
  return OkStatus();
}

/// DATE has the years 0001 to 9999, DATETIME 0000 to 9999; also inside nested values.
Status CheckYears(const arrow::Array& array, const Column& column) {
  constexpr std::pair<int32_t, int32_t> kDays{-719'162, 2'932'896};
  constexpr std::pair<int64_t, int64_t> kMillis{-62'167'219'200'000, 253'402'300'799'999};
  switch (array.type_id()) {
    case arrow::Type::DATE32: return CheckRange<int32_t>(array, column, kDays);
    case arrow::Type::TIMESTAMP: {
      bool datetime =
          static_cast<const arrow::TimestampType&>(*array.type()).unit() == arrow::TimeUnit::MILLI;
      return datetime ? CheckRange<int64_t>(array, column, kMillis) : OkStatus();
    }
    case arrow::Type::LIST:
      return CheckYears(*static_cast<const arrow::ListArray&>(array).values(), column);
    case arrow::Type::MAP: {
      const auto& map = static_cast<const arrow::MapArray&>(array);
      TRY_VOID(CheckYears(*map.keys(), column));
      return CheckYears(*map.items(), column);
    }
    case arrow::Type::STRUCT: {
      const auto& record = static_cast<const arrow::StructArray&>(array);
      for (const auto& field : record.fields()) TRY_VOID(CheckYears(*field, column));
      return OkStatus();
    }
    default: return OkStatus();
  }
}

/// One message; nullptr at the end of the payload.
Result<std::unique_ptr<arrow::ipc::Message>> NextMessage(arrow::ipc::MessageReader* reader,
                                                         const FrameInputStream& stream) {
  int64_t before = stream.Tell().ValueOr(0);
  auto next = reader->ReadNextMessage();
  if (stream.error()) return *stream.error();  // the frame's own error says more than Arrow's
  if (!next.ok()) return Malformed("not an Arrow message: " + next.status().message());
  if (*next == nullptr && stream.Tell().ValueOr(0) != before) {
    return Malformed("an end-of-stream marker is not part of a tunnel block");
  }
  if (*next != nullptr && (*next)->type() != arrow::ipc::MessageType::RECORD_BATCH) {
    return Malformed("only record-batch messages are allowed in a tunnel block, found " +
                     arrow::ipc::FormatMessageType((*next)->type()));
  }
  return std::move(next).ValueUnsafe();
}

}  // namespace

Status CheckBatch(const arrow::RecordBatch& batch, const Table& table) {
  for (int i = 0; i < batch.num_columns(); ++i) {
    const Column& column = table.columns[static_cast<size_t>(i)];
    const arrow::Array& array = *batch.column(i);
    if (!column.nullable && array.null_count() > 0) {
      return Refused("column " + column.name + " is NOT NULL, the block holds " +
                     std::to_string(array.null_count()) + " nulls");
    }
    TRY_VOID(CheckYears(array, column));
    auto id = array.type_id();
    if (id != arrow::Type::STRING && id != arrow::Type::BINARY) continue;
    if (LongestCell(array) > static_cast<int64_t>(kCellBytesMax)) {
      return Refused("column " + column.name + ": a value is longer than 8388608 bytes");
    }
    if (column.type.length > 0) TRY_VOID(CheckLength(array, column));
  }
  return OkStatus();
}

Status ReadArrowBlock(ByteSource* body, const Table& table, const BatchVisitor& visit) {
  FrameReader frames(body);
  FrameInputStream stream(&frames);
  auto schema = table.ArrowSchema();
  auto reader = arrow::ipc::MessageReader::Open(&stream);
  arrow::ipc::DictionaryMemo dictionaries;
  auto options = arrow::ipc::IpcReadOptions::Defaults();
  options.use_threads = false;
  options.memory_pool = RecyclingPool::Get();
  while (true) {
    TRY(auto message, NextMessage(reader.get(), stream));
    if (message == nullptr) break;
    auto batch = arrow::ipc::ReadRecordBatch(*message, schema, &dictionaries, options);
    if (!batch.ok()) {
      return Malformed("the record batch does not fit the table's columns: " +
                       batch.status().message());
    }
    auto valid = (*batch)->ValidateFull();
    if (!valid.ok()) return Malformed("damaged record batch: " + valid.message());
    TRY_VOID(CheckBatch(**batch, table));
    if ((*batch)->num_rows() > 0) TRY_VOID(visit(**batch));
  }
  char rest;
  TRY(size_t more, frames.Read(&rest, 1));
  if (more != 0) return Malformed("bytes follow the last message");
  // The frame may end before the HTTP body does.
  TRY(size_t after, body->Read(&rest, 1));
  if (after != 0) return Malformed("bytes follow the final checksum");
  return OkStatus();
}

class ArrowBlockWriter::Impl {
 public:
  explicit Impl(ByteSink* sink) : frames(sink) {}
  FrameWriter frames;
};

ArrowBlockWriter::ArrowBlockWriter(ByteSink* sink) : impl_(std::make_unique<Impl>(sink)) {}
ArrowBlockWriter::~ArrowBlockWriter() = default;

Status ArrowBlockWriter::Write(const arrow::RecordBatch& batch) {
  auto options = arrow::ipc::IpcWriteOptions::Defaults();
  options.use_threads = false;
  options.memory_pool = RecyclingPool::Get();
  auto message = arrow::ipc::SerializeRecordBatch(batch, options);
  if (!message.ok()) {
    return Error(ErrorKind::kInternal, "InternalServerError", message.status().ToString());
  }
  return impl_->frames.Write((*message)->data(), static_cast<size_t>((*message)->size()));
}

Status ArrowBlockWriter::Finish() { return impl_->frames.Finish(); }

}  // namespace mms::sandbox
