// Compares what was copied with the target once more, whatever was found before: at any time,
// nothing is copied. Each unit's new verdict replaces the one it had.
//
// Threads: blocks its thread; units are read back in the engine's pools. A crash or stop leaves
// each unit with its old verdict or its new one.
#pragma once

#include <functional>

#include "base/result.h"
#include "migration/ledger/ledger.h"
#include "migration/workflow/engine.h"

namespace mms::migration {

struct ComparisonWishes {
  UnitScope scope;
  VerifyLevel level = VerifyLevel::kChecksum;  ///< kNone is as kChecksum
  /// False: the table's plan is of a later job, whose version is none to count the source at.
  bool of_plan = true;
};

/// Errors: kCancelled; what kept units from being compared; those of the ledger.
Status CompareAgain(const TableContext& table, const ComparisonWishes& wishes);

}  // namespace mms::migration
