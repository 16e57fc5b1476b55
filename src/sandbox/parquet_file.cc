#include "sandbox/parquet_file.h"

#include <arrow/array.h>
#include <arrow/array/util.h>
#include <arrow/compute/cast.h>
#include <arrow/table.h>
#include <arrow/util/byte_size.h>
#include <parquet/arrow/reader.h>
#include <parquet/exception.h>
#include <parquet/properties.h>

#include <algorithm>
#include <filesystem>

#include "sandbox/recycling_pool.h"

namespace mms::sandbox {
namespace {

/// Bytes of Arrow data per row group: bounds memory per writer and lets readers skip.
constexpr int64_t kGroupBytes = 16 << 20;
constexpr int64_t kReadBatchRows = 16 * 1024;

Error Failed(const arrow::Status& status) {
  return Error(ErrorKind::kInternal, "InternalServerError", status.ToString());
}

std::string PartName(const std::string& path) { return path + ".part"; }

std::shared_ptr<parquet::WriterProperties> WriterProperties() {
  // The fastest form that every reader knows: no dictionaries, no compression, no statistics. The
  // sandbox is judged by how fast it takes data in, and its tables live for a rehearsal.
  return parquet::WriterProperties::Builder()
      .memory_pool(RecyclingPool::Get())
      ->disable_dictionary()
      ->disable_statistics()
      ->compression(parquet::Compression::UNCOMPRESSED)
      ->version(parquet::ParquetVersion::PARQUET_2_6)
      ->data_pagesize(1 << 20)
      ->max_row_group_length(1 << 30)
      ->build();
}

Result<std::unique_ptr<parquet::arrow::FileReader>> OpenReader(const std::string& path) {
  auto file = arrow::io::ReadableFile::Open(path);
  if (!file.ok()) {
    return Error(ErrorKind::kConflict, "TableModified",
                 "the data changed since the session began; begin a new one");
  }
  parquet::arrow::FileReaderBuilder builder;
  auto status = builder.Open(*file);
  if (!status.ok()) return Failed(status);
  parquet::ArrowReaderProperties properties;
  properties.set_batch_size(kReadBatchRows);
  properties.set_use_threads(false);
  std::unique_ptr<parquet::arrow::FileReader> reader;
  status = builder.memory_pool(RecyclingPool::Get())->properties(properties)->Build(&reader);
  if (!status.ok()) return Failed(status);
  return reader;
}

/// Whether the column's type was changed to a wider one since the file was written.
bool WasWidened(const arrow::DataType& file, const arrow::DataType& table) {
  bool plain = file.num_fields() == 0 && file.id() != arrow::Type::TIMESTAMP;
  return plain && !file.Equals(table);
}

/// The batch with exactly the wanted columns, nulls where the file has none; TIMESTAMP as in
/// the file.
Result<std::shared_ptr<arrow::RecordBatch>> Conform(const arrow::RecordBatch& batch,
                                                    const std::shared_ptr<arrow::Schema>& schema) {
  arrow::ArrayVector columns;
  arrow::FieldVector fields;
  for (const auto& field : schema->fields()) {
    auto column = batch.GetColumnByName(field->name());
    if (column == nullptr) {
      auto nulls = arrow::MakeArrayOfNull(field->type(), batch.num_rows());
      if (!nulls.ok()) return Failed(nulls.status());
      column = *nulls;
    } else if (WasWidened(*column->type(), *field->type())) {
      auto cast = arrow::compute::Cast(*column, field->type());
      if (!cast.ok()) return Failed(cast.status());
      column = *cast;
    }
    fields.push_back(field->WithType(column->type()));
    columns.push_back(std::move(column));
  }
  return arrow::RecordBatch::Make(arrow::schema(std::move(fields)), batch.num_rows(),
                                  std::move(columns));
}

/// Reads one file from row `skip`, at most `count` rows; returns how many were visited.
Result<int64_t> ReadPart(const std::string& path, std::pair<int64_t, int64_t> skip_count,
                         const std::shared_ptr<arrow::Schema>& schema, const BatchVisitor& visit) {
  auto [skip, count] = skip_count;
  TRY(auto reader, OpenReader(path));
  std::shared_ptr<arrow::Schema> file_schema;
  auto status = reader->GetSchema(&file_schema);
  if (!status.ok()) return Failed(status);
  auto metadata = reader->parquet_reader()->metadata();
  std::vector<int> groups;
  int64_t left = count;
  for (int g = 0; g < metadata->num_row_groups() && left > 0; ++g) {
    int64_t rows = metadata->RowGroup(g)->num_rows();
    if (groups.empty() && skip >= rows) {
      skip -= rows;
      continue;
    }
    left -= groups.empty() ? rows - skip : rows;
    groups.push_back(g);
  }
  // Leaf indices of the wanted top-level columns.
  std::vector<int> leaves;
  const auto* descriptor = metadata->schema();
  for (int leaf = 0; leaf < descriptor->num_columns(); ++leaf) {
    const std::string& root = descriptor->GetColumnRoot(leaf)->name();
    if (schema->GetFieldIndex(root) >= 0) leaves.push_back(leaf);
  }
  if (leaves.empty() && descriptor->num_columns() > 0) leaves.push_back(0);  // for the row count
  auto batches = reader->GetRecordBatchReader(groups, leaves);
  if (!batches.ok()) return Failed(batches.status());
  int64_t visited = 0;
  while (visited < count) {
    std::shared_ptr<arrow::RecordBatch> batch;
    status = (*batches)->ReadNext(&batch);
    if (!status.ok()) return Failed(status);
    if (batch == nullptr) break;
    int64_t begin = std::min(skip, batch->num_rows());
    skip -= begin;
    int64_t take = std::min(batch->num_rows() - begin, count - visited);
    if (take == 0) continue;
    TRY(auto conformed, Conform(*batch->Slice(begin, take), schema));
    TRY_VOID(visit(*conformed));
    visited += take;
  }
  return visited;
}

}  // namespace

Result<std::unique_ptr<ParquetBlockWriter>> ParquetBlockWriter::Open(
    const std::string& path, const std::shared_ptr<arrow::Schema>& schema) {
  auto writer = std::unique_ptr<ParquetBlockWriter>(new ParquetBlockWriter(path));
  auto file = arrow::io::FileOutputStream::Open(PartName(path));
  if (!file.ok()) return Failed(file.status());
  writer->file_ = *file;
  // The Arrow schema is stored as well, so that nested names and zones come back as written.
  auto arrow_properties = parquet::ArrowWriterProperties::Builder().store_schema()->build();
  auto opened = parquet::arrow::FileWriter::Open(
      *schema, arrow::default_memory_pool(), writer->file_, WriterProperties(), arrow_properties);
  if (!opened.ok()) return Failed(opened.status());
  writer->writer_ = std::move(opened).ValueUnsafe();
  return writer;
}

ParquetBlockWriter::~ParquetBlockWriter() {
  if (closed_) return;
  writer_.reset();
  if (file_) (void)file_->Close();
  std::error_code ignored;
  std::filesystem::remove(PartName(path_), ignored);
}

Status ParquetBlockWriter::Write(const arrow::RecordBatch& batch) {
  if (batch.num_rows() == 0) return OkStatus();
  pending_.push_back(batch.Slice(0));
  rows_ += batch.num_rows();
  pending_bytes_ += arrow::util::ReferencedBufferSize(batch).ValueOr(kGroupBytes);
  return pending_bytes_ >= kGroupBytes ? WriteGroup() : OkStatus();
}

/// One row group out of the batches in hand: column by column straight into the file, which needs a
/// page of memory; Parquet's buffered row groups would hold the whole group a second time.
Status ParquetBlockWriter::WriteGroup() {
  if (pending_.empty()) return OkStatus();
  try {
    auto table = arrow::Table::FromRecordBatches(pending_.front()->schema(), pending_);
    if (!table.ok()) return Failed(table.status());
    auto status = writer_->WriteTable(**table, (*table)->num_rows());
    if (!status.ok()) return Failed(status);
  } catch (const std::exception& e) {
    return Error(ErrorKind::kInternal, "InternalServerError", e.what());
  }
  pending_.clear();
  pending_bytes_ = 0;
  return OkStatus();
}

Result<int64_t> ParquetBlockWriter::Close() {
  TRY_VOID(WriteGroup());
  int64_t bytes = 0;
  try {
    auto status = writer_->Close();
    if (!status.ok()) return Failed(status);
    auto tell = file_->Tell();
    if (!tell.ok()) return Failed(tell.status());
    bytes = *tell;
    status = file_->Close();
    if (!status.ok()) return Failed(status);
  } catch (const std::exception& e) {
    return Error(ErrorKind::kInternal, "InternalServerError", e.what());
  }
  std::error_code ec;
  std::filesystem::rename(PartName(path_), path_, ec);
  if (ec) {
    return Error(ErrorKind::kInternal, "InternalServerError",
                 "cannot finish " + path_ + ": " + ec.message());
  }
  closed_ = true;
  return bytes;
}

Status ReadRows(const RowRange& range, const std::shared_ptr<arrow::Schema>& schema,
                const BatchVisitor& visit) {
  int64_t skip = range.start;
  int64_t left = range.count;
  try {
    for (const RowRange::Part& part : range.parts) {
      if (left == 0) break;
      if (skip >= part.rows) {
        skip -= part.rows;
        continue;
      }
      int64_t wanted = std::min(left, part.rows - skip);
      TRY(int64_t visited, ReadPart(part.path, {skip, wanted}, schema, visit));
      if (visited != wanted) {
        return Error(ErrorKind::kCorrupt, "InternalServerError",
                     part.path + " has fewer rows than the catalog says");
      }
      skip = 0;
      left -= visited;
    }
  } catch (const std::exception& e) {
    return Error(ErrorKind::kInternal, "InternalServerError", e.what());
  }
  return OkStatus();
}

Result<std::pair<std::shared_ptr<arrow::Schema>, int64_t>> ReadParquetShape(
    const std::string& path) {
  try {
    TRY(auto reader, OpenReader(path));
    std::shared_ptr<arrow::Schema> schema;
    auto status = reader->GetSchema(&schema);
    if (!status.ok()) return Failed(status);
    return std::make_pair(schema, reader->parquet_reader()->metadata()->num_rows());
  } catch (const std::exception& e) {
    return Error(ErrorKind::kInternal, "InternalServerError", e.what());
  }
}

}  // namespace mms::sandbox
