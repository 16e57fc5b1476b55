// Parser of the MaxCompute SQL that the sandbox runs: DDL, partitions, INSERT, SHOW, DESC, SET, and
// SELECT. Grammar: MaxCompute SQL reference; clause orders as PyODPS 0.13 and odps-sdk-core 0.52
// generate them, and freely. Pure functions, any thread. Errors: kInvalidInput ODPS-0130161 with
// line and column; kUnsupported ODPS-0130071 for statements MaxCompute has and the sandbox does
// not; kLimitReached ODPS-0130071 above 2 MB.
#pragma once

#include <string_view>
#include <vector>

#include "sandbox/sql/ast.h"
#include "sandbox/sql/token.h"

namespace mms::sandbox::sql {

/// All statements of a job's text, in order.
Result<std::vector<Statement>> ParseStatements(std::string_view text);

/// A type's text, any case: "decimal(10,2)", "STRUCT<`x y`:INT>".
Result<ColumnType> ParseType(std::string_view text);

}  // namespace mms::sandbox::sql
