#include "sandbox/block_file.h"

#include <filesystem>

#include "sandbox/wide_time.h"

namespace mms::sandbox {

Result<std::unique_ptr<BlockFile>> BlockFile::Open(const Storage* storage, const Table& table,
                                                   const std::string& path) {
  auto file = std::unique_ptr<BlockFile>(new BlockFile(storage, table, path));
  TRY_VOID(storage->MakeParent(path));
  TRY_VOID(file->OpenWriter());
  return file;
}

BlockFile::~BlockFile() {
  writer_.reset();
  std::error_code ignored;
  if (!narrow_path_.empty()) std::filesystem::remove(storage_->Absolute(narrow_path_), ignored);
}

bool BlockFile::IsWide(size_t column) const {
  return HasMicros(*schema_->field(static_cast<int>(column))->type());
}

Status BlockFile::OpenWriter() {
  TRY(writer_, ParquetBlockWriter::Open(storage_->Absolute(path_), schema_));
  return OkStatus();
}

/// The batch in the file's units.
Result<std::shared_ptr<arrow::RecordBatch>> BlockFile::Conform(
    const arrow::RecordBatch& batch) const {
  arrow::ArrayVector arrays;
  for (size_t i = 0; i < columns_.size(); ++i) {
    auto array = batch.column(static_cast<int>(i));
    if (IsWide(i) && !HasMicros(*array->type())) {
      TRY(array, CastTimestamps(columns_[i], array, TimestampForm::kMicro));
    }
    arrays.push_back(std::move(array));
  }
  return arrow::RecordBatch::Make(schema_, batch.num_rows(), std::move(arrays));
}

/// Writes what is there so far anew, with these columns in microseconds.
Status BlockFile::Widen(const std::vector<size_t>& columns) {
  int64_t rows = writer_->rows();
  TRY(int64_t bytes, writer_->Close());
  (void)bytes;
  auto narrow_schema = schema_;
  std::string before = path_;
  // A second widening of one block gives the same name again: it goes by way of another one.
  std::string parked = before + ".narrow";
  std::error_code ec;
  std::filesystem::rename(storage_->Absolute(before), storage_->Absolute(parked), ec);
  if (ec) {
    return Error(ErrorKind::kInternal, "InternalServerError",
                 "cannot set " + before + " aside: " + ec.message());
  }
  narrow_path_ = parked;
  arrow::FieldVector fields = schema_->fields();
  for (size_t column : columns) {
    fields[column] = fields[column]->WithType(columns_[column].type.ToArrow(TimestampForm::kMicro));
  }
  schema_ = arrow::schema(std::move(fields));
  path_ = Storage::WidePath(before);
  TRY_VOID(OpenWriter());
  RowRange range{{{storage_->Absolute(parked), rows}}, 0, rows};
  TRY_VOID(ReadRows(range, narrow_schema, [&](const arrow::RecordBatch& batch) -> Status {
    TRY(auto conformed, Conform(batch));
    return writer_->Write(*conformed);
  }));
  std::filesystem::remove(storage_->Absolute(parked), ec);
  narrow_path_.clear();
  return OkStatus();
}

Status BlockFile::Write(const arrow::RecordBatch& batch) {
  std::vector<size_t> widen;
  bool conforms = true;
  for (size_t i = 0; i < columns_.size(); ++i) {
    bool micros = HasMicros(*batch.column(static_cast<int>(i))->type());
    if (micros && !IsWide(i)) widen.push_back(i);
    if (micros != IsWide(i)) conforms = false;
  }
  if (conforms) return writer_->Write(batch);
  if (!widen.empty()) TRY_VOID(Widen(widen));
  TRY(auto conformed, Conform(batch));
  return writer_->Write(*conformed);
}

Result<BlockFile::Written> BlockFile::Close() {
  Written written;
  written.path = path_;
  written.rows = writer_->rows();
  TRY(written.bytes, writer_->Close());
  return written;
}

}  // namespace mms::sandbox
