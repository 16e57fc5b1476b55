#include "terminal/report_table.h"

#include <algorithm>
#include <array>

#include "terminal/text.h"

namespace mms::terminal {
namespace {

void Add(std::optional<int64_t>& sum, const std::optional<int64_t>& part) {
  if (sum && part) {
    *sum += *part;
  } else {
    sum.reset();
  }
}

/// "?" is a number that exists and is not known; "-" one that does not apply.
std::string Count(const std::optional<int64_t>& number, bool applies) {
  return applies ? Thousands(number) : "-";
}

struct RowCounts {
  std::optional<int64_t> source, copied, target;
  bool applies = true;

  std::string Folded() const {
    if (!applies) return "-";
    if (source == copied && copied == target) return Thousands(source);
    return Thousands(source) + " / " + Thousands(copied) + " / " + Thousands(target);
  }
};

void AppendRows(std::vector<std::string>& cells, const RowCounts& rows, bool folded) {
  if (folded) {
    cells.push_back(rows.Folded());
    return;
  }
  cells.push_back(Count(rows.source, rows.applies));
  cells.push_back(Count(rows.copied, rows.applies));
  cells.push_back(Count(rows.target, rows.applies));
}

TextTable Build(const std::vector<TableReport>& tables, bool folded) {
  using Align = TextTable::Align;
  std::vector<TextTable::Column> columns = {
      {"SOURCE"}, {"TARGET"}, {"VERSION", Align::kRight}, {"FILES", Align::kRight}};
  if (folded) {
    columns.push_back({"ROWS", Align::kRight});
  } else {
    for (const char* title : {"ROWS IN LOG", "COPIED", "IN TARGET"}) {
      columns.push_back({title, Align::kRight});
    }
  }
  columns.insert(columns.end(), {{"BYTES", Align::kRight}, {"CHECKSUM"}, {"VERDICT"}, {"BY"}});
  TextTable text(columns);
  for (const TableReport& table : tables) {
    const bool planned = table.planned;
    std::vector<std::string> cells = {table.source, planned ? table.target : "-",
                                      Count(table.version, table.version.has_value()),
                                      Count(table.files, planned)};
    AppendRows(cells, {table.rows_source, table.rows_copied, table.rows_target, planned}, folded);
    cells.push_back(planned ? HumanBytes(table.bytes) : "-");
    cells.push_back(table.ShownChecksum());
    cells.emplace_back(OutcomeName(table.outcome));
    cells.push_back(table.Methods());
    text.AddRow(std::move(cells));
  }
  const ReportTotals totals = SumOf(tables);
  text.AddRule();
  std::vector<std::string> cells = {Counted(static_cast<int64_t>(tables.size()), "table"), "", "",
                                    Thousands(totals.files)};
  AppendRows(cells, {totals.rows_source, totals.rows_copied, totals.rows_target}, folded);
  cells.push_back(HumanBytes(totals.bytes));
  cells.emplace_back("");
  cells.push_back(OutcomeCounts(tables));
  cells.emplace_back("");
  text.AddRow(std::move(cells));
  return text;
}

}  // namespace

ReportTotals SumOf(const std::vector<TableReport>& tables) {
  ReportTotals totals;
  for (const TableReport& table : tables) {
    for (size_t i = 0; i < kOutcomes.size(); ++i) {
      if (table.outcome == kOutcomes[i]) ++totals.outcomes[i];
    }
    if (!table.planned) continue;  // refused before planning: no part of the copy
    totals.units += table.units;
    totals.files += table.files.value_or(0);
    totals.bytes += table.bytes.value_or(0);
    totals.rows_copied += table.rows_copied.value_or(0);
    Add(totals.rows_source, table.rows_source);
    if (table.units > 0) Add(totals.rows_target, table.rows_target);
  }
  return totals;
}

std::string RenderReasons(const std::vector<TableReport>& tables) {
  std::string out;
  for (const TableReport& table : tables) {
    if (table.reasons.empty()) continue;
    out += "\n" + Printable(table.source) + ": " + std::string(OutcomeName(table.outcome)) + "\n";
    for (const std::string& reason : table.reasons) out += "  " + Printable(reason) + "\n";
    if (table.reasons_left_out > 0) {
      out += "  and " + Thousands(table.reasons_left_out) + " more\n";
    }
  }
  return out;
}

std::string RenderChanges(const std::vector<TableReport>& tables) {
  std::string out;
  for (const TableReport& table : tables) {
    if (table.changed.empty() && table.left_out.empty() && table.record_blocks == 0) continue;
    out += "\n" + Printable(table.source) + ": not as at the source, as the policies allow\n";
    for (const auto& changed : table.changed) {
      out += "  column " + Printable(changed.column) + ": " + Thousands(changed.values) + " " +
             changed.text + "\n";
    }
    for (const std::string& column : table.left_out) {
      out += "  column " + Printable(column) + ": not copied (on_extra_column: ignore)\n";
    }
    if (table.record_blocks > 0) {
      out += "  " + Counted(table.record_blocks, "block") +
             " sent record by record, for timestamps outside 1677 to 2262; no value changed\n";
    }
  }
  return out;
}

std::string OutcomeCounts(const std::vector<TableReport>& tables) {
  const ReportTotals totals = SumOf(tables);
  std::string out;
  for (size_t i = 0; i < kOutcomes.size(); ++i) {
    if (totals.outcomes[i] == 0) continue;
    out += (out.empty() ? "" : ", ") + Thousands(totals.outcomes[i]) + " " +
           std::string(OutcomeName(kOutcomes[i]));
  }
  return out;
}

std::string RenderReport(const std::vector<TableReport>& tables, const Screen& screen) {
  if (tables.empty()) return "no tables yet; plan or run first\n";
  TextTable text = Build(tables, false);
  if (screen.width > 0 && text.Width() > screen.width) text = Build(tables, true);
  return text.Render(screen.utf8) + RenderChanges(tables) + RenderReasons(tables);
}

Json TableFields(const TableReport& table) {
  Json changed = Json::array();
  for (const auto& column : table.changed) {
    changed.push_back(
        {{"column", column.column}, {"change", column.change}, {"values", column.values}});
  }
  const auto text_or_null = [](const std::string& text) {
    return text.empty() ? Json(nullptr) : Json(text);
  };
  Json methods = Json::array();
  for (const migration::ComparedBy by : table.compared_by) methods.push_back(MethodName(by));
  return {{"source", table.source},
          {"target_table", text_or_null(table.target)},
          {"version", OrNull(table.version)},
          {"verdict", OutcomeName(table.outcome)},
          {"compared_by", std::move(methods)},
          {"units", table.planned ? Json(table.units) : Json(nullptr)},
          {"units_committed", table.planned ? Json(table.units_committed) : Json(nullptr)},
          {"files", OrNull(table.files)},
          {"bytes", OrNull(table.bytes)},
          {"rows_source", OrNull(table.rows_source)},
          {"rows_copied", OrNull(table.rows_copied)},
          {"rows_target", OrNull(table.rows_target)},
          {"source_checksum", text_or_null(table.source_checksum)},
          {"target_checksum", text_or_null(table.target_checksum)},
          {"changed", std::move(changed)},
          {"record_blocks", table.record_blocks},
          {"left_out_columns", table.left_out},
          {"error", table.error ? ErrorFields(*table.error) : Json(nullptr)},
          {"reasons", table.reasons},
          {"reasons_left_out", table.reasons_left_out}};
}

Json TotalFields(const std::vector<TableReport>& tables) {
  const ReportTotals totals = SumOf(tables);
  Json fields = {{"tables", tables.size()}};
  for (size_t i = 0; i < kOutcomes.size(); ++i) {
    fields["verdicts"][std::string(OutcomeName(kOutcomes[i]))] = totals.outcomes[i];
  }
  fields["files"] = totals.files;
  fields["bytes"] = totals.bytes;
  fields["rows_source"] = OrNull(totals.rows_source);
  fields["rows_copied"] = totals.rows_copied;
  fields["rows_target"] = OrNull(totals.rows_target);
  return fields;
}

Json RunFields(const migration::RunFacts& facts) {
  return Json::parse(migration::ToJson(facts).dump());
}

std::string RenderRun(const migration::RunFacts& facts) {
  std::string out;
  if (facts.codec && (facts.codec->name != "raw" || !facts.codec->reason.empty())) {
    out += "\nlast run: blocks went " + facts.codec->name;
    if (!facts.codec->reason.empty()) out += " (" + Printable(facts.codec->reason) + ")";
    out += "\n";
  }
  for (const migration::PacingReport& limit : facts.pacing) {
    if (limit.delayed == 0) continue;
    std::string name = limit.limit;
    std::replace(name.begin(), name.end(), '_', ' ');
    out += (out.empty() ? "\n" : "") + std::string("last run: ") + Thousands(limit.delayed) +
           " of " + Thousands(limit.granted) + " " + name +
           " waited for MaxCompute's rate limit, " + HumanDuration(limit.wait_ms) + " in all\n";
  }
  return out;
}

migration::RunSummary SummaryOf(const std::vector<TableReport>& tables) {
  migration::RunSummary summary;
  for (const TableReport& table : tables) {
    ++summary.tables;
    switch (table.outcome) {
      case Outcome::kMatch:
      case Outcome::kExtra:
      case Outcome::kNotCompared:
      case Outcome::kNotComparable: ++summary.done; break;
      case Outcome::kPending: break;
      case Outcome::kRefused: ++summary.refused; break;
      case Outcome::kFailed: ++summary.failed; break;
      case Outcome::kMissing:
      case Outcome::kMismatch: ++summary.mismatched; break;
    }
  }
  return summary;
}

std::vector<ErrorKind> FailuresOf(const std::vector<TableReport>& tables) {
  std::vector<ErrorKind> kinds;
  for (const TableReport& table : tables) {
    if (table.outcome != Outcome::kFailed) continue;
    kinds.push_back(table.error ? table.error->kind() : ErrorKind::kInternal);
  }
  return kinds;
}

}  // namespace mms::terminal
