// One table, from its plan in the ledger to `done`: target table, partitions, units side by side,
// comparison. Goes on from whatever state the ledger shows; running it again after any crash is how
// a run is resumed.
//
// Threads: Run blocks its thread; its units run in the engine's pools, bounded in number and bytes
// so that a table of any size needs the same memory.
#pragma once

#include "base/result.h"
#include "migration/inspect/snapshot.h"
#include "migration/workflow/engine.h"
#include "migration/workflow/planning.h"

namespace mms::migration {

/// Copies and compares what is not done. The outcome is in the ledger (done, failed with its error,
/// or still running when cancelled). Errors: kCancelled, and those of the ledger itself.
Status RunTable(Engine& engine, Planner& planner, const PlannedTable& table);

/// Compares every committed unit of the table again. Errors: as above, and what kept units from
/// being compared.
Status VerifyTable(Engine& engine, const TableRecord& record, Progress::Slot slot);

}  // namespace mms::migration
