#include "terminal/report_chart.h"

#include <fmt/format.h>

#include <algorithm>

#include "terminal/html_text.h"
#include "terminal/text.h"

namespace mms::terminal {
namespace {

constexpr double kVerdictWidth = 1000;
constexpr double kWidth = 560;
constexpr double kLabelWidth = 210;
constexpr double kTextWidth = 96;
constexpr double kLineHeight = 26;
constexpr int kLabelCells = 25;
constexpr double kLeastBar = 2;  ///< a value above 0 is seen

std::string Begin(double width, double height, const std::string& title) {
  return fmt::format("<svg viewBox=\"0 0 {} {}\" role=\"img\" aria-label=\"{}\">\n", width, height,
                     HtmlText(title));
}

}  // namespace

std::string OutcomeChart(const std::vector<OutcomeCount>& counts, const ReportWords& words) {
  int64_t all = 0;
  for (const OutcomeCount& count : counts) all += count.tables;
  if (all == 0) return "";
  std::string out = Begin(kVerdictWidth, 34, words.verdicts);
  std::string legend = "<ul class=\"legend\">\n";
  double at = 0;
  for (const OutcomeCount& count : counts) {
    if (count.tables == 0) continue;
    const double width =
        kVerdictWidth * static_cast<double>(count.tables) / static_cast<double>(all);
    const auto name = OutcomeName(count.outcome);
    const std::string word = OutcomeWord(count.outcome, words);
    const std::string number = Thousands(count.tables);
    out += fmt::format(
        "<rect class=\"v-{}\" x=\"{:.1f}\" y=\"0\" width=\"{:.1f}\" height=\"34\"><title>{}: "
        "{}</title></rect>\n",
        name, at, std::max(width, kLeastBar), word, number);
    legend += fmt::format("<li data-verdict=\"{}\"><i class=\"v-{}\"></i>{} <b>{}</b></li>\n", name,
                          name, word, number);
    at += width;
  }
  return out + "</svg>\n" + legend + "</ul>\n";
}

std::string BarChart(const std::vector<ChartBar>& bars, const std::string& title) {
  int64_t longest = 1;
  for (const ChartBar& bar : bars) longest = std::max(longest, bar.value);
  constexpr double kBarWidth = kWidth - kLabelWidth - kTextWidth;
  std::string out = Begin(kWidth, kLineHeight * static_cast<double>(bars.size()), title);
  double top = 0;
  for (const ChartBar& bar : bars) {
    const double share = static_cast<double>(bar.value) / static_cast<double>(longest);
    const double width = bar.value > 0 ? std::max(kBarWidth * share, kLeastBar) : 0;
    out += fmt::format(
        "<g><title>{}: {}</title><text class=\"label\" x=\"{}\" y=\"{}\">{}</text>"
        "<rect class=\"v-{}\" x=\"{}\" y=\"{}\" width=\"{:.1f}\" height=\"16\" rx=\"2\"/>"
        "<text class=\"value\" x=\"{:.1f}\" y=\"{}\">{}</text></g>\n",
        HtmlText(bar.label), HtmlText(bar.text), kLabelWidth - 10, top + 17,
        HtmlText(KeepEnd(Printable(bar.label), kLabelCells, true)), OutcomeName(bar.outcome),
        kLabelWidth, top + 5, width, kLabelWidth + width + 8, top + 17, HtmlText(bar.text));
    top += kLineHeight;
  }
  return out + "</svg>\n";
}

}  // namespace mms::terminal
