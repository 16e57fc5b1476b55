#include "clients/databricks/arrow_rows.h"

#include <arrow/array.h>
#include <arrow/buffer.h>
#include <arrow/io/memory.h>
#include <arrow/ipc/dictionary.h>
#include <arrow/ipc/reader.h>
#include <arrow/record_batch.h>
#include <arrow/util/compression.h>
#include <fmt/format.h>
#include <tcli_service_types.h>

#include <algorithm>
#include <utility>

#include "clients/databricks/arrow_error.h"
#include "clients/databricks/columnar_rows.h"
#include "clients/databricks/type_shape.h"

namespace mms::databricks {
namespace {

constexpr size_t kPieceBytes = 256 * 1024;

Error BadBytes(const std::string& what) {
  return Error(ErrorKind::kCorrupt, "SQL_ARROW_BYTES",
               "the rows that the server sent cannot be read: " + what);
}

/// Checks offsets and lengths at every depth, so that no reader runs past a buffer. Text is looked
/// at as bytes: what is no UTF-8 is for the reader of the rows to judge.
Status CheckSound(const arrow::RecordBatch& batch) {
  for (const auto& column : batch.columns()) {
    const auto as_bytes = MapLeaves(column->type(), [](const auto& leaf) {
      return leaf->id() == arrow::Type::STRING ? arrow::binary() : leaf;
    });
    const arrow::Status sound = WithType(*column, as_bytes)->ValidateFull();
    if (!sound.ok()) return BadBytes(sound.ToString());
  }
  return OkStatus();
}

Result<std::shared_ptr<arrow::Array>> ConformColumn(const std::shared_ptr<arrow::Array>& sent,
                                                    const ResultColumn& column) {
  switch (column.form) {
    case ColumnForm::kRetyped: return WithType(*sent, column.type);
    case ColumnForm::kHiveText:
    case ColumnForm::kJsonText:
    case ColumnForm::kDecimalText: return DecodeTextArray(*sent, column);
    case ColumnForm::kPlain:
    case ColumnForm::kTextAsIs: break;
  }
  if (sent->type()->Equals(column.type)) return sent;
  auto nulls = arrow::MakeArrayOfNull(column.type, sent->length());  // the server's type NULL
  if (!nulls.ok()) return FromArrow(nulls.status()).error();
  return *nulls;
}

}  // namespace

Lz4Frames::Lz4Frames() = default;
Lz4Frames::~Lz4Frames() = default;

Result<std::unique_ptr<Lz4Frames>> Lz4Frames::Make() {
  const auto codec = arrow::util::Codec::Create(arrow::Compression::LZ4_FRAME);
  if (!codec.ok()) return FromArrow(codec.status()).error();
  const auto frame = (*codec)->MakeDecompressor();
  if (!frame.ok()) return FromArrow(frame.status()).error();
  std::unique_ptr<Lz4Frames> frames(new Lz4Frames);
  frames->frame_ = *frame;
  return frames;
}

Status Lz4Frames::Open(std::string_view bytes, size_t bytes_max, std::string& out) {
  bool full = false;  // there may be more to come out of what was taken in
  while (!bytes.empty() || (full && inside_)) {
    if (!std::exchange(inside_, true)) {
      TRY_VOID(FromArrow(frame_->Reset()));
    }
    const size_t before = out.size();
    out.resize(before + kPieceBytes);
    const auto opened = frame_->Decompress(
        static_cast<int64_t>(bytes.size()), reinterpret_cast<const uint8_t*>(bytes.data()),
        static_cast<int64_t>(kPieceBytes), reinterpret_cast<uint8_t*>(out.data() + before));
    if (!opened.ok()) return BadBytes(opened.status().ToString());
    full = opened->bytes_written == static_cast<int64_t>(kPieceBytes);
    out.resize(before + static_cast<size_t>(opened->bytes_written));
    bytes.remove_prefix(static_cast<size_t>(opened->bytes_read));
    if (out.size() > bytes_max) {
      return Error(ErrorKind::kLimitReached, "SQL_ARROW_TOO_LARGE",
                   fmt::format("the server sent more than {} bytes of rows in one piece; read the "
                               "table in smaller parts",
                               bytes_max));
    }
    if (frame_->IsFinished()) inside_ = false;
    const bool stuck = opened->bytes_read == 0 && opened->bytes_written == 0;
    if (stuck && inside_) return BadBytes("an LZ4 frame does not go on");
  }
  return OkStatus();
}

Status Lz4Frames::Finish() const {
  return inside_ ? Status(BadBytes("an LZ4 frame is cut off")) : OkStatus();
}

Result<std::shared_ptr<arrow::Schema>> ReadArrowSchema(const std::string& message) {
  arrow::io::BufferReader input(arrow::Buffer::Wrap(message.data(), message.size()));
  arrow::ipc::DictionaryMemo dictionaries;
  auto schema = arrow::ipc::ReadSchema(&input, &dictionaries);
  if (!schema.ok()) return BadBytes(schema.status().ToString());
  return *schema;
}

Result<std::vector<std::shared_ptr<arrow::RecordBatch>>> ReadArrowStream(std::string bytes,
                                                                         const arrow::Schema& sent,
                                                                         int64_t rows) {
  arrow::io::BufferReader input(arrow::Buffer::FromString(std::move(bytes)));
  const auto reader = arrow::ipc::RecordBatchStreamReader::Open(&input);
  if (!reader.ok()) return BadBytes(reader.status().ToString());
  if (!(*reader)->schema()->Equals(sent, /*check_metadata=*/false)) {
    return BadBytes("their columns are " + (*reader)->schema()->ToString() + ", announced were " +
                    sent.ToString());
  }
  std::vector<std::shared_ptr<arrow::RecordBatch>> batches;
  int64_t found = 0;
  while (true) {
    std::shared_ptr<arrow::RecordBatch> batch;
    const arrow::Status read = (*reader)->ReadNext(&batch);
    if (!read.ok()) return BadBytes(read.ToString());
    if (batch == nullptr) break;
    TRY_VOID(CheckSound(*batch));
    found += batch->num_rows();
    if (batch->num_rows() > 0) batches.push_back(std::move(batch));
  }
  if (found == rows) return batches;
  return Error(ErrorKind::kCorrupt, "SQL_ROWS_DIFFER",
               fmt::format("the server announced {} rows and sent {}; nothing of them was used",
                           rows, found));
}

Result<std::shared_ptr<arrow::RecordBatch>> ConformArrow(const arrow::RecordBatch& batch,
                                                         const ResultSchema& schema) {
  arrow::ArrayVector arrays;
  for (size_t i = 0; i < schema.columns.size(); ++i) {
    const auto& sent = batch.column(static_cast<int>(i));
    TRY(std::shared_ptr<arrow::Array> array, ConformColumn(sent, schema.columns[i]));
    arrays.push_back(std::move(array));
  }
  return arrow::RecordBatch::Make(schema.arrow, batch.num_rows(), std::move(arrays));
}

}  // namespace mms::databricks
