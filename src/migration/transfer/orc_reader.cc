#include "migration/transfer/orc_reader.h"

#include <arrow/adapters/orc/adapter.h>
#include <arrow/array.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>
#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "clients/azure/arrow_error.h"
#include "migration/formats/orc_tail.h"
#include "migration/transfer/calendar.h"
#include "migration/transfer/fit.h"
#include "migration/transfer/stripe_file.h"

namespace mms::migration {
namespace {

using arrow::adapters::orc::StripeInformation;

constexpr int64_t kWholeFileMaxBytes = 4LL << 20;  // one request instead of three or more
constexpr int64_t kBatchRowsMin = 1024;
constexpr int64_t kBatchRowsMax = 131072;
constexpr std::string_view kWayOut =
    "read the table by SQL (`source.jdbc`), or leave it out (`exclude`, of a job --but)";

class OrcReader : public RowReader {
 public:
  OrcReader(const ReadContext& context, const FileSlice& slice)
      : context_(context), slice_(slice) {}

  Status Open();
  Result<std::shared_ptr<arrow::RecordBatch>> Next() override;
  int64_t rows_total() const override { return rows_total_; }
  int64_t rows_read() const override { return rows_read_; }
  int64_t rows_deleted() const override { return 0; }

 private:
  Error FromArrow(const arrow::Status& status) const;
  Error Unsupported(const std::string& what) const;
  Status ReadTail();
  void ChooseStripes();
  Status ChooseColumns();
  Status NextStripe();
  Result<std::shared_ptr<arrow::RecordBatch>> NextOfStripe();
  Result<std::shared_ptr<arrow::RecordBatch>> Shape(const arrow::RecordBatch& batch) const;

