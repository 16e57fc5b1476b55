#include "terminal/report_html.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <vector>

#include "base/version.h"
#include "terminal/html_text.h"
#include "terminal/report_chart.h"
#include "terminal/report_style.h"
#include "terminal/report_table.h"
#include "terminal/report_words.h"
#include "terminal/text.h"

namespace mms::terminal {
namespace {

using migration::UnitRecord;
using migration::Verdict;
using Sink = std::function<Status(std::string_view)>;

constexpr size_t kChartBars = 12;

std::string TimeText(int64_t ms) {
  return fmt::format("{:%Y-%m-%d %H:%M:%S} UTC", fmt::gmtime(static_cast<std::time_t>(ms / 1000)));
}

std::string Head(const char* text, bool number = false) {
  return fmt::format("<th scope=\"col\"{}>{}</th>", number ? " class=\"n\"" : "", text);
}

std::string TextCell(std::string_view text) {
  return "<td class=\"t\">" + HtmlText(text) + "</td>";
}

/// "?" is a number that exists and is not known; "-" one that does not apply.
std::string NumberCell(const std::optional<int64_t>& number, bool applies = true) {
  return "<td class=\"n\">" + (applies ? Thousands(number) : "-") + "</td>";
}

std::string OutcomeCell(Outcome outcome, const ReportWords& words) {
  return fmt::format("<td class=\"v v-{}\">{}</td>", OutcomeName(outcome),
                     OutcomeWord(outcome, words));
}

/// The verdict of a partition as a table's: an error outweighs that nothing was compared.
Outcome OutcomeOf(const UnitRecord& unit) {
  switch (unit.verdict) {
    case Verdict::kMismatch: return Outcome::kMismatch;
    case Verdict::kMissing: return Outcome::kMissing;
    case Verdict::kMatch: return unit.error_json.empty() ? Outcome::kMatch : Outcome::kFailed;
    case Verdict::kPending: return unit.error_json.empty() ? Outcome::kPending : Outcome::kFailed;
    case Verdict::kNotCompared:
      return unit.error_json.empty() ? Outcome::kNotCompared : Outcome::kFailed;
    case Verdict::kExtra: return Outcome::kExtra;
    case Verdict::kNotComparable:
      return unit.error_json.empty() ? Outcome::kNotComparable : Outcome::kFailed;
  }
  return Outcome::kPending;
}

bool IsWrong(Outcome outcome) {
  return outcome == Outcome::kMismatch || outcome == Outcome::kMissing ||
         outcome == Outcome::kFailed;
}

/// The partitions of one table that do not match, as rows of a table.
struct WrongPartitions {
  std::string rows;
  int64_t count = 0;
  std::set<std::string> told;  ///< texts of the rows, so that no reason stands twice
};

Result<WrongPartitions> FindWrongPartitions(migration::Ledger& ledger, const TableReport& table,
                                            const ReportWords& words) {
  WrongPartitions wrong;
  if (!IsWrong(table.outcome)) return wrong;
  TRY_VOID(ledger.ListUnits(table.scope, std::nullopt, [&](const UnitRecord& unit) -> Status {
    const Outcome outcome = OutcomeOf(unit);
    if (!IsWrong(outcome) || ++wrong.count > HtmlReport::kPartitionsMax) return OkStatus();
    const std::optional<Error> error = ErrorOfLedger(unit.error_json);
    std::string text = unit.difference;
    if (error) text += (text.empty() ? "" : "; ") + error->ToString();
    for (const std::string& told : {unit.difference, error ? error->ToString() : ""}) {
      wrong.told.insert(told);
    }
    const bool committed = unit.state >= migration::UnitState::kCommitted;
    wrong.rows += "<tr><td class=\"p\">" +
                  (unit.partition.empty() ? "-" : HtmlText(unit.partition)) + "</td>" +
                  OutcomeCell(outcome, words) + NumberCell(unit.rows_planned) +
                  NumberCell(unit.rows_copied, committed) +
                  NumberCell(unit.rows_target, outcome != Outcome::kMissing) +
                  "<td class=\"t\" lang=\"en\">" + HtmlText(text) + "</td></tr>\n";
    return OkStatus();
  }));
  return wrong;
}

/// One page in the making: each function writes a section, or nothing when it has nothing to say.
class Page {
 public:
  Page(const HtmlReport& report, migration::Ledger& ledger, const Sink& write)
      : report_(report), ledger_(ledger), write_(write), words_(WordsOf(report.language)) {}

