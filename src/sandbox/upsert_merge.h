// Merges what an upsert session was sent into the rows of a partition. Keys of the changes are held
// in memory, rows are streamed. One thread per object. Errors: kInternal InternalServerError.
#pragma once

#include <string>
#include <unordered_map>
#include <vector>

#include "sandbox/block_file.h"
#include "sandbox/parquet_file.h"
#include "sandbox/table.h"

namespace mms::sandbox {

/// The table as upsert records carry it: its columns, none of them NOT NULL (a deletion may give
/// its key alone), and five more.
Table UpsertTable(const Table& table);

/// Checks a batch of UpsertTable: an operation each, keys that are not NULL, and what the table
/// demands of rows that are written.
Status CheckUpserts(const Table& table, const arrow::RecordBatch& batch);

class UpsertMerge {
 public:
  explicit UpsertMerge(const Table& table);

  /// `changes`: files of UpsertTable in the order they came. Rows of `present` whose key is not
  /// among them, then the changed ones, go to `out`.
  Status Run(const std::vector<RowRange::Part>& present, const std::vector<RowRange::Part>& changes,
             BlockFile* out);

 private:
  std::string KeyOf(const arrow::RecordBatch& batch, int64_t row) const;

  const Table& table_;
  std::vector<int> key_columns_;
  std::unordered_map<std::string, int64_t> last_;  ///< key -> number of its last change
};

}  // namespace mms::sandbox
