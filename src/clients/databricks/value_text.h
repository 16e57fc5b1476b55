// Reads the text in which a SQL server writes a value that its wire form has no type for: dates,
// timestamps, decimals, and every scalar inside a nested value. Pure.
//
// Source: Spark's Thrift server writes dates as yyyy-MM-dd and timestamps as yyyy-MM-dd
// HH:mm:ss[.f...], years past 9999 with a sign; JSON (to_json) has T between the two and a zone
// behind them.
#pragma once

#include <arrow/type_fwd.h>

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/result.h"

namespace mms::databricks {

/// Days since 1970-01-01; empty when the text is no date.
std::optional<int32_t> ParseDate(std::string_view text);

/// Microseconds since 1970-01-01 00:00 of the text's zone, or of UTC when it names none; empty when
/// the text is no timestamp or finer than a microsecond.
std::optional<int64_t> ParseTimestamp(std::string_view text);

/// Appends the value that `text` writes to `builder`, which is one of `type`, a scalar. Errors:
/// kCorrupt SQL_VALUE (the text is no value of the type; it is shown), kUnsupported
/// SQL_TYPE_UNSUPPORTED.
Status AppendText(std::string_view text, const arrow::DataType& type, arrow::ArrayBuilder& builder);

/// kCorrupt SQL_VALUE: what was found where a value of `type` is due.
Error BadValue(std::string_view text, const arrow::DataType& type);

}  // namespace mms::databricks
