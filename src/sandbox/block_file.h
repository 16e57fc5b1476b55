// The Parquet file of one block. It begins with TIMESTAMP columns in nanoseconds; when values come
// that only microseconds can hold, the columns concerned are rewritten and the file goes on in
// microseconds, under a name that says so (Storage::WidePath). One thread per object. Errors:
// kInternal InternalServerError; kInvalidInput InvalidArgument (no one form holds all values).
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "sandbox/parquet_file.h"
#include "sandbox/storage.h"
#include "sandbox/table.h"

namespace mms::sandbox {

class BlockFile {
 public:
  /// `path` is relative to the data folder.
  static Result<std::unique_ptr<BlockFile>> Open(const Storage* storage, const Table& table,
                                                 const std::string& path);
  ~BlockFile();
  BlockFile(const BlockFile&) = delete;
  BlockFile& operator=(const BlockFile&) = delete;

  Status Write(const arrow::RecordBatch& batch);
  struct Written {
    std::string path;
    int64_t rows = 0;
    int64_t bytes = 0;
  };
  Result<Written> Close();

 private:
  BlockFile(const Storage* storage, const Table& table, std::string path)
      : storage_(storage),
        columns_(table.columns),
        schema_(table.ArrowSchema()),
        path_(std::move(path)) {}
  bool IsWide(size_t column) const;
  Status OpenWriter();
  Status Widen(const std::vector<size_t>& columns);
  Result<std::shared_ptr<arrow::RecordBatch>> Conform(const arrow::RecordBatch& batch) const;

  const Storage* storage_;
  std::vector<Column> columns_;
  std::shared_ptr<arrow::Schema> schema_;  ///< of what is being written
  std::string path_;
  std::string narrow_path_;  ///< what a rewriting left; "" = nothing
  std::unique_ptr<ParquetBlockWriter> writer_;
};

}  // namespace mms::sandbox
