// What a SQL server says went wrong with a statement, as one of our errors. Pure.
//
// Source: Spark's errors begin with Java class names and hold "[ERROR_CLASS]" before the text for
// people; databricks-sql-connector prefers displayMessage. SQLSTATE classes are the SQL standard's
// and Spark's error conditions.
#pragma once

#include <string>

#include "base/result.h"

namespace mms::databricks {

/// The parts of a TStatus or of an operation's status.
struct SqlFailure {
  std::string sql_state;
  std::string message;
  std::string display_message;
  std::string statement;  ///< "" when the failure is no statement's
};

/// "UNRESOLVED_COLUMN.WITH_SUGGESTION" of a message that holds it in brackets, or "".
std::string ErrorClassOf(const std::string& message);

/// kNotFound SQL_NOT_FOUND, kDenied SQL_DENIED, kUnsupported SQL_UNSUPPORTED, kInvalidInput
/// SQL_STATEMENT (the statement or its data), kUnavailable SQL_FAILED (the rest).
Error FromSqlFailure(const SqlFailure& failure);

/// The server knows the session or the operation no more.
bool SaysUnknownHandle(const std::string& message);

/// The start of a statement, for people.
std::string ShownStatement(const std::string& statement);

}  // namespace mms::databricks
