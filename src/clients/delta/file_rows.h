// Reads rows of the kernel's file list (columns as kernel/mms_delta.h promises them) into File
// values. The batch must outlive the FileRows. Immutable, so any thread may read.
#pragma once

#include <arrow/type_fwd.h>

#include <cstdint>

#include "base/result.h"
#include "clients/delta/table.h"

namespace mms::delta {

class FileRows {
 public:
  /// Errors: kInternal DELTA_INTERNAL when a column is missing or has another type.
  static Result<FileRows> Make(const arrow::RecordBatch& batch);

  /// Errors: kCorrupt DELTA_LOG_INVALID when a size or a deletion vector's field is missing or
  /// negative.
  Result<File> Read(int64_t row) const;

 private:
  Result<DeletionVector> ReadVector(int64_t row) const;

  const arrow::StringArray* path_ = nullptr;
  const arrow::Int64Array* size_ = nullptr;
  const arrow::Int64Array* modified_ = nullptr;
  const arrow::Int64Array* rows_ = nullptr;
  const arrow::StringArray* statistics_ = nullptr;
  const arrow::MapArray* partitions_ = nullptr;
  const arrow::StringArray* partition_keys_ = nullptr;
  const arrow::StringArray* partition_texts_ = nullptr;
  const arrow::StructArray* vector_ = nullptr;
  const arrow::StringArray* vector_storage_ = nullptr;
  const arrow::StringArray* vector_path_ = nullptr;
  const arrow::Int32Array* vector_offset_ = nullptr;
  const arrow::Int32Array* vector_size_ = nullptr;
  const arrow::Int64Array* vector_rows_ = nullptr;
};

}  // namespace mms::delta
