#include "migration/transfer/csv_reader.h"

#include <arrow/array.h>
#include <arrow/builder.h>
#include <arrow/record_batch.h>
#include <arrow/table_builder.h>
#include <arrow/type.h>
#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "migration/formats/codec.h"
#include "migration/formats/csv_record.h"
#include "migration/formats/options.h"
#include "migration/formats/text_value.h"
#include "migration/transfer/text_input.h"

namespace mms::migration {
namespace {

constexpr size_t kRecordMaxBytes = 64UL << 20;
constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

class CsvReader : public RowReader {
 public:
  CsvReader(const ReadContext& context, const FileSlice& slice, CsvOptions options)
      : context_(context), slice_(slice), options_(std::move(options)), record_(options_) {}

  Status Open();
  Result<std::shared_ptr<arrow::RecordBatch>> Next() override;

  /// A guess by the bytes until the end: nothing tells it before.
  int64_t rows_total() const override {
    if (ended_ || read_bytes_ == 0) return rows_read_;
    return static_cast<int64_t>(static_cast<double>(rows_read_) *
                                static_cast<double>(slice_.length) /
                                static_cast<double>(read_bytes_));
  }
  int64_t rows_read() const override { return rows_read_; }
  int64_t rows_deleted() const override { return 0; }

 private:
  void ChooseColumns();
  Result<bool> Fill();
  Status Enter();
  Result<bool> NextRecord();
  Status AppendRow();
  Error AtRow(const char* code, const std::string& what) const;
  std::string_view rest() const { return std::string_view(window_).substr(at_); }
  void Consume(size_t bytes) {
    at_ += bytes;
    position_ += static_cast<int64_t>(bytes);
  }

