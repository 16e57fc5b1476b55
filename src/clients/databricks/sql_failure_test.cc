#include "clients/databricks/sql_failure.h"

#include <gtest/gtest.h>

namespace mms::databricks {
namespace {

// As Spark 4.0's server words them.
constexpr char kUnresolved[] =
    "org.apache.hive.service.cli.HiveSQLException: Error running query: [UNRESOLVED_COLUMN."
    "WITH_SUGGESTION] org.apache.spark.sql.AnalysisException: [UNRESOLVED_COLUMN.WITH_SUGGESTION] "
    "A "
    "column with name `b` cannot be resolved. Did you mean [`a`]? SQLSTATE: 42703; line 1 pos 7;\n"
    "'Project ['b]\n+- Range (0, 1)\n\n\tat org.apache.spark.Foo.bar(Foo.scala:1)";

TEST(SqlFailure, KeepsTheClassAndWhatIsForPeople) {
  EXPECT_EQ(ErrorClassOf(kUnresolved), "UNRESOLVED_COLUMN.WITH_SUGGESTION");
  const Error error = FromSqlFailure({"42703", kUnresolved, "", "SELECT b"});
  EXPECT_EQ(error.code(), "SQL_STATEMENT");
  EXPECT_EQ(error.where(), "statement SELECT b");
  EXPECT_EQ(
      error.message(),
      "the SQL server says: A column with name `b` cannot be resolved. Did you mean [`a`]? "
      "SQLSTATE: 42703; line 1 pos 7; (42703 UNRESOLVED_COLUMN.WITH_SUGGESTION); see what the "
      "server says");
}

TEST(SqlFailure, PrefersTheTextMadeForDisplay) {
  const Error error = FromSqlFailure({"", "java.lang.X: [A_CLASS] long", "short", ""});
  EXPECT_NE(error.message().find("says: short (A_CLASS);"), std::string::npos) << error.message();
}

TEST(SqlFailure, IsSortedByStateAndClass) {
  const struct {
    const char* state;
    const char* message;
    ErrorKind kind;
    const char* code;
  } kCases[] = {
      {"42501", "x", ErrorKind::kDenied, "SQL_DENIED"},
      {"", "[INSUFFICIENT_PERMISSIONS] no SELECT", ErrorKind::kDenied, "SQL_DENIED"},
      {"42P01", "x", ErrorKind::kNotFound, "SQL_NOT_FOUND"},
      {"22003", "[DELTA_VERSION_NOT_FOUND] x", ErrorKind::kNotFound, "SQL_VERSION_GONE"},
      {"", "VersionNotFoundException: Cannot time travel Delta table to version 0. Available",
       ErrorKind::kNotFound, "SQL_VERSION_GONE"},
      {"", "[TABLE_OR_VIEW_NOT_FOUND] x", ErrorKind::kNotFound, "SQL_NOT_FOUND"},
      {"0A000", "x", ErrorKind::kUnsupported, "SQL_UNSUPPORTED"},
      {"42601", "[PARSE_SYNTAX_ERROR] x", ErrorKind::kInvalidInput, "SQL_STATEMENT"},
      {"22012", "[DIVIDE_BY_ZERO] x", ErrorKind::kInvalidInput, "SQL_STATEMENT"},
      {"XXKST", "[INTERNAL_ERROR] x", ErrorKind::kUnavailable, "SQL_FAILED"},
      {"", "", ErrorKind::kUnavailable, "SQL_FAILED"},
  };
  for (const auto& one : kCases) {
    const Error error = FromSqlFailure({one.state, one.message, "", "SELECT 1"});
    EXPECT_EQ(error.kind(), one.kind) << one.state << one.message;
    EXPECT_EQ(error.code(), one.code) << one.state << one.message;
  }
}

TEST(SqlFailure, CutsLongTextAtWholeCharacters) {
  std::string text;
  while (text.size() < 2000) text += "é";
  const Error error = FromSqlFailure({"", text, "", std::string(500, 'x')});
  EXPECT_LT(error.ToString().size(), 900u);
  EXPECT_NE(error.message().find("é..."), std::string::npos);
}

TEST(SqlFailure, BracketsThatAreNoClassAreNone) {
  EXPECT_EQ(ErrorClassOf("SessionHandle [0f3a-11] [x] [a]"), "");
  EXPECT_EQ(ErrorClassOf("["), "");
  EXPECT_EQ(ErrorClassOf("[OPEN"), "");
}

TEST(SqlFailure, KnowsTheWordsForAForgottenHandle) {
  EXPECT_TRUE(SaysUnknownHandle("Invalid SessionHandle: SessionHandle [x]"));
  EXPECT_TRUE(SaysUnknownHandle("HiveSQLException:Invalid OperationHandle: OperationHandle []"));
  EXPECT_FALSE(SaysUnknownHandle("Invalid column"));
}

}  // namespace
}  // namespace mms::databricks