  Status Write() {
    TRY_VOID(ReadReport(ledger_, [&](TableReport table) -> Status {
      tables_.push_back(std::move(table));
      return OkStatus();
    }));
    TRY_VOID(WriteHead());
    TRY_VOID(WriteSummary());
    TRY_VOID(WriteCharts());
    TRY_VOID(WriteAttention());
    TRY_VOID(WriteChanges());
    TRY_VOID(WriteTables());
    TRY_VOID(WriteLastRun());
    return write_("</main></body></html>\n");
  }

 private:
  Status WriteHead() {
    // The policy makes sure that a reader's browser fetches and runs nothing, whatever a name
    // holds.
    return write_(fmt::format(
        "<!DOCTYPE html>\n<html lang=\"{}\"><head><meta charset=\"utf-8\">\n"
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src "
        "'unsafe-inline'\">\n"
        "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n"
        "<title>{}</title><style>{}</style></head>\n<body><main>\n<h1>{}</h1>\n"
        "<ul class=\"facts\">\n<li>{}: <b>{}</b></li>\n<li>{}: <b>{}</b></li>\n"
        "<li>{}: {}, mms {}</li>\n</ul>\n",
        words_.language, words_.title, kReportStyle, words_.title, words_.source,
        HtmlText(SourceText()), words_.target, HtmlText(report_.target), words_.made,
        TimeText(report_.made_ms), kVersion));
  }

  std::string SourceText() const {
    std::string text;
    if (!report_.workspace.empty()) {
      text = report_.workspace + ", " + words_.catalog + " " + report_.catalog;
    }
    if (report_.locations == 0) return text;
    return text + (text.empty() ? "" : "; ") + Filled(words_.by_location, report_.locations);
  }

  Outcome WorstOutcome() const {
    Outcome worst = Outcome::kMatch;
    for (const TableReport& table : tables_) worst = std::max(worst, table.outcome);
    return worst;
  }

  Status WriteSummary() {
    const auto all = static_cast<int64_t>(tables_.size());
    const std::string left_out =
        report_.left_out_tables == 0
            ? ""
            : fmt::format("<p class=\"note\">{}</p>\n",
                          Filled(words_.left_out_tables, report_.left_out_tables));
    if (all == 0) {
      return write_(fmt::format("<p class=\"lead\">{}</p>\n{}", words_.no_tables, left_out));
    }
    const ReportTotals totals = SumOf(tables_);
    const Outcome worst = WorstOutcome();
    const int64_t matched = totals.outcomes[0];
    const bool rest = report_.left_out_tables > 0 ||
                      std::any_of(tables_.begin(), tables_.end(),
                                  [](const TableReport& table) { return table.is_part; });
    const std::string lead = worst == Outcome::kMatch
                                 ? Filled(rest ? words_.rest_matches : words_.all_match, all)
                                 : Filled(words_.some_match, matched, all);
    const auto unread = std::count_if(tables_.begin(), tables_.end(), [](const TableReport& table) {
      return table.outcome == Outcome::kMatch && table.IsByCount();
    });
    const std::string by_count =
        unread == 0 ? "" : "<p class=\"note\">" + Filled(words_.by_count, unread) + "</p>\n";
    const auto card = [](const char* name, const std::string& value) {
      return fmt::format("<div><dt>{}</dt><dd>{}</dd></div>\n", name, value);
    };
    return write_(fmt::format("<p class=\"lead v-{}\">{}</p>\n{}{}<dl class=\"cards\">\n",
                              OutcomeName(worst), lead, by_count, left_out) +
                  card(words_.tables, Thousands(all)) +
                  card(words_.partitions, Thousands(totals.units)) +
                  card(words_.rows_source, Thousands(totals.rows_source)) +
                  card(words_.rows_copied, Thousands(totals.rows_copied)) +
                  card(words_.rows_target, Thousands(totals.rows_target)) +
                  card(words_.bytes, HumanBytes(totals.bytes)) + "</dl>\n");
  }