  const ReadContext& context_;
  const FileSlice& slice_;
  const CsvOptions options_;
  CsvRecord record_;
  std::vector<int> column_of_;  ///< of each value of a record: in plan->physical, -1 = not wanted
  std::unique_ptr<TextInput> input_;
  std::string window_;  ///< text that was fetched and is not all read
  size_t at_ = 0;       ///< in window_
  bool packed_ = false;
  bool at_end_ = false;   ///< window_ holds the last of the file
  int64_t position_ = 0;  ///< of the next record in the text
  int64_t end_ = 0;       ///< records that begin here or later are another slice's
  bool ended_ = false;
  int64_t rows_read_ = 0;
  int64_t read_bytes_ = 0;
  std::unique_ptr<arrow::RecordBatchBuilder> builder_;
};

Error CsvReader::AtRow(const char* code, const std::string& what) const {
  return Error(ErrorKind::kCorrupt, code,
               fmt::format("the row at byte {} {}: {}; repair the file, read the table by SQL "
                           "(`source.jdbc`), where Spark makes NULLs of what it cannot read, or "
                           "leave it out with `exclude`",
                           position_, packed_ ? "of the unpacked text" : "of the file", what))
      .At(input_->file());
}

void CsvReader::ChooseColumns() {
  const auto names = nlohmann::json::parse(context_.plan->options.at(kColumnsOption));
  for (const auto& name : names) {
    column_of_.push_back(context_.plan->physical->GetFieldIndex(name.get<std::string>()));
  }
}

Status CsvReader::Open() {
  ChooseColumns();
  TRY(const TextCodec codec, TextCodecOf(slice_.path));
  packed_ = codec != TextCodec::kNone;
  const bool whole = packed_ || options_.multi_line;
  end_ = whole ? INT64_MAX : slice_.start + slice_.length;
  if (slice_.start > 0 && whole) {
    ended_ = true;  // the slice with the first byte has all of it
    return OkStatus();
  }
  // A byte earlier, to see whether a line begins where the slice does.
  position_ = std::max<int64_t>(0, slice_.start - 1);
  TRY(input_, TextInput::Open(context_, slice_, position_));
  auto builder =
      arrow::RecordBatchBuilder::Make(context_.plan->physical, arrow::default_memory_pool(), 1024);
  CHECK(builder.ok());
  builder_ = *std::move(builder);
  return Enter();
}

/// False = the file ends.
Result<bool> CsvReader::Fill() {
  window_.erase(0, at_);
  at_ = 0;
  if (window_.size() > kRecordMaxBytes) {
    return AtRow("FILE_ROW_INVALID", "it does not end within 64 MiB");
  }
  TRY(const bool more, input_->Next(&window_));
  at_end_ = !more;
  read_bytes_ = std::min(slice_.length, input_->stored_bytes_read());
  return more;
}

/// Moves to the slice's first record.
Status CsvReader::Enter() {
  if (slice_.start > 0) {
    for (;;) {
      const size_t end = rest().find_first_of("\r\n");
      const bool half = end != std::string_view::npos && rest()[end] == '\r' &&
                        end + 1 == rest().size() && !at_end_;
      if (end != std::string_view::npos && !half) {
        Consume(end + LineEndLength(rest(), end));
        return OkStatus();
      }
      if (!half) Consume(rest().size());
      TRY(const bool more, Fill());
      if (more) continue;
      Consume(rest().size());
      return OkStatus();
    }
  }
  TRY_VOID(Fill());
  if (rest().starts_with(kByteOrderMark)) Consume(kByteOrderMark.size());
  if (!options_.header) return OkStatus();
  TRY(const bool any, NextRecord());
  if (any) Consume(record_.consumed());
  return OkStatus();
}

/// Cuts the next record of the slice; false = there is none.
Result<bool> CsvReader::NextRecord() {
  while (position_ < end_) {
    if (rest().empty()) {
      if (at_end_) break;
      TRY(const bool more, Fill());
      if (!more && rest().empty()) break;
    }
    switch (record_.Cut(rest(), at_end_)) {
      case CsvRecord::Outcome::kValues: return true;
      case CsvRecord::Outcome::kBlank: Consume(record_.consumed()); break;
      case CsvRecord::Outcome::kNeedsMore: {
        TRY_VOID(Fill());
        break;
      }
      case CsvRecord::Outcome::kMalformed: return AtRow("FILE_ROW_INVALID", record_.problem());
    }
  }
  return false;
}

Status CsvReader::AppendRow() {
  if (record_.size() != column_of_.size()) {
    return AtRow("FILE_ROW_INVALID",
                 fmt::format("it has {} values for {} columns", record_.size(), column_of_.size()));
  }
  for (size_t i = 0; i < column_of_.size(); ++i) {
    const int column = column_of_[i];
    if (column < 0) continue;
    arrow::ArrayBuilder* builder = builder_->GetField(column);
    if (!record_.has_value(i)) {
      CHECK(builder->AppendNull().ok());
      continue;
    }
    if (AppendText(record_.value(i), options_.formats, builder)) continue;
    const auto& field = *context_.plan->physical->field(column);
    return AtRow("FILE_VALUE_INVALID", fmt::format("the value of column {} cannot be read as {}",
                                                   field.name(), field.type()->ToString()));
  }
  return OkStatus();
}

Result<std::shared_ptr<arrow::RecordBatch>> CsvReader::Next() {
  int64_t rows = 0;
  const int64_t begin = position_;
  while (!ended_ && position_ - begin < context_.batch_bytes) {
    TRY(const bool any, NextRecord());
    if (!any) {
      ended_ = true;
      break;
    }
    TRY_VOID(AppendRow());
    Consume(record_.consumed());
    ++rows;
  }
  if (rows == 0) return std::shared_ptr<arrow::RecordBatch>();
  rows_read_ += rows;
  auto batch = builder_->Flush();
  CHECK(batch.ok());
  return *batch;
}

}  // namespace

Result<std::unique_ptr<RowReader>> OpenCsvReader(const ReadContext& context,
                                                 const FileSlice& slice) {
  TRY(CsvOptions options, ParseCsvOptions(context.plan->options));
  auto reader = std::make_unique<CsvReader>(context, slice, std::move(options));
  TRY_VOID(reader->Open());
  return std::unique_ptr<RowReader>(std::move(reader));
}

}  // namespace mms::migration
