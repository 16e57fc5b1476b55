// Order-free checksums of rows, per column and over whole rows, taken once from the source's typed
// values while they are read and once from what the target gives back. Equal sums mean equal
// multisets of values in each column (column sums) and equal multisets of rows (row sum), up to a
// 2^-64 chance.
//
// A value is hashed in a canonical typed form, never as text: integers by value whatever their
// width, timestamps by (microseconds, nanoseconds left), so that a lossless change of type keeps
// the sum and any other change breaks it. NULL, empty string, empty list and 0 all differ. Floats
// by bits, with one NaN; -0.0 is not 0.0. Maps are order-free, lists and structs are not. Persisted
// in ledgers: never change a rule, add a version.
#pragma once

#include <arrow/type_fwd.h>

#include <cstdint>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"

namespace mms::migration {

struct ColumnChecksum {
  int64_t nulls = 0;
  uint64_t sum = 0;

  bool operator==(const ColumnChecksum&) const = default;
};

struct Checksum {
  int64_t rows = 0;
  uint64_t row_sum = 0;
  std::vector<ColumnChecksum> columns;

  bool operator==(const Checksum&) const = default;
  /// Adds the rows of another part. Both have the same columns, or one has none yet.
  void Merge(const Checksum& other);
  /// Short form for people: rows sum in hex.
  std::string ToText() const;
};

nlohmann::json ToJson(const Checksum& checksum);
Result<Checksum> ChecksumFromJson(const nlohmann::json& document);

/// Adds up batches. One thread at a time. Scratch memory is kept between batches.
class Hasher {
 public:
  Hasher() = default;
  /// Whole rows are hashed over their first `row_columns` columns only; the others are still hashed
  /// column by column.
  explicit Hasher(size_t row_columns) : row_columns_(row_columns) {}

  /// Adds all rows of the batch; its columns are positional. Errors: kUnsupported CHECKSUM_TYPE.
  Status Update(const arrow::RecordBatch& batch);
  const Checksum& checksum() const { return checksum_; }

  /// Rows of a batch, one behind the other, and whose checksum they go into.
  struct Run {
    int64_t begin = 0;
    int64_t count = 0;
    Checksum* into = nullptr;
  };
  /// Adds the rows of the batch to the checksums of others; `runs` cover it in order.
  Status Update(const arrow::RecordBatch& batch, std::span<const Run> runs);

 private:
  size_t row_columns_ = SIZE_MAX;
  Checksum checksum_;
  std::vector<uint64_t> values_;
  std::vector<uint64_t> rows_;
};

}  // namespace mms::migration
