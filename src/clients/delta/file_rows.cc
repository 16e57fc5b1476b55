#include "clients/delta/file_rows.h"

#include <arrow/array.h>
#include <arrow/record_batch.h>
#include <fmt/format.h>

#include "base/http_client.h"

namespace mms::delta {
namespace {

/// Points `out` to a column of its own type; `array` null = the column is missing.
template <class Array>
Status Bind(const arrow::Array* array, const char* name, const Array** out) {
  *out = dynamic_cast<const Array*>(array);
  if (*out != nullptr) return OkStatus();
  return Error(ErrorKind::kInternal, "DELTA_INTERNAL",
               fmt::format("the kernel's file list has column {} of type {}", name,
                           array == nullptr ? "none" : array->type()->ToString()));
}

Error Invalid(const std::string& path, const char* what) {
  return Error(ErrorKind::kCorrupt, "DELTA_LOG_INVALID",
               fmt::format("the Delta log's entry of file {}: {}", path, what));
}

}  // namespace

Result<FileRows> FileRows::Make(const arrow::RecordBatch& batch) {
  FileRows rows;
  const auto column = [&](const char* name) { return batch.GetColumnByName(name).get(); };
  TRY_VOID(Bind(column("path"), "path", &rows.path_));
  TRY_VOID(Bind(column("size"), "size", &rows.size_));
  TRY_VOID(Bind(column("modification_time"), "modification_time", &rows.modified_));
  TRY_VOID(Bind(column("num_records"), "num_records", &rows.rows_));
  TRY_VOID(Bind(column("stats"), "stats", &rows.statistics_));
  TRY_VOID(Bind(column("partition_values"), "partition_values", &rows.partitions_));
  TRY_VOID(Bind(rows.partitions_->keys().get(), "partition_values.key", &rows.partition_keys_));
  TRY_VOID(Bind(rows.partitions_->items().get(), "partition_values.value", &rows.partition_texts_));
  TRY_VOID(Bind(column("deletion_vector"), "deletion_vector", &rows.vector_));
  const auto field = [&](const char* name) { return rows.vector_->GetFieldByName(name).get(); };
  TRY_VOID(Bind(field("storageType"), "storageType", &rows.vector_storage_));
  TRY_VOID(Bind(field("pathOrInlineDv"), "pathOrInlineDv", &rows.vector_path_));
  TRY_VOID(Bind(field("offset"), "offset", &rows.vector_offset_));
  TRY_VOID(Bind(field("sizeInBytes"), "sizeInBytes", &rows.vector_size_));
  TRY_VOID(Bind(field("cardinality"), "cardinality", &rows.vector_rows_));
  return rows;
}

Result<File> FileRows::Read(int64_t row) const {
  File file;
  // Escapes nest: "%2520" in the log is "%20" in the name of the blob, so once and not more.
  file.path = UrlDecode(path_->GetView(row));
  if (size_->IsNull(row) || size_->Value(row) < 0) return Invalid(file.path, "it has no size");
  file.size_bytes = size_->Value(row);
  file.modified_ms = modified_->IsNull(row) ? 0 : modified_->Value(row);
  if (!rows_->IsNull(row)) file.rows = rows_->Value(row);
  if (!statistics_->IsNull(row)) file.statistics = statistics_->GetString(row);
  if (!partitions_->IsNull(row)) {
    const int64_t end = partitions_->value_offset(row) + partitions_->value_length(row);
    for (int64_t entry = partitions_->value_offset(row); entry < end; ++entry) {
      std::optional<std::string>& value = file.partition_values[partition_keys_->GetString(entry)];
      if (!partition_texts_->IsNull(entry) && !partition_texts_->GetView(entry).empty()) {
        value = partition_texts_->GetString(entry);
      }
    }
  }
  if (!vector_->IsNull(row) && !vector_storage_->IsNull(row)) {
    TRY(DeletionVector vector, ReadVector(row));
    file.deletion_vector = std::move(vector);
  }
  return file;
}

Result<DeletionVector> FileRows::ReadVector(int64_t row) const {
  if (vector_path_->IsNull(row) || vector_size_->IsNull(row) || vector_rows_->IsNull(row)) {
    return Invalid(path_->GetString(row), "its deletion vector lacks a field");
  }
  DeletionVector vector;
  vector.storage_type = vector_storage_->GetString(row);
  vector.path_or_inline = vector_path_->GetString(row);
  if (!vector_offset_->IsNull(row)) vector.offset = vector_offset_->Value(row);
  vector.size_bytes = vector_size_->Value(row);
  vector.cardinality = vector_rows_->Value(row);
  if (vector.size_bytes < 0 || vector.cardinality < 0) {
    return Invalid(path_->GetString(row), "its deletion vector has a negative size");
  }
  return vector;
}

}  // namespace mms::delta
