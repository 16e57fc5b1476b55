// A parsed MaxCompute query in DuckDB's words: functions under their MaxCompute names and
// semantics, names quoted, columns without a name called _c0, _c1, ... Only functions of the list
// here pass, so no text of a client reaches DuckDB's file and settings functions. Pure functions,
// any thread. Errors: kInvalidInput ODPS-0130071.
#pragma once

#include <functional>
#include <string>

#include "sandbox/sql/ast.h"

namespace mms::sandbox::sql {

/// Gives each table of the query the name of the relation that stands for it.
using SourceNamer = std::function<Result<std::string>(const Source&, const Query&)>;

Result<std::string> ToDuckDb(const Query& query, const SourceNamer& name_source);
Result<std::string> ToDuckDb(const Expr& expr);

/// DuckDB's name of a column type.
std::string DuckDbType(const ColumnType& type);
/// 'text' with quotes doubled.
std::string DuckDbString(std::string_view text);
/// "name" with quotes doubled.
std::string DuckDbName(std::string_view name);

}  // namespace mms::sandbox::sql
