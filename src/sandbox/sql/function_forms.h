// The functions a query may call: MaxCompute's name and how DuckDB says the same. No other function
// passes, so no text of a client reaches DuckDB's file and settings functions. A function is here
// only if its meaning is MaxCompute's ("Built-in functions" in the MaxCompute reference). Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace mms::sandbox::sql {

enum class FunctionRole {
  kScalar,
  kAggregate,  ///< may take DISTINCT and OVER
  kWindow,     ///< needs OVER
};

/// `text` is DuckDB's name, or a template: $1..$9 are arguments, $* all of them.
struct FunctionForm {
  std::string_view text;
  size_t arguments_min;
  size_t arguments_max;
  FunctionRole role = FunctionRole::kScalar;

  bool is_template() const { return text.find_first_of("($ ") != std::string_view::npos; }
};

/// `name` in upper case; the form that takes that many arguments, or else any form of the name;
/// nullptr = unknown.
const FunctionForm* FindFunction(std::string_view name, size_t arguments);

/// A template with its arguments filled in.
std::string FillForm(std::string_view text, const std::vector<std::string>& arguments);

/// 'yyyy-mm-dd hh:mi:ss' of TO_CHAR and TO_DATE, or with `java` 'yyyy-MM-dd HH:mm:ss' of
/// DATE_FORMAT, as strftime's format.
std::string ToTimeFormat(std::string_view format, bool java);

/// DuckDB's name of a date part: 'dd', 'day', 'mi'...; "" = unknown.
std::string_view FindDatePart(std::string_view part);

/// Macros and other statements that a new database needs before its first query.
const std::vector<std::string>& SetupStatements();

}  // namespace mms::sandbox::sql
