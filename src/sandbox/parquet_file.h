// One Parquet file of rows: written batch by batch with bounded memory, read back by row ranges.
// One thread per object. Errors: kInternal InternalServerError; kConflict TableModified when a file
// went away.
#pragma once

#include <arrow/io/file.h>
#include <arrow/record_batch.h>
#include <parquet/arrow/writer.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"

namespace mms::sandbox {

/// A file that exists under its name only after Close; otherwise the destructor removes it.
class ParquetBlockWriter {
 public:
  static Result<std::unique_ptr<ParquetBlockWriter>> Open(
      const std::string& path, const std::shared_ptr<arrow::Schema>& schema);
  ~ParquetBlockWriter();
  ParquetBlockWriter(const ParquetBlockWriter&) = delete;
  ParquetBlockWriter& operator=(const ParquetBlockWriter&) = delete;

  Status Write(const arrow::RecordBatch& batch);
  /// Size of the finished file in bytes.
  Result<int64_t> Close();
  int64_t rows() const { return rows_; }

 private:
  Status WriteGroup();

  explicit ParquetBlockWriter(std::string path) : path_(std::move(path)) {}
  std::string path_;
  std::shared_ptr<arrow::io::FileOutputStream> file_;
  std::unique_ptr<parquet::arrow::FileWriter> writer_;
  int64_t rows_ = 0;
  std::vector<std::shared_ptr<arrow::RecordBatch>> pending_;
  int64_t pending_bytes_ = 0;
  bool closed_ = false;
};

using BatchVisitor = std::function<Status(const arrow::RecordBatch&)>;

/// A stretch of rows over several files.
struct RowRange {
  struct Part {
    std::string path;  ///< absolute
    int64_t rows = 0;
  };
  std::vector<Part> parts;
  int64_t start = 0;
  int64_t count = 0;
};

/// Visits the rows in order, cut exactly to the range, with the columns of `schema` found by name;
/// a column that a file does not have (added later) is null, one of a narrower type (changed later)
/// is cast. TIMESTAMP columns may be in microseconds (wide_time.h).
Status ReadRows(const RowRange& range, const std::shared_ptr<arrow::Schema>& schema,
                const BatchVisitor& visit);

/// Schema and number of rows of one file.
Result<std::pair<std::shared_ptr<arrow::Schema>, int64_t>> ReadParquetShape(
    const std::string& path);

}  // namespace mms::sandbox
