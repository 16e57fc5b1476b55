// Shapes a column of a data file to what the table's schema says it is: nested fields by name or
// field id, NULLs where an older file lacks a field, casts where the table's type was widened since
// the file was written (Delta protocol, "Column Mapping", "Type Widening"). Pure.
#pragma once

#include <arrow/type_fwd.h>

#include <memory>
#include <string>

#include "base/result.h"

namespace mms::migration {

/// What tells that a field of a file is a field of the table.
enum class FieldMatch {
  kName,
  kId,       ///< PARQUET:field_id, where the table's field has one
  kAnyCase,  ///< as Spark matches a table without a log
  kOrc,      ///< the same in a file of ORC, whose types are read by rules of their own
};

/// Index of the field in `fields` that `wanted` names; -1 = absent. Errors: kCorrupt
/// FILE_COLUMN_AMBIGUOUS when kAnyCase or kOrc finds two.
Result<int> FindField(const arrow::FieldVector& fields, const arrow::Field& wanted,
                      FieldMatch match);

/// `array` as type of `wanted`. `where` names table and column for errors. Errors: kCorrupt
/// FILE_TYPE_DIFFERS when the file's type cannot become the table's without loss, and with kAnyCase
/// and kOrc also when Spark would not read it as such; FindField's. ORC's instants lose what is
/// finer than a microsecond, as they do in Spark.
Result<std::shared_ptr<arrow::Array>> FitArray(const std::shared_ptr<arrow::Array>& array,
                                               const std::shared_ptr<arrow::Field>& file_field,
                                               const std::shared_ptr<arrow::Field>& wanted,
                                               FieldMatch match);

}  // namespace mms::migration
