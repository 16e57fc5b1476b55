// MMS's own comparison: SELECT COUNT(*) on both sides. This is the source's side: the rows of each
// target partition as Databricks counts them, at the version that was copied, so that a source that
// is written to meanwhile compares all the same.
//
// Threads: blocks its thread for as long as the statement takes, a start of the cluster included.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "base/result.h"
#include "migration/workflow/engine.h"

namespace mms::migration {

/// By ToTunnelText of the target partition; "" of a table without partitions. What is not in it has
/// no rows.
using SourceCounts = std::map<std::string, int64_t>;

/// One statement. A table that has no versions is counted as it is now. Errors: kInvalidInput
/// VERIFY_BY_SQL for a table that is no catalog's; those of Source::Inspect by SQL.
Result<SourceCounts> CountAtSource(Engine& engine, const TablePlan& plan);

}  // namespace mms::migration
