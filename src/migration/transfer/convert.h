// Turns a table's values into the Arrow form that the target takes: microseconds to nanoseconds, a
// decimal beyond MaxCompute's scale to text, and nested types around them; all else passes without
// a copy. Nothing is cut or rounded: a value that does not fit is an error naming the column and
// the value.
#pragma once

#include <arrow/type_fwd.h>

#include <memory>
#include <string>

#include "base/result.h"

namespace mms::migration {

/// Longest STRING or BINARY value MaxCompute takes (MaxFieldSize of Tunnel sessions).
inline constexpr int64_t kCellMaxBytes = 8LL << 20;

/// `array` (of the table's type) as `target` (of maxcompute::ToArrow). `column` is for errors.
/// Errors: kInvalidInput VALUE_TIMESTAMP_RANGE, VALUE_TOO_LONG, VALUE_UTF8; kUnsupported
/// CONVERSION.
Result<std::shared_ptr<arrow::Array>> ConvertArray(const std::shared_ptr<arrow::Array>& array,
                                                   const std::shared_ptr<arrow::DataType>& target,
                                                   const std::string& column);

/// True when values change their type class on the way (decimal to text), so that only the
/// converted values can be compared with the target's.
bool ChangesClass(const arrow::DataType& source, const arrow::DataType& target);

}  // namespace mms::migration
