// Reads arrays, maps and structs that a SQL server wrote as text, into the Arrow type they are
// known to have. Pure.
//
// Two forms:
//   kHive  what a result column of type ARRAY, MAP or STRUCT holds: {"a":1,"b":[2020-01-01,null]}.
//          Strings stand in it between quotes but unescaped (Spark's HiveResult), so that ["a","b"]
//          is one string or two: a type that holds strings or binary cannot be read from this form.
//   kJson  what to_json(column, map(...)) gives: strings escaped, dates and timestamps quoted,
//          binary in Base64, NaN and infinities quoted. NestedAsJson writes the expression.
#pragma once

#include <arrow/type_fwd.h>

#include <string>
#include <string_view>

#include "base/result.h"

namespace mms::databricks {

enum class NestedForm { kHive, kJson };

/// Whether every value of `type` comes back from its text as it was. Errors: kUnsupported
/// SQL_NESTED_TEXT (names what cannot, and that to_json can), SQL_TYPE_UNSUPPORTED.
Status CheckNestedText(const arrow::DataType& type, NestedForm form);

/// Appends the value that `text` writes. Errors: kCorrupt SQL_VALUE.
Status AppendNestedText(std::string_view text, NestedForm form, const arrow::DataType& type,
                        arrow::ArrayBuilder& builder);

/// The SQL expression that gives a nested column as text from which nothing is lost; `column` is an
/// expression of SQL already (an identifier is quoted).
std::string NestedAsJson(std::string_view column);

}  // namespace mms::databricks
