// The kind of target table that the user asks for, checked against the plan's columns, and against
// what is at the target, as far as the service tells its kind. Pure.
//
// A PK Delta table is filled through a staging table of the same columns, because a batch upload
// into it is no documented way: keys are checked there, then INSERT OVERWRITE moves a partition.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "migration/plan/plan.h"

namespace mms::migration {

/// The staging table of a PK Delta table; "" for other kinds, which are loaded directly.
std::string StagingTable(const TablePlan& plan);

/// The plan of that table: standard, without keys and comments, dropped by the service if the run
/// never comes to drop it.
TablePlan StagingPlan(const TablePlan& plan);

/// What of a table that is there keeps it from being loaded as planned: a view, a key that it has
/// and should not or the other way round, a clustering that it lacks. The plan's settings have
/// target names. The value: differences that change nothing for the load, a sentence each. Errors:
/// kConflict TARGET_KIND_DIFFERS.
Result<std::vector<std::string>> CompareKind(const maxcompute::TableInfo& found,
                                             const TablePlan& plan);

/// Puts target names into plan->settings, makes key columns NOT NULL, and warns of what CompareKind
/// lets pass. Errors: kInvalidInput TABLE_SETTINGS naming the setting; kUnsupported NAME_INVALID
/// when the staging table's name is too long; those of CompareKind.
Status SettleKind(const std::optional<maxcompute::TableInfo>& at_target, TablePlan* plan);

}  // namespace mms::migration
