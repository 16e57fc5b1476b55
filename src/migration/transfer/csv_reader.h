// The rows of one slice of a CSV or JSON file. A line belongs to the slice in which its first byte
// lies; a file that cannot be entered in its middle (compressed, or with values over many lines)
// belongs whole to the slice that has its first byte. One thread; memory is bounded by two chunks,
// the longest record and one batch.
//
// A record that is malformed, or a value that is none of its column's type, is an error with the
// file and the byte: Spark's modes make NULLs of such without a word, or leave the row out.
#pragma once

#include <memory>

#include "base/result.h"
#include "migration/transfer/row_reader.h"
#include "migration/transfer/slice_reader.h"

namespace mms::migration {

/// Errors: kCorrupt FILE_ROW_INVALID, FILE_VALUE_INVALID; TextInput::Open's; a plan's options are
/// those that ReadFileTable checked.
Result<std::unique_ptr<RowReader>> OpenCsvReader(const ReadContext& context,
                                                 const FileSlice& slice);

}  // namespace mms::migration
