#include "migration/transfer/text_rows.h"

#include <arrow/array.h>
#include <arrow/builder.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "migration/formats/codec.h"
#include "migration/formats/csv_record.h"

namespace mms::migration {
namespace {

constexpr size_t kRecordMaxBytes = 64UL << 20;
constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

}  // namespace

TextRows::TextRows(const ReadContext& context, const FileSlice& slice)
    : context_(context), slice_(slice) {
  std::unique_ptr<arrow::ArrayBuilder> builder;
  const auto type = arrow::struct_(context.plan->physical->fields());
  CHECK(arrow::MakeBuilder(arrow::default_memory_pool(), type, &builder).ok());
  builder_.reset(static_cast<arrow::StructBuilder*>(builder.release()));
}

TextRows::~TextRows() = default;

int64_t TextRows::rows_total() const {
  if (ended_ || read_bytes_ == 0) return rows_read_;
  const double share = static_cast<double>(read_bytes_) / static_cast<double>(slice_.length);
  return static_cast<int64_t>(static_cast<double>(rows_read_) / share);
}

Error TextRows::RowInvalid(const std::string& what) const {
  return AtRow("FILE_ROW_INVALID", what);
}

Error TextRows::ValueInvalid(const std::string& what) const {
  return AtRow("FILE_VALUE_INVALID", what);
}

Error TextRows::AtRow(const char* code, const std::string& what) const {
  return Error(ErrorKind::kCorrupt, code,
               fmt::format("the row at byte {} of the {}: {}; repair the file, read the table by "
                           "SQL (`source.jdbc`), where Spark makes NULLs of what it cannot read, "
                           "or leave it out (`exclude`, of a job --but)",
                           position_, packed_ ? "unpacked text" : "file", what))
      .At(input_->file());
}

void TextRows::Consume(size_t bytes) {
  at_ += bytes;
  position_ += static_cast<int64_t>(bytes);
}

Status TextRows::Open(bool many_lines, bool header) {
  TRY(const TextCodec codec, TextCodecOf(slice_.path));
  packed_ = codec != TextCodec::kNone;
  const bool whole = packed_ || many_lines;
  end_ = whole ? INT64_MAX : slice_.start + slice_.length;
  if (slice_.start > 0 && whole) {
    ended_ = true;  // the slice with the first byte has all of it
    return OkStatus();
  }
  // A byte earlier, to see whether a line begins where the slice does.
  position_ = std::max<int64_t>(0, slice_.start - 1);
  TRY(input_, TextInput::Open(context_, slice_, position_));
  return Enter(header);
}

/// False = the file ends.
Result<bool> TextRows::Fill() {
  window_.erase(0, at_);
  at_ = 0;
  if (window_.size() > kRecordMaxBytes) return RowInvalid("it does not end within 64 MiB");
  TRY(const bool more, input_->Next(&window_));
  at_end_ = !more;
  read_bytes_ = std::min(slice_.length, input_->stored_bytes_read());
  return more;
}

/// Moves behind the end of the line at hand.
Status TextRows::SkipLine() {
  for (;;) {
    const size_t end = rest().find_first_of("\r\n");
    const bool found = end != std::string_view::npos;
    const bool half = found && rest()[end] == '\r' && end + 1 == rest().size() && !at_end_;
    if (found && !half) {
      Consume(end + LineEndLength(rest(), end));
      return OkStatus();
    }
    Consume(half ? end : rest().size());
    TRY(const bool more, Fill());
    if (!more && !half) return OkStatus();
  }
}

/// Moves to the slice's first record.
Status TextRows::Enter(bool header) {
  if (slice_.start > 0) return SkipLine();
  TRY_VOID(Fill());
  if (rest().starts_with(kByteOrderMark)) Consume(kByteOrderMark.size());
  if (!header) return OkStatus();
  TRY(const bool any, NextRecord());
  if (any) Consume(length_);
  return OkStatus();
}

/// Cuts the next record of the slice; false = there is none.
Result<bool> TextRows::NextRecord() {
  while (position_ < end_) {
    if (rest().empty()) {
      if (at_end_) break;
      TRY(const bool more, Fill());
      if (!more) break;
    }
    switch (CutRecord(rest(), at_end_, &length_)) {
      case Cut::kRecord: return true;
      case Cut::kBlank: Consume(length_); break;
      case Cut::kNeedsMore: {
        TRY_VOID(Fill());
        break;
      }
      case Cut::kMalformed: return RowInvalid(CutProblem());
    }
  }
  return false;
}

Result<std::shared_ptr<arrow::RecordBatch>> TextRows::Next() {
  int64_t rows = 0;
  const int64_t begin = position_;
  while (!ended_ && position_ - begin < context_.batch_bytes) {
    TRY(const bool any, NextRecord());
    if (!any) {
      ended_ = true;
      break;
    }
    TRY_VOID(AppendRow());
    Consume(length_);
    ++rows;
  }
  if (rows == 0) return std::shared_ptr<arrow::RecordBatch>();
  rows_read_ += rows;
  auto array = builder_->Finish();
  CHECK(array.ok());
  const auto& columns = static_cast<const arrow::StructArray&>(**array);
  return arrow::RecordBatch::Make(plan().physical, rows, columns.fields());
}

}  // namespace mms::migration
