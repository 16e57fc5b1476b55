#include "migration/checksum/partition_hasher.h"

#include <arrow/array.h>
#include <arrow/record_batch.h>

#include <utility>

namespace mms::migration {
namespace {

Error NoPartition(const std::string& what) {
  return Error(ErrorKind::kCorrupt, "READ_BACK_PARTITION",
               what + ", so its rows cannot be told apart by partition");
}

std::string_view TextAt(const arrow::RecordBatch& batch, size_t level, int64_t row) {
  return static_cast<const arrow::StringArray&>(*batch.column(static_cast<int>(level)))
      .GetView(row);
}

bool IsSamePartition(const arrow::RecordBatch& batch, size_t levels, int64_t row) {
  for (size_t level = 0; level < levels; ++level) {
    if (TextAt(batch, level, row) != TextAt(batch, level, row - 1)) return false;
  }
  return true;
}

}  // namespace

void Merge(const PartitionChecksums& other, PartitionChecksums* into) {
  for (const auto& [values, checksum] : other) (*into)[values].Merge(checksum);
}

Checksum& PartitionHasher::Find(const arrow::RecordBatch& batch, int64_t row) {
  std::vector<std::string> values;
  for (size_t level = 0; level < levels_; ++level) {
    values.emplace_back(TextAt(batch, level, row));
  }
  return checksums_[std::move(values)];
}

Status PartitionHasher::Update(const arrow::RecordBatch& batch) {
  if (static_cast<size_t>(batch.num_columns()) < levels_) {
    return NoPartition("the result has only " + std::to_string(batch.num_columns()) + " columns");
  }
  for (size_t level = 0; level < levels_; ++level) {
    const arrow::Array& column = *batch.column(static_cast<int>(level));
    if (column.type_id() != arrow::Type::STRING) {
      return NoPartition("a partition's value comes as " + column.type()->ToString());
    }
    if (column.null_count() > 0) return NoPartition("a partition's value comes as NULL");
  }
  runs_.clear();
  for (int64_t row = 0; row < batch.num_rows(); ++row) {
    if (row == 0 || !IsSamePartition(batch, levels_, row)) {
      runs_.push_back({row, 0, &Find(batch, row)});
    }
    ++runs_.back().count;
  }
  arrow::FieldVector fields(batch.schema()->fields().begin() + static_cast<ptrdiff_t>(levels_),
                            batch.schema()->fields().end());
  const std::vector<std::shared_ptr<arrow::Array>> all = batch.columns();
  arrow::ArrayVector columns(all.begin() + static_cast<ptrdiff_t>(levels_), all.end());
  return hasher_.Update(*arrow::RecordBatch::Make(arrow::schema(std::move(fields)),
                                                  batch.num_rows(), std::move(columns)),
                        runs_);
}

}  // namespace mms::migration
