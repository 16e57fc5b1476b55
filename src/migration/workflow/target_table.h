// Makes the target fit to take a table: CREATE SCHEMA and TABLE when absent, ADD COLUMNS where the
// plan has some, then kind and schema are read back and compared with the plan; partitions before
// their first session; the staging table of a PK table. Changes nothing of a table that the plan
// does not name.
//
// Threads: blocks its thread. All statements say IF [NOT] EXISTS, so they may run twice.
#pragma once

#include <vector>

#include "base/result.h"
#include "migration/workflow/engine.h"

namespace mms::migration {

/// A project without schemas takes no table into one. Errors: kUnsupported TARGET_NO_SCHEMAS.
Status CheckSchemaModel(const maxcompute::Options& target,
                        const maxcompute::Client::ProjectInfo& project);

/// Whether the destination's schema is there; nullopt where that cannot be told. What was seen once
/// is not asked again.
std::optional<bool> IsSchemaThere(Engine& engine);

/// Makes the schema too, where there is none. Notes in the table's plan when it had to make another
/// kind than asked for (the policy's standard_if_refused), or when someone else has made one that
/// can be loaded all the same. Errors: kConflict TARGET_KIND_DIFFERS; kConflict
/// TARGET_SCHEMA_DIFFERS with a line per column; kConflict TARGET_TABLE_GONE when the ledger says
/// that partitions are in it but it is not there; kUnsupported TABLE_KIND_REFUSED; kConflict
/// STAGING_TAKEN.
Status PrepareTable(TableContext& table, bool has_committed_units);

/// Adds the partitions, some thousand a statement.
Status AddPartitions(const TableContext& table,
                     const std::vector<maxcompute::PartitionSpec>& partitions);

/// Drops partitions, with their rows.
Status DropPartitions(const TableContext& table,
                      const std::vector<maxcompute::PartitionSpec>& partitions);

/// Drops the staging table, if there is one and it is ours.
Status DropStaging(const TableContext& table);

/// Runs a statement that may run twice, with its own settings beside the user's.
Status RunDdl(const TableContext& table, const Ddl& ddl);

}  // namespace mms::migration
