// Charts of the HTML report as inline SVG: no script, no resource from elsewhere, every figure in
// its text too. Colours are the page's (report_style.h). Pure.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "terminal/report_words.h"
#include "terminal/table_report.h"

namespace mms::terminal {

struct OutcomeCount {
  Outcome outcome;
  int64_t tables = 0;
};
/// One bar divided by verdict, with a legend that counts. Verdicts without tables are left out.
std::string OutcomeChart(const std::vector<OutcomeCount>& counts, const ReportWords& words);

struct ChartBar {
  std::string label;
  int64_t value = 0;  ///< decides the length
  std::string text;   ///< for people
  Outcome outcome;    ///< decides the colour
};
/// A bar a line, as long as its share of the longest. `title` is read out in its place.
std::string BarChart(const std::vector<ChartBar>& bars, const std::string& title);

}  // namespace mms::terminal
