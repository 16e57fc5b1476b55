// Checksums of many partitions out of one stream of rows, in which the rows of a partition may
// stand anywhere: each row says first which partition it is of. One thread at a time.
//
// Memory: a checksum for each partition that has come so far, 16 bytes a column; whoever asks for
// the rows bounds how many partitions they may be of.
#pragma once

#include <arrow/type_fwd.h>

#include <cstddef>
#include <map>
#include <string>
#include <vector>

#include "base/result.h"
#include "migration/checksum/checksum.h"

namespace mms::migration {

/// By the values of the partition columns, in level order.
using PartitionChecksums = std::map<std::vector<std::string>, Checksum>;

/// Adds those of other rows.
void Merge(const PartitionChecksums& other, PartitionChecksums* into);

class PartitionHasher {
 public:
  /// The first `levels` columns of a batch are the partition's values, as text; the others are
  /// hashed as Hasher(row_columns) does.
  PartitionHasher(size_t levels, size_t row_columns) : levels_(levels), hasher_(row_columns) {}

  /// Errors: kCorrupt READ_BACK_PARTITION when a row does not say its partition; kUnsupported
  /// CHECKSUM_TYPE.
  Status Update(const arrow::RecordBatch& batch);
  const PartitionChecksums& checksums() const { return checksums_; }

 private:
  Checksum& Find(const arrow::RecordBatch& batch, int64_t row);

  size_t levels_;
  Hasher hasher_;
  PartitionChecksums checksums_;
  std::vector<Hasher::Run> runs_;
};

}  // namespace mms::migration
