// The rows of one part of a split in the table's physical columns, whatever holds them. What knows
// one source of rows implements it; SplitSource takes them one after another. One thread.
#pragma once

#include <arrow/type_fwd.h>

#include <cstdint>
#include <memory>

#include "base/result.h"

namespace mms::migration {

class RowReader {
 public:
  virtual ~RowReader() = default;

  /// Batches with the columns of TablePlan::physical, or nullptr at the end. May be empty when all
  /// of its rows were removed.
  virtual Result<std::shared_ptr<arrow::RecordBatch>> Next() = 0;

  virtual int64_t rows_total() const = 0;    ///< of the part as stored, or a guess until it ends
  virtual int64_t rows_read() const = 0;     ///< so far, removed ones included
  virtual int64_t rows_deleted() const = 0;  ///< removed so far
};

}  // namespace mms::migration
