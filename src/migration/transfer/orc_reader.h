// The rows of one slice of an ORC file: the stripes whose middle byte lies in the slice. One
// thread; memory is bounded by the stored bytes of a stripe and one batch.
//
// Source of the facts: what Spark 4.0 reads of ORC (OrcDeserializer, OrcUtils): columns match by
// name in any case; days of a file that does not say otherwise are in the old hybrid calendar; a
// TIMESTAMP_NTZ is a number with its type noted beside it; instants lose what is finer than a
// microsecond. An instant that nanoseconds cannot tell (outside the years 1677 to 2262) is an error
// of Arrow's reader.
#pragma once

#include <memory>

#include "base/result.h"
#include "migration/transfer/row_reader.h"
#include "migration/transfer/slice_reader.h"

namespace mms::migration {

/// Errors, here and from Next: azure::FromArrow's that name the file, kCorrupt FILE_INVALID,
/// kUnsupported FILE_UNSUPPORTED, FitArray's and FindField's.
Result<std::unique_ptr<RowReader>> OpenOrcReader(const ReadContext& context,
                                                 const FileSlice& slice);

}  // namespace mms::migration
