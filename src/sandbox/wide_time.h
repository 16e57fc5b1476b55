// TIMESTAMP and TIMESTAMP_NTZ outside the years 1677 to 2262: record blocks carry seconds and
// nanoseconds apart and so reach from 0001 to 9999, 64-bit nanoseconds do not. Here a column's
// values settle on one form for a batch. Pure functions, any thread. Errors: kInvalidInput
// InvalidArgument (no one form holds all values).
#pragma once

#include <arrow/array.h>

#include <memory>

#include "base/result.h"
#include "sandbox/table.h"

namespace mms::sandbox {

inline constexpr int64_t kTimestampSecondsMin = -62'135'596'800;  // 0001-01-01 00:00:00
inline constexpr int64_t kTimestampSecondsMax = 253'402'300'799;  // 9999-12-31 23:59:59

/// An array of TimestampForm::kDecimal as kNano if every value fits, else as kMicro. `array` comes
/// from a builder: no offset.
Result<std::shared_ptr<arrow::Array>> SettleTimestamps(const Column& column,
                                                       const arrow::Array& array);

/// Whether the type holds timestamps in microseconds, also inside.
bool HasMicros(const arrow::DataType& type);

/// Timestamps as struct<sec: int64, nano: int32>, which reaches every year.
Result<std::shared_ptr<arrow::Array>> SplitTimestamps(const arrow::Array& array);

/// The array in the column's other form (`form` is not kDecimal); exact or refused by name.
Result<std::shared_ptr<arrow::Array>> CastTimestamps(const Column& column,
                                                     const std::shared_ptr<arrow::Array>& array,
                                                     TimestampForm form);

}  // namespace mms::sandbox
