// The rows of a columnar result as an Arrow batch. Pure.
//
// Source: HiveServer2's TRowSet, as Spark fills it: a column is a list of values with a null
// bitmap, least significant bit first, which may be shorter than the rows (the rest is not null);
// FLOAT travels as double; DECIMAL, DATE, TIMESTAMP and nested values travel as text.
#pragma once

#include <arrow/type_fwd.h>

#include <cstdint>
#include <memory>

#include "base/result.h"
#include "clients/databricks/result_schema.h"

namespace mms::databricks {

namespace tcli {
class TColumn;
class TRowSet;
}  // namespace tcli

/// Rows of a row set's columns. Errors: kCorrupt SQL_ANSWER (columns of different lengths).
Result<int64_t> CountColumnarRows(const tcli::TRowSet& rows);

/// Errors name the column: kCorrupt SQL_ANSWER (another carrier than the type has), SQL_VALUE.
Result<std::shared_ptr<arrow::RecordBatch>> DecodeColumnarRows(const tcli::TRowSet& rows,
                                                               const ResultSchema& schema);

/// Turns an array of text into the column's type (forms kHiveText, kJsonText, kDecimalText).
Result<std::shared_ptr<arrow::Array>> DecodeTextArray(const arrow::Array& text,
                                                      const ResultColumn& column);

}  // namespace mms::databricks
