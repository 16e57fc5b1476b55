#include "migration/transfer/split_source.h"

#include <arrow/array.h>
#include <arrow/compute/cast.h>
#include <arrow/datum.h>
#include <arrow/record_batch.h>
#include <arrow/scalar.h>
#include <arrow/type.h>

#include <algorithm>

#include "clients/maxcompute/types.h"
#include "migration/transfer/char_padding.h"
#include "migration/transfer/file_reader.h"
#include "migration/transfer/sql_reader.h"

namespace mms::migration {
namespace {

std::shared_ptr<arrow::Schema> BlockSchema(const TablePlan& plan, bool record_form) {
  const auto schema = maxcompute::ToArrow(plan.TargetSchema().columns);
  if (!record_form) return schema;
  arrow::FieldVector fields;
  for (const auto& field : schema->fields()) {
    fields.push_back(field->WithType(RecordForm(field->type())));
  }
  return arrow::schema(std::move(fields));
}

/// A partition value of the log as values of its column's type.
Result<std::shared_ptr<arrow::Array>> Constant(const std::optional<std::string>& value,
                                               const arrow::Field& field, int64_t rows) {
  const auto make = [&]() -> arrow::Result<std::shared_ptr<arrow::Array>> {
    if (!value) return arrow::MakeArrayOfNull(field.type(), rows);
    ARROW_ASSIGN_OR_RAISE(const arrow::Datum typed,
                          arrow::compute::Cast(arrow::MakeScalar(*value), field.type()));
    return arrow::MakeArrayFromScalar(*typed.scalar(), rows);
  };
  auto made = make();
  if (made.ok()) return *std::move(made);
  return Error(ErrorKind::kUnsupported, "PARTITION_VALUE_INVALID",
               "column " + field.name() + ": the partition value \"" + value.value_or("NULL") +
                   "\" cannot be read as " + field.type()->ToString() + " (" +
                   made.status().message() + "); repair the table at the source");
}

}  // namespace

SplitSource::SplitSource(const ReadContext& context, const Split& split, Options options)
    : context_(context),
      split_(split),
      options_(std::move(options)),
      target_(BlockSchema(*context.plan, options_.record_form)) {
  for (const ColumnPlan& column : context.plan->columns) {
    char_lengths_.push_back(CharLength(column.source_type));
    const maxcompute::Type& type = column.target.type;
    const bool varchar = type.kind == maxcompute::TypeKind::kVarchar;
    converters_.emplace_back(
        ColumnRules{column.source_name, context.plan->values, varchar ? type.length : 0});
  }
}

SplitSource::~SplitSource() {
  if (ahead_.valid()) ahead_.wait();  // it refers to our split
}

Status SplitSource::OpenNext() {
  const auto open = [this](size_t index) {
    const FileSlice& slice = split_.slices[index];
    return slice.sql ? OpenSqlReader(context_, slice) : OpenFileReader(context_, slice);
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

Result<std::shared_ptr<arrow::Array>> SplitSource::Values(size_t column,
                                                          const arrow::RecordBatch& batch) {
  const ColumnPlan& plan = context_.plan->columns[column];
  switch (plan.origin) {
    case Origin::kFile: {
      if (!char_lengths_[column]) return batch.column(plan.index);
      return PadChars(batch.column(plan.index), *char_lengths_[column]);
    }
    case Origin::kPartition: {
      const FileSlice& slice = split_.slices[next_slice_ - 1];
      const auto index = static_cast<size_t>(plan.index);
      CHECK(context_.plan->merged && index < slice.merged_values.size());
      return Constant(slice.merged_values[index], *context_.plan->merged->field(plan.index),
                      batch.num_rows());
    }
    case Origin::kNull: break;
  }
  return Constant(std::nullopt, *target_->field(static_cast<int>(column)), batch.num_rows());
}

Result<std::shared_ptr<arrow::RecordBatch>> SplitSource::Convert(const arrow::RecordBatch& batch) {
  arrow::ArrayVector hashed;
  arrow::ArrayVector converted;
  for (size_t i = 0; i < converters_.size(); ++i) {
    const auto& type = target_->field(static_cast<int>(i))->type();
    TRY(const std::shared_ptr<arrow::Array> column, Values(i, batch));
    const ChangeCounts before = converters_[i].changes();
    TRY(auto array, converters_[i].Convert(column, type));
    if (options_.checksum) {
      const bool as_written =
          converters_[i].changes() != before || ChangesClass(*column->type(), *type);
      hashed.push_back(as_written ? array : column);
    }
    converted.push_back(std::move(array));
  }
  if (options_.checksum) {
    TRY_VOID(hasher_.Update(*arrow::RecordBatch::Make(target_, batch.num_rows(), hashed)));
  }
  return arrow::RecordBatch::Make(target_, batch.num_rows(), std::move(converted));
}

ValueChanges SplitSource::changes() const {
  ValueChanges changes;
  changes.record_blocks = options_.record_form ? 1 : 0;
  for (size_t i = 0; i < converters_.size(); ++i) {
    changes.Add(context_.plan->columns[i].target.name, converters_[i].changes());
  }
  return changes;
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
    auto converted = Convert(*batch);
    const FileSlice& slice = split_.slices[next_slice_ - 1];
    const bool of_file = !slice.sql && !converted && converted.error().code().starts_with("VALUE_");
    return of_file ? std::move(converted).error().At("file " + slice.path) : converted;
  }
}

}  // namespace mms::migration
