#include "migration/transfer/split_source.h"

#include <arrow/array.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>

#include <algorithm>

#include "clients/maxcompute/types.h"
#include "migration/transfer/char_padding.h"
#include "migration/transfer/convert.h"

namespace mms::migration {
namespace {

std::shared_ptr<arrow::Schema> TargetArrowSchema(const TablePlan& plan) {
  std::vector<maxcompute::Column> columns;
  for (const ColumnPlan& column : plan.columns) columns.push_back(column.target);
  return maxcompute::ToArrow(columns);
}

}  // namespace

SplitSource::SplitSource(const ReadContext& context, const Split& split, Options options)
    : context_(context),
      split_(split),
      options_(std::move(options)),
      target_(TargetArrowSchema(*context.plan)) {
  for (const ColumnPlan& column : context.plan->columns) {
    char_lengths_.push_back(CharLength(column.source_type));
  }
}

SplitSource::~SplitSource() {
  if (ahead_.valid()) ahead_.wait();  // it refers to our split
}

Status SplitSource::OpenNext() {
  const auto open = [this](size_t index) {
    return SliceReader::Open(context_, split_.slices[index]);
  };
  Opened opened = ahead_.valid() ? ahead_.get() : open(next_slice_);
  if (!opened) return std::move(opened).error();
  reader_ = *std::move(opened);
  slice_bytes_reported_ = 0;
  ++next_slice_;
  if (next_slice_ < split_.slices.size()) {
    ahead_ = std::async(std::launch::async, open, next_slice_);
  }
  return OkStatus();
}

void SplitSource::Report(int64_t rows) {
  if (!options_.on_progress) return;
  const FileSlice& slice = split_.slices[next_slice_ - 1];
  const int64_t total = std::max<int64_t>(1, reader_->rows_total());
  const auto bytes =
      static_cast<int64_t>(static_cast<double>(slice.length) *
                           static_cast<double>(reader_->rows_read()) / static_cast<double>(total));
  options_.on_progress(rows, bytes - slice_bytes_reported_);
  slice_bytes_reported_ = bytes;
}

Result<std::shared_ptr<arrow::RecordBatch>> SplitSource::Convert(const arrow::RecordBatch& batch) {
  arrow::ArrayVector hashed;
  arrow::ArrayVector converted;
  for (int i = 0; i < batch.num_columns(); ++i) {
    const auto& type = target_->field(i)->type();
    std::shared_ptr<arrow::Array> column = batch.column(i);
    const ColumnPlan& plan = context_.plan->columns[static_cast<size_t>(i)];
    if (const auto length = char_lengths_[static_cast<size_t>(i)]) {
      TRY(column, PadChars(column, *length));
    }
    TRY(auto array, ConvertArray(column, type, plan.source_name));
    if (options_.checksum) hashed.push_back(ChangesClass(*column->type(), *type) ? array : column);
    converted.push_back(std::move(array));
  }
  if (options_.checksum) {
    TRY_VOID(hasher_.Update(*arrow::RecordBatch::Make(batch.schema(), batch.num_rows(), hashed)));
  }
  return arrow::RecordBatch::Make(target_, batch.num_rows(), std::move(converted));
}

Result<std::shared_ptr<arrow::RecordBatch>> SplitSource::Next() {
  for (;;) {
    if (!reader_) {
      if (next_slice_ == split_.slices.size()) return std::shared_ptr<arrow::RecordBatch>();
      TRY_VOID(OpenNext());
    }
    TRY(auto batch, reader_->Next());
    if (!batch) {
      // Both sides of the border: what the file held is what went on, less what was deleted.
      rows_deleted_ += reader_->rows_deleted();
      reader_.reset();
      continue;
    }
    rows_ += batch->num_rows();
    Report(batch->num_rows());
    if (batch->num_rows() == 0) continue;
    return Convert(*batch);
  }
}

}  // namespace mms::migration
