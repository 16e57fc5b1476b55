// One planned table as `mms plan` shows it: what would be made, changed and copied, each column's
// verdict, the values at risk, and the statements. Read from the ledger that the plan is in.
#pragma once

#include <optional>
#include <string>

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
  std::string selection = "";  ///< of the job whose plan it is: one of another is not shown
  bool copies = true;          ///< its rows too: else the table alone is made
  Json more = Json::object();  ///< beside the table's own fields
  std::string more_text = "";  ///< below its own lines
};

struct PrintedTable {
  TableReport report;
  bool makes = false;                                  ///< the target table is to be made
  bool changes = false;                                ///< or to get columns
  std::optional<migration::FooterReads> footers = {};  ///< that were read of it
};

/// Prints it, as text or as an object `plan`. Errors: those of the ledger.
Result<PrintedTable> PrintPlannedTable(const PlanPrinting& context,
                                       const migration::TableRecord& record);
/// Sums of what footers took, and how they are printed.
void AddFooters(const std::optional<migration::FooterReads>& of_table,
                std::optional<migration::FooterReads>* total);
Json FooterFields(const migration::FooterReads& reads);
std::string FooterText(const migration::FooterReads& reads);
/// One that was not planned at all, and why.
PrintedTable PrintUnplannedTable(const PlanPrinting& context, const std::string& name,
                                 const Error& error);

}  // namespace mms::terminal
