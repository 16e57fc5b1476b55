// Partitions of a target table that are none of what was copied into it: made there by another
// hand, or copied once and no longer at the source. Looked for where a whole table has been
// compared, and told as ExtraInTarget; none is ever changed here.
//
// A partition counts also without rows: it stands in every list of the table. Rows are not counted.
// Threads: a call blocks its thread; none may plan the table meanwhile. Memory: a page of names,
// and the names that are extra already.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/result.h"
#include "migration/workflow/engine.h"

namespace mms::migration {

/// UnitRecord::fingerprint of a partition that was made at the target.
inline constexpr const char* kFingerprintMade = "made at the target";

/// As TablePlan::not_loaded has a partition's name.
uint64_t NameHash(std::string_view partition);

/// Lists the target's partitions, where the plan means the whole table. Those that are unknown
/// become units of `task`; extra ones that are gone there are forgotten. Errors: those of the list
/// and of the ledger.
Status FindExtraPartitions(const TableContext& table, int64_t task);

}  // namespace mms::migration