  Status WriteCharts() {
    if (tables_.empty()) return OkStatus();
    const ReportTotals totals = SumOf(tables_);
    std::vector<OutcomeCount> counts;
    for (size_t i = 0; i < kOutcomes.size(); ++i) {
      counts.push_back({kOutcomes[i], totals.outcomes[i]});
    }
    TRY_VOID(write_(fmt::format("<h2>{}</h2>\n", words_.verdicts) + OutcomeChart(counts, words_)));
    TRY_VOID(write_("<div class=\"charts\">\n"));
    TRY_VOID(WriteBars(words_.rows_by_table, [](const TableReport& table) {
      return std::pair(table.rows_copied, Thousands(table.rows_copied));
    }));
    TRY_VOID(WriteBars(words_.bytes_by_table, [](const TableReport& table) {
      return std::pair(table.bytes, HumanBytes(table.bytes));
    }));
    return write_("</div>\n");
  }

  template <class Figure>
  Status WriteBars(const char* title, Figure figure) {
    std::vector<ChartBar> bars;
    for (const TableReport& table : tables_) {
      const auto [value, text] = figure(table);
      if (value) bars.push_back({table.source, *value, text, table.outcome});
    }
    if (bars.empty()) return OkStatus();
    const size_t shown = std::min(bars.size(), kChartBars);
    std::partial_sort(bars.begin(), bars.begin() + static_cast<std::ptrdiff_t>(shown), bars.end(),
                      [](const ChartBar& a, const ChartBar& b) { return a.value > b.value; });
    bars.resize(shown);
    std::string note;
    if (shown < tables_.size()) {
      note = "<p class=\"note\">" +
             Filled(words_.largest, static_cast<int64_t>(shown),
                    static_cast<int64_t>(tables_.size())) +
             "</p>\n";
    }
    return write_(fmt::format("<div>\n<h2>{}</h2>\n", title) + BarChart(bars, title) + note +
                  "</div>\n");
  }

  Status WriteAttention() {
    bool begun = false;
    for (const TableReport& table : tables_) {
      if (table.outcome == Outcome::kMatch && table.reasons.empty()) continue;
      if (!begun) {
        const bool wrong = WorstOutcome() != Outcome::kMatch;
        const char* const title = wrong ? words_.attention : words_.to_know;
        TRY_VOID(write_(fmt::format("<h2>{}</h2>\n", title)));
      }
      begun = true;
      TRY_VOID(WriteTrouble(table));
    }
    return OkStatus();
  }

  Status WriteTrouble(const TableReport& table) {
    TRY(const WrongPartitions wrong, FindWrongPartitions(ledger_, table, words_));
    std::string out =
        fmt::format("<section data-table=\"{}\">\n<h3>{} <span class=\"v v-{}\">{}</span></h3>\n",
                    HtmlText(table.source), HtmlText(table.source), OutcomeName(table.outcome),
                    OutcomeWord(table.outcome, words_));
    std::string reasons;
    for (const std::string& reason : table.reasons) {
      if (wrong.told.contains(reason)) continue;
      reasons += "<li lang=\"en\">" + HtmlText(reason) + "</li>\n";
    }
    // Those that are not told are partitions of the list below, unless there is none.
    if (table.reasons_left_out > 0 && wrong.count == 0) {
      reasons += "<li>" + Filled(words_.more_reasons, table.reasons_left_out) + "</li>\n";
    }
    if (!reasons.empty()) out += "<ul class=\"reasons\">\n" + reasons + "</ul>\n";
    if (wrong.count > 0) {
      out += "<div class=\"scroll\"><table class=\"partitions\"><thead><tr>" +
             Head(words_.partition) + Head(words_.verdict) + Head(words_.rows_source, true) +
             Head(words_.rows_copied, true) + Head(words_.rows_target, true) +
             Head(words_.difference) + "</tr></thead><tbody>\n" + wrong.rows +
             "</tbody></table></div>\n";
    }
    if (wrong.count > HtmlReport::kPartitionsMax) {
      const int64_t more = wrong.count - HtmlReport::kPartitionsMax;
      out += "<p class=\"more\">" + Filled(words_.more_partitions, more) + "</p>\n";
    }
    return write_(out + "</section>\n");
  }

