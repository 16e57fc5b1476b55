// Rows that a query makes, into Parquet files: the result of a SELECT into one, the rows of an
// INSERT into one staged file per partition, checked as the tunnel checks blocks. Bounded memory:
// one file is open at a time. One thread per object. Errors: ODPS-0121095 (a value does not fit the
// column), ODPS-0123031 (a partition value).
#pragma once

#include <arrow/record_batch.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "sandbox/block_file.h"
#include "sandbox/catalog.h"
#include "sandbox/storage.h"

namespace mms::sandbox::sql {

/// The batch's columns, in order, as `schema` types them.
Result<std::shared_ptr<arrow::RecordBatch>> ConformRows(
    const arrow::RecordBatch& batch, const std::shared_ptr<arrow::Schema>& schema);

/// What a statement has written for one partition.
struct StagedFile {
  std::string path;  ///< relative to the data folder
  PartitionSpec spec;
  int64_t rows = 0;
  int64_t bytes = 0;
};

class RowWriter {
 public:
  /// `statement_id`: 32 hex digits. `fixed`: the values of the partition columns that the statement
  /// gives (all of them for a table without dynamic ones).
  RowWriter(Storage* storage, const Table& table, std::string statement_id,
            std::vector<std::pair<std::string, std::string>> fixed);
  /// Drops what Finish has not handed out.
  ~RowWriter();
  RowWriter(const RowWriter&) = delete;
  RowWriter& operator=(const RowWriter&) = delete;

  /// The data columns, then as text the partition columns that are not fixed. Rows of one partition
  /// must follow each other.
  Status Write(const arrow::RecordBatch& batch);
  /// The files written since the last call, in order of partition.
  Result<std::vector<StagedFile>> Finish();

 private:
  Status WriteTo(const PartitionSpec& spec, const arrow::RecordBatch& rows);
  Status CloseFile();
  Result<PartitionSpec> SpecOf(const arrow::RecordBatch& batch, int64_t row) const;

  Storage* storage_;
  const Table& table_;
  std::string statement_id_;
  std::vector<std::pair<std::string, std::string>> fixed_;
  std::vector<std::string> dynamic_;  ///< names of the partition columns that are not fixed
  std::optional<StagedFile> open_;
  std::unique_ptr<BlockFile> writer_;
  std::vector<StagedFile> done_;
  int count_ = 0;
};

}  // namespace mms::sandbox::sql
