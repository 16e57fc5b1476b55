// Shapes a column of a data file to what the table's schema says it is: nested fields by name or
// field id, NULLs where an older file lacks a field, casts where the table's type was widened since
// the file was written (Delta protocol, "Column Mapping", "Type Widening"). Pure.
#pragma once

#include <arrow/type_fwd.h>

#include <memory>
#include <string>

#include "base/result.h"

namespace mms::migration {

/// Index of the field in `fields` that `wanted` names: by PARQUET:field_id when by_id, else by
/// name; -1 = absent.
int FindField(const arrow::FieldVector& fields, const arrow::Field& wanted, bool by_id);

/// `array` as type of `wanted`. `where` names table and column for errors. Errors: kCorrupt
/// FILE_TYPE_DIFFERS when the file's type cannot become the table's without loss.
Result<std::shared_ptr<arrow::Array>> FitArray(const std::shared_ptr<arrow::Array>& array,
                                               const std::shared_ptr<arrow::Field>& file_field,
                                               const std::shared_ptr<arrow::Field>& wanted,
                                               bool by_id);

}  // namespace mms::migration
