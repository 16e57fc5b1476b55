// Whether a target table still has the columns that rows were copied into, so that what it gives
// back can be compared with them by position. Pure.
#pragma once

#include <cstddef>
#include <optional>

#include "base/error.h"
#include "clients/maxcompute/types.h"

namespace mms::migration {

/// nullopt = as copied, but for names and for columns behind them. Else kConflict
/// TARGET_COLUMN_GONE, by which the copy is no longer whole, or kUnsupported TARGET_COLUMN_OTHER:
/// another type or order, whose values have other checksums. `copied`: how many of `planned` rows
/// were copied with.
std::optional<Error> FindOtherColumns(const maxcompute::TableSchema& planned, size_t copied,
                                      const maxcompute::TableSchema& found);

}  // namespace mms::migration
