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

struct SourceSide {
  SourceCounts rows;
  /// Why they cannot be counted, however often that is tried, and what to do: a table that is no
  /// catalog's, or that is gone; a version that is no longer there. "" = they were.
  std::string unknown;
};

/// One statement. A table that has no versions is counted as it is now. Errors: those of
/// Source::Find and of Source::Inspect by SQL that may pass, or that a right or a setting mends.
Result<SourceSide> CountAtSource(Engine& engine, const TablePlan& plan);

}  // namespace mms::migration
