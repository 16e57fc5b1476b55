// The rows of one slice of a CSV file (text_rows.h). Values have positions and no names: a header
// is left out unread, as Spark does.
#pragma once

#include <memory>

#include "base/result.h"
#include "migration/transfer/row_reader.h"
#include "migration/transfer/slice_reader.h"

namespace mms::migration {

/// Errors: TextRows::Open's. The plan's options are those that ReadFileTable checked.
Result<std::unique_ptr<RowReader>> OpenCsvReader(const ReadContext& context,
                                                 const FileSlice& slice);

}  // namespace mms::migration
