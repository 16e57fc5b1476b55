// The rows of a slice of a data file, by the format of its table.
#pragma once

#include <memory>

#include "base/result.h"
#include "migration/transfer/row_reader.h"
#include "migration/transfer/slice_reader.h"

namespace mms::migration {

/// Opens the file and starts fetching. Errors: those of the format's reader.
Result<std::unique_ptr<RowReader>> OpenFileReader(const ReadContext& context,
                                                  const FileSlice& slice);

}  // namespace mms::migration
