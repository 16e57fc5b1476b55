// CHAR(n) as Databricks shows it: Delta files hold the text as it was written, and Spark pads it
// with blanks to n characters when it reads (spark.sql.readSideCharPadding, on by default). Since
// the copy must equal what users see at the source, so do we. Pure.
#pragma once

#include <arrow/type_fwd.h>

#include <memory>
#include <optional>
#include <string_view>

#include "base/result.h"

namespace mms::migration {

/// n of "CHAR(n)", in either case; nullopt for any other type.
std::optional<int> CharLength(std::string_view source_type);

/// Each value of a string array with blanks at its end up to `length` characters (not bytes).
/// Longer ones stay.
Result<std::shared_ptr<arrow::Array>> PadChars(const std::shared_ptr<arrow::Array>& array,
                                               int length);

}  // namespace mms::migration
