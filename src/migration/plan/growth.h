// Growth of a table without partitions: rows that were only added since it was copied need not be
// copied with those that are there. Provable from the files alone: each file that was copied is
// still live, with the same deletion vector, and the columns are what they were. Pure.
//
// Where it cannot be proven (an update, a delete, OPTIMIZE, another column) all is copied again,
// and so is a clustered table, whose buckets one load makes as a whole.
#pragma once

#include "base/result.h"
#include "migration/plan/plan.h"

namespace mms::migration {

/// What the target holds: of a unit that was compared and matches.
struct CopiedUnit {
  UnitPlan plan;  ///< that it was copied by
  int64_t rows = 0;
  std::string checksum;  ///< as in the ledger
  std::string changes;
};

/// Makes the only unit of `plan` one that appends what is new to what `before` copied, if that is
/// all that happened; returns whether it did. The plan then has a warning that says so.
bool AppendGrowth(const TablePlan& before, const CopiedUnit& copied, TablePlan* plan);

}  // namespace mms::migration
