// Cuts the files of a unit into splits of nearly equal bytes, one Tunnel block
// each. The same files always give the same splits, whatever their order in the
// list. Pure.
#pragma once

#include <arrow/type_fwd.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "clients/delta/table.h"
#include "migration/plan/plan.h"

namespace mms::migration {

/// A unit of B bytes gets n = clamp(ceil(B / split_bytes), 1, blocks_max)
/// splits, block ids 0 to n-1. A file is cut only when it is larger than 1.5
/// times ceil(B / n), and then into equal slices of about that size; no two
/// splits differ by more than the largest slice. Every byte of every file is in
/// exactly one slice. No files, no splits.
std::vector<Split> MakeSplits(const std::vector<const delta::File*>& files,
                              const PlanOptions& options);

/// What a row takes about, when nobody tells: for progress, and for how much is in hand at once.
int64_t EstimateRowBytes(const arrow::Schema& schema);

/// Hex of XXH3-128 over the sorted (path, deletion vector) of the files, and
/// size and ETag where there is one; statistics do not matter.
std::string Fingerprint(const std::vector<const delta::File*>& files);

}  // namespace mms::migration
