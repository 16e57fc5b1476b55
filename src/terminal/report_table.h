// The report as text and as JSON objects. Pure; no I/O.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <vector>

#include "migration/workflow/workflow.h"
#include "terminal/output.h"
#include "terminal/table_report.h"

namespace mms::terminal {

/// Sums over tables.
struct ReportTotals {
  std::array<int64_t, kOutcomes.size()> outcomes = {};  ///< tables, in the order of kOutcomes
  int64_t units = 0;
  int64_t files = 0;
  int64_t bytes = 0;
  int64_t rows_copied = 0;
  // Unknown as soon as one table that was planned does not know its own.
  std::optional<int64_t> rows_source = 0;
  std::optional<int64_t> rows_target = 0;
};
ReportTotals SumOf(const std::vector<TableReport>& tables);

/// Tables aligned in columns, a line of totals, then the reason of everything that is not Match. On
/// a narrow screen the three row counts share one column.
std::string RenderReport(const std::vector<TableReport>& tables, const Screen& screen);

/// What is wrong with each table that is not Match, and what to do; "" when nothing is.
std::string RenderReasons(const std::vector<TableReport>& tables);

/// Full numbers of one table; unknown is null.
Json TableFields(const TableReport& table);
/// Numbers of tables by verdict, and sums.
Json TotalFields(const std::vector<TableReport>& tables);

/// `codec` and `pacing`.
Json RunFields(const migration::RunFacts& facts);
/// The same for people: what blocks were compressed with, and which limits made the run wait; ""
/// when there is nothing to tell.
std::string RenderRun(const migration::RunFacts& facts);

/// How the reports add up, for the exit code.
migration::RunSummary SummaryOf(const std::vector<TableReport>& tables);
/// Kinds of the errors of failed tables.
std::vector<ErrorKind> FailuresOf(const std::vector<TableReport>& tables);

/// "8 Match, 1 Refused" in order of gravity.
std::string OutcomeCounts(const std::vector<TableReport>& tables);

}  // namespace mms::terminal
