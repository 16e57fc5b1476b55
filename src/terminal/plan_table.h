// One planned table as `mms plan` shows it: what would be made, changed and copied, each column's
// verdict, the values at risk, and the statements. Read from the ledger that the plan is in.
#pragma once

#include "clients/maxcompute/client.h"
#include "migration/ledger/ledger.h"
#include "migration/workflow/workflow.h"
#include "terminal/output.h"
#include "terminal/plan_estimate.h"
#include "terminal/table_report.h"

namespace mms::terminal {

struct PlanPrinting {
  PlanEstimate& estimate;  ///< gets what is to be copied
  migration::Workflow& workflow;
  migration::Ledger& ledger;
  const maxcompute::Options& target;
  bool with_ddl;
  Output& output;
};

/// Prints it, as text or as an object `plan`. Errors: those of the ledger.
Result<TableReport> PrintPlannedTable(const PlanPrinting& context,
                                      const migration::TableRecord& record);

}  // namespace mms::terminal
