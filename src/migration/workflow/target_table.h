// Makes the target fit to take a table: CREATE TABLE when absent, column by column comparison when
// present, partitions before their first session. Never changes a table that is already there.
//
// Threads: blocks its thread. All statements say IF NOT EXISTS, so they may run twice.
#pragma once

#include <vector>

#include "base/result.h"
#include "migration/workflow/engine.h"

namespace mms::migration {

/// Errors: kConflict TARGET_SCHEMA_DIFFERS with a line per column; kConflict TARGET_TABLE_GONE when
/// the ledger says that partitions are in it but it is not there.
Status PrepareTable(const TableContext& table, bool has_committed_units);

/// Adds the partitions, some thousand a statement.
Status AddPartitions(const TableContext& table,
                     const std::vector<maxcompute::PartitionSpec>& partitions);

}  // namespace mms::migration
