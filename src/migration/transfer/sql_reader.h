// Reads the rows that one statement gives (plan.h, SqlPart), as a cluster or a warehouse sends
// them. One thread; memory is bounded by the channel's bytes on their way.
//
// A result that is lost in its middle is an error that may pass: the block is made anew from its
// first row.
#pragma once

#include <cstdint>
#include <memory>

#include "migration/transfer/row_reader.h"
#include "migration/transfer/slice_reader.h"

namespace mms::migration {

/// Runs the slice's statement. Errors: those of SqlAccess::Execute, naming the table.
Result<std::unique_ptr<RowReader>> OpenSqlReader(const ReadContext& context,
                                                 const FileSlice& slice);

}  // namespace mms::migration