  const ReadContext& context_;
  const FileSlice& slice_;
  std::string text_;  ///< the file, for messages
  std::shared_ptr<StripeFile> file_;
  std::unique_ptr<arrow::adapters::orc::ORCFileReader> reader_;
  std::shared_ptr<arrow::RecordBatchReader> batches_;  ///< of the stripe in work
  std::vector<StripeInformation> stripes_;
  size_t next_stripe_ = 0;
  std::vector<int> wanted_;     ///< fields of the file that are read, ascending
  std::vector<int> column_of_;  ///< in a batch of those per table column, -1 = absent
  Calendars calendars_;
  bool whole_ = false;  ///< all of the file is fetched
  int64_t batch_rows_ = kBatchRowsMin;
  int64_t rows_total_ = 0;
  int64_t rows_read_ = 0;
  int64_t stripe_rows_left_ = 0;
};

/// What the reader made of a failed read is a text: the failure itself tells more.
Error OrcReader::FromArrow(const arrow::Status& status) const {
  if (!file_->failure().ok()) return azure::FromArrow(file_->failure(), text_);
  if (status.IsInvalid() && status.message().find("nanosecond") != std::string::npos) {
    return Unsupported("an instant lies outside the years 1677 to 2262 (" + status.message() + ")");
  }
  return azure::FromArrow(status, text_);
}

Error OrcReader::Unsupported(const std::string& what) const {
  return Error(ErrorKind::kUnsupported, "FILE_UNSUPPORTED", fmt::format("{}; {}", what, kWayOut))
      .At(text_);
}

Status OrcReader::Open() {
  TRY(const azure::Location location, azure::ResolveFile(context_.plan->location, slice_.path));
  text_ = azure::ToText(location);
  TRY(auto input, context_.storage->OpenFile(location, slice_.size_bytes, slice_.etag));
  file_ = std::make_shared<StripeFile>(std::move(input));
  whole_ = slice_.size_bytes <= kWholeFileMaxBytes;
  if (whole_) {
    const arrow::Status fetched = file_->Fetch(0, slice_.size_bytes);
    if (!fetched.ok()) return azure::FromArrow(fetched, text_);
  }
  auto opened = arrow::adapters::orc::ORCFileReader::Open(file_, arrow::default_memory_pool());
  if (!opened.ok()) return FromArrow(opened.status());
  reader_ = *std::move(opened);
  TRY_VOID(ReadTail());
  ChooseStripes();
  return ChooseColumns();
}

Status OrcReader::ReadTail() {
  auto tail = ParseOrcTail(reader_->GetSerializedFileTail());
  if (!tail) return std::move(tail).error().At(text_);
  if (tail->encrypted) return Unsupported("some of its columns are encrypted");
  calendars_.old_dates = !tail->proleptic;
  const int64_t row_bytes =
      std::max<int64_t>(1, tail->decoded_bytes / std::max<int64_t>(1, tail->rows));
  batch_rows_ = std::clamp(context_.batch_bytes / row_bytes, kBatchRowsMin, kBatchRowsMax);
  return OkStatus();
}

void OrcReader::ChooseStripes() {
  const bool all = slice_.start == 0 && slice_.length >= slice_.size_bytes;
  for (int64_t i = 0; i < reader_->NumberOfStripes(); ++i) {
    const StripeInformation stripe = reader_->GetStripeInformation(i);
    // Within the file whatever its tail says: some slice has to take the stripe.
    const int64_t middle = std::clamp<int64_t>(stripe.offset + stripe.length / 2, 0,
                                               std::max<int64_t>(0, slice_.size_bytes - 1));
    const bool taken = all || (middle >= slice_.start && middle < slice_.start + slice_.length);
    if (!taken || stripe.num_rows == 0) continue;
    stripes_.push_back(stripe);
    rows_total_ += stripe.num_rows;
  }
}

Status OrcReader::ChooseColumns() {
  const auto schema = reader_->ReadSchema();
  if (!schema.ok()) return FromArrow(schema.status());
  const arrow::FieldVector& have = (*schema)->fields();
  const bool unnamed =
      !have.empty() && std::all_of(have.begin(), have.end(), [](const auto& field) {
        return field->name().starts_with("_col");
      });
  if (unnamed) {
    return Unsupported("Hive wrote it without the names of its columns (" + have[0]->name() +
                       ", ...)");
  }
  std::vector<int> found;
  for (const auto& field : context_.plan->physical->fields()) {
    auto index = FindField(have, *field, FieldMatch::kOrc);
    if (!index) return std::move(index).error().At(text_);
    found.push_back(*index);
    if (*index >= 0) wanted_.push_back(*index);
  }
  std::sort(wanted_.begin(), wanted_.end());
  for (const int index : found) {
    const auto at = std::lower_bound(wanted_.begin(), wanted_.end(), index);
    column_of_.push_back(index < 0 ? -1 : static_cast<int>(at - wanted_.begin()));
  }
  return OkStatus();
}

Status OrcReader::NextStripe() {
  const StripeInformation& stripe = stripes_[next_stripe_++];
  stripe_rows_left_ = stripe.num_rows;
  if (wanted_.empty()) return OkStatus();
  arrow::Status status;
  if (!whole_) status = file_->Fetch(stripe.offset, stripe.length);
  if (status.ok()) status = reader_->Seek(stripe.first_row_id);
  if (!status.ok()) return FromArrow(status);
  auto batches = reader_->NextStripeReader(batch_rows_, wanted_);
  if (!batches.ok()) return FromArrow(batches.status());
  batches_ = *std::move(batches);
  return OkStatus();
}

Result<std::shared_ptr<arrow::RecordBatch>> OrcReader::NextOfStripe() {
  std::shared_ptr<arrow::RecordBatch> batch;
  if (batches_) {
    const arrow::Status read = batches_->ReadNext(&batch);
    if (!read.ok()) return FromArrow(read);
  } else {
    // No column of the table is in this file (all were added later): its rows are all NULL.
    batch = arrow::RecordBatch::Make(arrow::schema({}), std::min(stripe_rows_left_, batch_rows_),
                                     arrow::ArrayVector{});
  }
  if (batch && batch->num_rows() > 0 && batch->num_rows() <= stripe_rows_left_) return batch;
  return Error(ErrorKind::kCorrupt, "FILE_INVALID",
               fmt::format("{}: {} rows of a stripe are not what its tail says; write it anew, or "
                           "leave the table out (`exclude`, of a job --but)",
                           text_, stripe_rows_left_));
}

Result<std::shared_ptr<arrow::RecordBatch>> OrcReader::Shape(
    const arrow::RecordBatch& batch) const {
  const auto& wanted = context_.plan->physical;
  arrow::ArrayVector columns;
  for (int i = 0; i < wanted->num_fields(); ++i) {
    const int index = column_of_[static_cast<size_t>(i)];
    if (index < 0) {
      auto nulls = arrow::MakeArrayOfNull(wanted->field(i)->type(), batch.num_rows());
      if (!nulls.ok()) return FromArrow(nulls.status());
      columns.push_back(*std::move(nulls));
      continue;
    }
    std::shared_ptr<arrow::Array> column = batch.column(index);
    if (calendars_.any()) {
      auto read = FromHybrid(column, calendars_, /*int96=*/false);
      if (!read) return std::move(read).error().At("column " + wanted->field(i)->name()).At(text_);
      column = *std::move(read);
    }
    auto fitted =
        FitArray(column, batch.schema()->field(index), wanted->field(i), FieldMatch::kOrc);
    if (!fitted) return std::move(fitted).error().At(text_);
    columns.push_back(*std::move(fitted));
  }
  return arrow::RecordBatch::Make(wanted, batch.num_rows(), std::move(columns));
}

Result<std::shared_ptr<arrow::RecordBatch>> OrcReader::Next() {
  if (stripe_rows_left_ == 0) {
    batches_.reset();
    if (next_stripe_ == stripes_.size()) return std::shared_ptr<arrow::RecordBatch>();
    TRY_VOID(NextStripe());
  }
  TRY(const auto batch, NextOfStripe());
  stripe_rows_left_ -= batch->num_rows();
  rows_read_ += batch->num_rows();
  return Shape(*batch);
}

}  // namespace

Result<std::unique_ptr<RowReader>> OpenOrcReader(const ReadContext& context,
                                                 const FileSlice& slice) {
  auto reader = std::make_unique<OrcReader>(context, slice);
  TRY_VOID(reader->Open());
  return std::unique_ptr<RowReader>(std::move(reader));
}

}  // namespace mms::migration
