// How the rows of a query become rows of a table: which column goes where, and the SELECT that
// casts them as MaxCompute does on INSERT. Pure functions, any thread. Errors: kInvalidInput
// ODPS-0130071.
#pragma once

#include <string>
#include <vector>

#include "sandbox/sql/ast.h"
#include "sandbox/sql/engine.h"

namespace mms::sandbox::sql {

/// Where the columns of an INSERT's query go.
struct Targets {
  PartitionPairs fixed;                ///< partition columns with a value
  std::vector<const Column*> outputs;  ///< the target of each column of the query, by position
};

/// `table` must outlive the targets.
Result<Targets> MakeTargets(const Table& table, const Insert& insert);

/// A query whose rows are to be shaped: as parsed, in DuckDB's words, and its columns.
struct RowSource {
  const Query& query;
  std::string text;
  std::vector<ResultColumn> columns;
};

/// SELECT of the data columns in table order, then the dynamic partition columns as text, rows of
/// one partition together.
Result<std::string> ShapeRows(const Table& table, const Targets& targets, RowSource source);

/// The value of an expression of type `from` for a column, cast as MaxCompute does.
Result<std::string> AssignText(const std::string& value, const ResultColumn& from,
                               const Column& to);

/// The value as it leaves the engine for a column of that type.
std::string CastTo(const ColumnType& type, const std::string& value);

}  // namespace mms::sandbox::sql