  Status WriteChanges() {
    bool begun = false;
    for (const TableReport& table : tables_) {
      std::string rows;
      const auto add = [&](const std::string& column, const std::string& change,
                           const std::optional<int64_t>& values) {
        rows += "<tr>" + TextCell(table.source) + TextCell(column) + TextCell(change) +
                NumberCell(values, values.has_value()) + "</tr>\n";
      };
      for (const auto& changed : table.changed) add(changed.column, changed.text, changed.values);
      for (const std::string& column : table.left_out) add(column, words_.left_out, std::nullopt);
      if (rows.empty()) continue;
      if (!begun) {
        rows = fmt::format("<h2>{}</h2>\n<div class=\"scroll\"><table class=\"changes\">",
                           words_.changes) +
               "<thead><tr>" + Head(words_.table) + Head(words_.column) + Head(words_.change) +
               Head(words_.values, true) + "</tr></thead><tbody>\n" + rows;
      }
      begun = true;
      TRY_VOID(write_(rows));
    }
    return begun ? write_("</tbody></table></div>\n") : OkStatus();
  }

  Status WriteTables() {
    if (tables_.empty()) return OkStatus();
    TRY_VOID(write_(fmt::format("<h2>{}</h2>\n<div class=\"scroll\"><table class=\"tables\">",
                                words_.all_tables) +
                    "<thead><tr>" + Head(words_.source) + Head(words_.target) +
                    Head(words_.verdict) + Head(words_.version, true) +
                    Head(words_.partitions, true) + Head(words_.files, true) +
                    Head(words_.rows_source, true) + Head(words_.rows_copied, true) +
                    Head(words_.rows_target, true) + Head(words_.bytes, true) +
                    Head(words_.checksum) + Head(words_.compared_by) + "</tr></thead><tbody>\n"));
    for (const TableReport& table : tables_) TRY_VOID(write_(TableRow(table)));
    return write_(fmt::format("</tbody></table></div>\n<p class=\"note\">{}</p>\n", words_.legend));
  }

  std::string TableRow(const TableReport& table) const {
    const bool planned = table.planned;
    return fmt::format("<tr data-table=\"{}\" data-verdict=\"{}\">", HtmlText(table.source),
                       OutcomeName(table.outcome)) +
           "<td class=\"p\">" + HtmlText(table.source) + "</td>" +
           TextCell(planned ? table.target : "-") + OutcomeCell(table.outcome, words_) +
           NumberCell(table.version, table.version.has_value()) + NumberCell(table.units, planned) +
           NumberCell(table.files, planned) + NumberCell(table.rows_source, planned) +
           NumberCell(table.rows_copied, planned) + NumberCell(table.rows_target, planned) +
           "<td class=\"n\">" + (planned ? HumanBytes(table.bytes) : "-") +
           "</td><td class=\"c\">" + table.ShownChecksum() + "</td>" + TextCell(table.Methods()) +
           "</tr>\n";
  }

  Status WriteLastRun() {
    TRY(const auto facts, migration::ReadLastRun(ledger_));
    const std::string text = facts ? RenderRun(*facts) : "";
    if (text.empty()) return OkStatus();
    std::string lines;
    for (size_t at = 0; at < text.size();) {
      const size_t end = std::min(text.find('\n', at), text.size());
      if (end > at) lines += "<li lang=\"en\">" + HtmlText(text.substr(at, end - at)) + "</li>\n";
      at = end + 1;
    }
    return write_(
        fmt::format("<h2>{}</h2>\n<ul class=\"reasons\">\n{}</ul>\n", words_.last_run, lines));
  }

  const HtmlReport& report_;
  migration::Ledger& ledger_;
  const Sink& write_;
  const ReportWords& words_;
  std::vector<TableReport> tables_;
};

}  // namespace

Status HtmlReport::Write(migration::Ledger& ledger, const Sink& write) const {
  return Page(*this, ledger, write).Write();
}

}  // namespace mms::terminal
