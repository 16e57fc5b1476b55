// UPDATE, DELETE and MERGE INTO as queries: which rows of the table are found and what becomes of
// them, how the rows of a partition read afterwards, which rows come new. Pure functions, any
// thread. Errors: kInvalidInput ODPS-0130071.
#pragma once

#include <string>
#include <vector>

#include "sandbox/sql/ast.h"
#include "sandbox/sql/engine.h"

namespace mms::sandbox::sql {

/// What MaxCompute refuses: tables that are not transactional, partition and key columns in SET,
/// actions that can never be reached.
Status CheckChange(const Table& table, const ChangeRows& change);

/// For each row that is found: its place, the number of its action (NULL = none fits), and the
/// value of every assignment of every action, in order.
Query FoundQuery(const ChangeRows& change);
/// The names of FoundQuery's columns.
inline constexpr char kFoundFile[] = "mms_file";
inline constexpr char kFoundPlace[] = "file_row_number";
inline constexpr char kFoundAction[] = "mms_action";

/// The rows of `relation` (Sources::Rows) after the change; `found` names the temporary table of
/// FoundQuery's rows and `columns` its columns.
Result<std::string> RewriteText(const Table& table, const ChangeRows& change,
                                const std::string& relation,
                                const std::vector<ResultColumn>& columns);

/// WHEN NOT MATCHED as an INSERT.
Insert NewRows(const Table& table, const ChangeRows& change);

/// The temporary table of the found rows.
inline constexpr char kFoundTable[] = "mms_found";

/// Every other table and expression of the statement, as one query, for who asks what it reads.
Query ReadBy(const ChangeRows& change);

}  // namespace mms::sandbox::sql
