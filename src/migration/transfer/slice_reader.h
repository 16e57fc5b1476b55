// Reads the rows of one file slice: opens the Parquet file, takes the row groups whose middle byte
// lies in the slice, drops rows that a deletion vector removes, and shapes columns to the table's
// schema. One thread; memory is bounded by the slice's compressed bytes and one batch.
#pragma once

#include <arrow/type_fwd.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "base/result.h"
#include "clients/azure/storage.h"
#include "migration/inspect/sql_access.h"
#include "migration/plan/plan.h"
#include "migration/transfer/row_reader.h"

namespace mms::migration {

/// What reading a table's files needs, besides the slice. All outlive the readers.
struct ReadContext {
  const TablePlan* plan = nullptr;
  azure::Storage* storage = nullptr;  ///< null where no file is read
  SqlAccess* sql = nullptr;           ///< of a table that is read by SQL
  ByteCount sql_read = {};            ///< what its rows take on their way is added to it
  std::function<Result<std::vector<uint64_t>>(const delta::DeletionVector&)> read_deletion_vector;
  int64_t batch_bytes = 1 << 20;  ///< decoded size aimed at; bounds memory whatever the row width
};

class SliceReader : public RowReader {
 public:
  /// Opens the file and starts fetching. Errors: azure::FromArrow kinds naming the file, kCorrupt
  /// FILE_INVALID, kUnsupported FILE_LEGACY_CALENDAR.
  static Result<std::unique_ptr<RowReader>> Open(const ReadContext& context,
                                                 const FileSlice& slice);
  ~SliceReader() override;

  Result<std::shared_ptr<arrow::RecordBatch>> Next() override;
  int64_t rows_total() const override;
  int64_t rows_read() const override;
  int64_t rows_deleted() const override;

 private:
  struct State;
  explicit SliceReader(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace mms::migration
