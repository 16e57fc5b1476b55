// MaxCompute's types in DuckDB, so chosen that the type of a result tells the MaxCompute type:
// DATETIME is TIMESTAMP_MS, TIMESTAMP is TIMESTAMP WITH TIME ZONE (the sessions' zone is UTC),
// TIMESTAMP_NTZ is TIMESTAMP. The latter two count microseconds, which every year from 1 to 9999
// fits; finer digits are refused before a query (sources.h). Pure functions, any thread.
#pragma once

#include <optional>
#include <string>

#include "base/result.h"
#include "sandbox/column_type.h"

namespace mms::sandbox::sql {

/// DuckDB's name of a type inside a query.
std::string DuckDbType(const ColumnType& type);
/// The type a value is cast to before it leaves the engine: instants as such.
std::string ExportType(const ColumnType& type);
/// The MaxCompute type that shows a DuckDB type ("BIGINT", "STRUCT(x INTEGER)[]"): a SUM of
/// integers is HUGEINT there and BIGINT here. Nothing for the type of NULL.
Result<std::optional<ColumnType>> FromDuckDbType(const std::string& text);

/// True when a column of this type is read from Parquet as another type than DuckDbType.
bool IsReadAsOther(const ColumnType& type);

}  // namespace mms::sandbox::sql
