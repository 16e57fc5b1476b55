#include "sandbox/sql/row_writer.h"

#include <arrow/array.h>
#include <arrow/compute/cast.h>

#include <algorithm>

#include "sandbox/arrow_block.h"

namespace mms::sandbox::sql {
namespace {

constexpr size_t kPartitionsPerStatementMax = 10'000;

Error BadValue(const std::string& what) {
  return Error(ErrorKind::kInvalidInput, "ODPS-0121095", "Invalid argument - " + what);
}

Error BadPartition(const std::string& what) {
  return Error(ErrorKind::kInvalidInput, "ODPS-0123031", "Partition exception - " + what);
}

Result<std::shared_ptr<arrow::Array>> Conform(const std::shared_ptr<arrow::Array>& array,
                                              const arrow::Field& field) {
  if (array->type()->Equals(*field.type())) return array;
  auto cast = arrow::compute::Cast(*array, field.type());
  if (cast.ok()) return *cast;
  return BadValue("column " + field.name() + ": " + cast.status().message());
}

/// Rows of a query as the table holds them: instants in nanoseconds if they fit (wide_time.h).
Result<std::shared_ptr<arrow::RecordBatch>> ConformToTable(const arrow::RecordBatch& batch,
                                                           const Table& table) {
  arrow::ArrayVector arrays;
  arrow::FieldVector fields;
  for (size_t i = 0; i < table.columns.size(); ++i) {
    const Column& column = table.columns[i];
    auto array = batch.column(static_cast<int>(i));
    auto field = arrow::field(column.file_name(), column.type.ToArrow());
    auto conformed = Conform(array, *field);
    if (!conformed && column.type.HasTimestamp()) {
      field = field->WithType(column.type.ToArrow(TimestampForm::kMicro));
      conformed = Conform(array, *field);
    }
    TRY(array, std::move(conformed));
    fields.push_back(std::move(field));
    arrays.push_back(std::move(array));
  }
  return arrow::RecordBatch::Make(arrow::schema(fields), batch.num_rows(), std::move(arrays));
}

bool SameText(const arrow::Array& array, int64_t a, int64_t b) {
  const auto& texts = static_cast<const arrow::StringArray&>(array);
  return !texts.IsNull(a) && !texts.IsNull(b) && texts.GetView(a) == texts.GetView(b);
}

}  // namespace

Result<std::shared_ptr<arrow::RecordBatch>> ConformRows(
    const arrow::RecordBatch& batch, const std::shared_ptr<arrow::Schema>& schema) {
  arrow::ArrayVector columns;
  for (int i = 0; i < schema->num_fields(); ++i) {
    TRY(auto column, Conform(batch.column(i), *schema->field(i)));
    columns.push_back(std::move(column));
  }
  return arrow::RecordBatch::Make(schema, batch.num_rows(), std::move(columns));
}

RowWriter::RowWriter(Storage* storage, const Table& table, std::string statement_id,
                     std::vector<std::pair<std::string, std::string>> fixed)
    : storage_(storage),
      table_(table),
      statement_id_(std::move(statement_id)),
      fixed_(std::move(fixed)) {
  for (const Column& column : table.partition_columns) {
    bool given = std::any_of(fixed_.begin(), fixed_.end(),
                             [&](const auto& pair) { return pair.first == column.name; });
    if (!given) dynamic_.push_back(column.name);
  }
}

RowWriter::~RowWriter() {
  writer_.reset();
  std::vector<std::string> paths;
  for (const StagedFile& file : done_) paths.push_back(file.path);
  storage_->Retire(paths);
}

Result<PartitionSpec> RowWriter::SpecOf(const arrow::RecordBatch& batch, int64_t row) const {
  if (!table_.partitioned()) return PartitionSpec();
  auto pairs = fixed_;
  int first = batch.num_columns() - static_cast<int>(dynamic_.size());
  for (size_t i = 0; i < dynamic_.size(); ++i) {
    const auto& texts =
        static_cast<const arrow::StringArray&>(*batch.column(first + static_cast<int>(i)));
    if (texts.IsNull(row)) {
      return BadPartition("invalid dynamic partition value: " + dynamic_[i] + "=NULL");
    }
    pairs.emplace_back(dynamic_[i], texts.GetString(row));
  }
  auto spec = MakePartitionSpec(table_, pairs);
  if (spec) return spec;
  if (dynamic_.empty()) return spec;
  return BadPartition("invalid dynamic partition value: " + spec.error().message());
}

Status RowWriter::CloseFile() {
  if (!writer_) return OkStatus();
  TRY(auto written, writer_->Close());
  open_->path = written.path;
  open_->rows = written.rows;
  open_->bytes = written.bytes;
  done_.push_back(std::move(*open_));
  writer_.reset();
  open_.reset();
  if (done_.size() <= kPartitionsPerStatementMax) return OkStatus();
  return BadPartition("a single instance cannot output data to more than 10000 partitions");
}

Status RowWriter::WriteTo(const PartitionSpec& spec, const arrow::RecordBatch& rows) {
  if (!open_ || open_->spec != spec) {
    TRY_VOID(CloseFile());
    open_ = StagedFile{Storage::StagedPath(statement_id_, count_++, "rows"), spec};
    TRY(writer_, BlockFile::Open(storage_, table_, open_->path));
  }
  TRY(auto conformed, ConformToTable(rows, table_));
  auto checked = CheckBatch(*conformed, table_);
  if (!checked) return BadValue(checked.error().message());
  return writer_->Write(*conformed);
}

Status RowWriter::Write(const arrow::RecordBatch& batch) {
  int first = batch.num_columns() - static_cast<int>(dynamic_.size());
  for (int64_t begin = 0; begin < batch.num_rows();) {
    int64_t end = begin + 1;
    auto same = [&](int64_t row) {
      for (int i = first; i < batch.num_columns(); ++i) {
        if (!SameText(*batch.column(i), begin, row)) return false;
      }
      return true;
    };
    if (dynamic_.empty()) end = batch.num_rows();
    while (end < batch.num_rows() && same(end)) ++end;
    TRY(PartitionSpec spec, SpecOf(batch, begin));
    TRY_VOID(WriteTo(spec, *batch.Slice(begin, end - begin)));
    begin = end;
  }
  return OkStatus();
}

Result<std::vector<StagedFile>> RowWriter::Finish() {
  TRY_VOID(CloseFile());
  return std::exchange(done_, {});
}

}  // namespace mms::sandbox::sql
