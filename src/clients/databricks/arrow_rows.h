// The rows of a result that comes as Arrow: inline batches and files behind links, plain or in LZ4
// frames. Pure. What a server sends is checked whole before a row of it is handed on.
//
// Source: databricks-sql-connector 4.9: arrowSchema is one encapsulated IPC schema message; an
// inline batch is encapsulated record-batch messages without schema; a file is a whole IPC stream;
// with lz4Compressed each inline batch, or the file, is LZ4 frames one behind the other.
#pragma once

#include <arrow/type_fwd.h>
#include <arrow/util/type_fwd.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "clients/databricks/result_schema.h"

namespace mms::databricks {

/// Opens LZ4 frames piece by piece. One thread.
class Lz4Frames {
 public:
  static Result<std::unique_ptr<Lz4Frames>> Make();
  ~Lz4Frames();

  /// Appends what `bytes` hold to `out`. Errors: kCorrupt SQL_ARROW_BYTES (no LZ4 frame),
  /// kLimitReached SQL_ARROW_TOO_LARGE (`out` would grow past `bytes_max`).
  Status Open(std::string_view bytes, size_t bytes_max, std::string& out);
  /// Errors: kCorrupt SQL_ARROW_BYTES (a frame is cut off).
  Status Finish() const;

 private:
  Lz4Frames();
  std::shared_ptr<arrow::util::Decompressor> frame_;
  bool inside_ = false;
};

/// The schema of an encapsulated IPC schema message. Errors: kCorrupt SQL_ARROW_BYTES.
Result<std::shared_ptr<arrow::Schema>> ReadArrowSchema(const std::string& message);

/// All batches of an IPC stream, each sound and of the schema `sent`. Errors: kCorrupt
/// SQL_ARROW_BYTES, SQL_ROWS_DIFFER (not `rows` rows).
Result<std::vector<std::shared_ptr<arrow::RecordBatch>>> ReadArrowStream(std::string bytes,
                                                                         const arrow::Schema& sent,
                                                                         int64_t rows);

/// The batch in the form that was planned. Errors as in columnar_rows.h.
Result<std::shared_ptr<arrow::RecordBatch>> ConformArrow(const arrow::RecordBatch& batch,
                                                         const ResultSchema& schema);

}  // namespace mms::databricks
