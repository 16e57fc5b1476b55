// A plan's columns against a target table that is there already: matched by name, written in the
// target's order. What the policy does not allow is an error that names every column that differs.
// Pure.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "migration/plan/plan.h"

namespace mms::migration {

/// Orders plan->columns as the target's; fills add_columns and left_out; adds columns that the
/// source lacks as Origin::kNull. `required` has a source name for each column that holds no NULL
/// at the source. Errors: kConflict TARGET_SCHEMA_DIFFERS.
Status FollowTarget(const maxcompute::TableInfo& target, const Policy& policy,
                    const std::vector<std::string>& required, TablePlan* plan);

/// Without regard to the case of a STRUCT's field names, as MaxCompute compares them.
bool SameType(const maxcompute::Type& left, const maxcompute::Type& right);

}  // namespace mms::migration
