// What the footer of a Parquet file tells of the values in it, without a row of them being read.
//
// Bounds of days and instants are those of the row groups' statistics, read as the file's reader
// would read them (field ids, the old calendar); INT96 has none. No text is longer than its column
// chunk is uncompressed, however it is encoded: each byte of it stands there, or, by
// DELTA_BYTE_ARRAY, stood in the value before it.
//
// Source of the facts: parquet-format, parquet.thrift (Statistics, ColumnMetaData) and
// Encodings.md. Functions of their arguments but for the reads.
#pragma once

#include <arrow/io/type_fwd.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "migration/plan/plan.h"
#include "migration/plan/value_risks.h"

namespace parquet {
class FileMetaData;
}

namespace mms::migration {

struct Footer {
  std::shared_ptr<parquet::FileMetaData> metadata;
  int64_t requests = 0;  ///< reads that it took: one, or two when it is long
  int64_t bytes = 0;     ///< that they brought
};
/// `name`: of the file, for errors, which are those of azure::FromArrow.
Result<Footer> ReadFooter(arrow::io::RandomAccessFile& file, int64_t size_bytes,
                          const std::string& name);

/// Of each of `leaves`, in a file of the plan's table. Errors: kCorrupt FILE_UNREADABLE,
/// FILE_COLUMN_AMBIGUOUS.
Result<std::vector<LeafBounds>> BoundsOf(const parquet::FileMetaData& footer, const TablePlan& plan,
                                         const std::vector<LeafPath>& leaves);

}  // namespace mms::migration
