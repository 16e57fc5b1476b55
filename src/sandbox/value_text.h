// Values of query results as text: one CSV cell in the form that PyODPS 0.13 and odps-sdk-core 0.52
// parse (strings in double quotes with doubled quotes, NULL as \N), and JSON-like text for nested
// values. Instants are shown in UTC. Pure functions, any thread.
#pragma once

#include <arrow/array.h>

#include <string>

#include "sandbox/column_type.h"

namespace mms::sandbox {

/// One cell; `row` must be in range.
std::string CsvCell(const arrow::Array& array, int64_t row);
/// A string in CSV quotes.
std::string CsvQuoted(std::string_view text);

/// "2026-11-23" and "2026-11-23 14:00:00" for days and seconds since 1970, any year.
std::string DateText(int64_t days);
std::string SecondsText(int64_t seconds);

}  // namespace mms::sandbox
