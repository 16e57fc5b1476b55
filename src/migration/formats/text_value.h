// Texts of a file as values of a column's type, as Spark reads them from CSV (and the texts within
// JSON): the whole text is one value, or it is none. Pure.
//
// Source: Spark 4.0, UnivocityParser.makeConverter; java.lang parsing of numbers.
#pragma once

#include <arrow/type_fwd.h>

#include <string_view>

#include "base/result.h"
#include "migration/formats/options.h"

namespace mms::migration {

/// Appends the value of `text` to `builder`, whose type is one that CheckTextType takes. False = it
/// is no value of that type; nothing was appended.
bool AppendText(std::string_view text, const TextFormats& formats, arrow::ArrayBuilder* builder);

/// Errors: kUnsupported TYPE_UNSUPPORTED for a column whose values no text gives.
Status CheckTextType(const arrow::Field& field);

}  // namespace mms::migration
