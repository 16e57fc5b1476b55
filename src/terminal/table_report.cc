#include "terminal/table_report.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "migration/checksum/checksum.h"
#include "migration/transfer/job.h"
#include "terminal/text.h"

namespace mms::terminal {
namespace {

using migration::TableRecord;
using migration::TableState;
using migration::UnitRecord;
using migration::UnitScope;
using migration::UnitState;
using migration::Verdict;

/// Sum that is unknown as soon as one part is.
struct KnownSum {
  std::optional<int64_t> total = 0;
  void Add(const std::optional<int64_t>& part) {
    if (total && part) {
      *total += *part;
    } else {
      total.reset();
    }
  }
};

/// Merged checksum that is unknown as soon as one part is.
class MergedChecksum {
 public:
  Status Add(const std::string& document) {
    if (!known_) return OkStatus();
    if (document.empty()) {
      known_ = false;
      return OkStatus();
    }
    const auto json = nlohmann::json::parse(document, nullptr, false);
    TRY(const migration::Checksum part, migration::ChecksumFromJson(json));
    // Not by column: partitions copied before a column was added have fewer.
    merged_.rows += part.rows;
    merged_.row_sum += part.row_sum;
    any_ = true;
    return OkStatus();
  }
  std::string Text() const { return known_ && any_ ? merged_.ToText() : ""; }

 private:
  migration::Checksum merged_;
  bool known_ = true;
  bool any_ = false;
};

Outcome OutcomeOf(Verdict verdict) {
  switch (verdict) {
    case Verdict::kPending: return Outcome::kPending;
    case Verdict::kMatch: return Outcome::kMatch;
    case Verdict::kMismatch: return Outcome::kMismatch;
    case Verdict::kMissing: return Outcome::kMissing;
    case Verdict::kNotCompared: return Outcome::kNotCompared;
    case Verdict::kExtra: return Outcome::kExtra;
    case Verdict::kNotComparable: return Outcome::kNotComparable;
  }
  return Outcome::kPending;
}

/// Outcome of a table without looking at its units.
Outcome OutcomeOf(TableState state) {
  switch (state) {
    case TableState::kPlanned:
    case TableState::kRunning: return Outcome::kPending;
    case TableState::kRefused: return Outcome::kRefused;
    case TableState::kDone: return Outcome::kMatch;
    case TableState::kFailed: return Outcome::kFailed;
  }
  return Outcome::kPending;
}

void AddReason(TableReport& report, std::string text) {
  const std::vector<std::string>& known = report.reasons;
  if (std::find(known.begin(), known.end(), text) != known.end()) return;
  if (report.reasons.size() >= TableReport::kReasonsMax) {
    ++report.reasons_left_out;
    return;
  }
  report.reasons.push_back(std::move(text));
}

/// What a unit adds to the reasons; both texts name its partition.
void Explain(TableReport& report, const UnitRecord& unit) {
  if (unit.verdict == Verdict::kMatch && unit.error_json.empty()) return;
  if (!unit.difference.empty()) AddReason(report, unit.difference);
  const std::optional<Error> error = ErrorOfLedger(unit.error_json);
  if (!error) return;
  report.outcome = std::max(report.outcome, Outcome::kFailed);
  AddReason(report, error->ToString());
  if (!report.error) report.error = error;
}

void TellChanges(TableReport& report, const migration::ValueChanges& changes) {
  report.record_blocks = changes.record_blocks;
  for (const auto& [column, counts] : changes.columns) {
    for (size_t i = 0; i < counts.size(); ++i) {
      if (counts[i] == 0) continue;
      const auto change = static_cast<migration::Change>(i);
      report.changed.push_back({column, std::string(migration::ChangeName(change)),
                                std::string(migration::ChangeText(change)), counts[i]});
    }
  }
}

/// What the plan alone tells: it is the same for all units.
Status TellPlanned(TableReport& report, const std::string& plan_json) {
  TRY(const migration::TablePlan plan,
      migration::TablePlanFromJson(nlohmann::json::parse(plan_json, nullptr, false)));
  for (const auto& column : plan.left_out) report.left_out.push_back(column.source_name);
  for (const auto& column : plan.partition_columns) {
    if (column.partitions_mapped == 0) continue;
    report.changed.push_back({column.target.name, "partition_value_mapped",
                              "partitions have another value (partition_value_map)",
                              column.partitions_mapped});
  }
  return OkStatus();
}

void AddClosingReasons(TableReport& report) {
  const bool unfinished = report.outcome == Outcome::kPending || report.outcome == Outcome::kFailed;
  const int64_t open = report.units - report.units_committed;
  if (unfinished && open > 0) {
    AddReason(report, Thousands(open) + " of " + Counted(report.units, "unit") +
                          " not copied yet; run the same command again to go on");
  } else if (report.outcome == Outcome::kPending) {
    AddReason(report, "copied but not compared yet; run the same command again, or mms verify");
  } else if (report.outcome == Outcome::kNotCompared && report.reasons.empty()) {
    AddReason(
        report,
        "copied but not compared (policy.verify: none); set it to count or count_both and run "
        "mms verify, of a job: mms job verify ID --by count");
  }
}

}  // namespace

std::string_view OutcomeName(Outcome outcome) {
  switch (outcome) {
    case Outcome::kMatch: return "Match";
    case Outcome::kNotCompared: return "NotCompared";
    case Outcome::kExtra: return "ExtraInTarget";
    case Outcome::kNotComparable: return "NotComparable";
    case Outcome::kPending: return "Pending";
    case Outcome::kRefused: return "Refused";
    case Outcome::kFailed: return "Failed";
    case Outcome::kMissing: return "MissingInTarget";
    case Outcome::kMismatch: return "Mismatch";
  }
  return "Pending";
}

std::optional<Error> ErrorOfLedger(const std::string& error_json) {
  if (error_json.empty()) return std::nullopt;
  const auto document = nlohmann::json::parse(error_json, nullptr, false);
  if (!document.is_object()) {
    return Error(ErrorKind::kInternal, "LEDGER_ERROR_UNREADABLE", error_json);
  }
  return migration::ErrorFromJson(document);
}

bool TableReport::IsByCount() const {
  return !std::all_of(compared_by.begin(), compared_by.end(), migration::UsesChecksum);
}

std::string TableReport::Methods() const {
  std::string text;
  for (const migration::ComparedBy by : compared_by) {
    text += (text.empty() ? "" : ", ") + std::string(migration::MethodName(by));
  }
  return text.empty() ? "-" : text;
}

std::string TableReport::ShownChecksum() const {
  constexpr size_t kShortChecksum = 8;
  const bool on_values = !compared_by.empty() && !IsByCount();
  const std::string& checksum = source_checksum.empty() ? target_checksum : source_checksum;
  return checksum.empty() || !on_values ? "-" : checksum.substr(0, kShortChecksum);
}

Result<TableReport> ReadTableReport(migration::Ledger& ledger, const TableRecord& table) {
  TableReport report;
  report.scope = UnitScope(table);
  report.source = table.source_name;
  report.target = table.target_table;
  report.error = ErrorOfLedger(table.error_json);
  report.outcome = OutcomeOf(table.state);
  if (report.error) AddReason(report, report.error->ToString());
  const bool has_part = table.part && !table.part->planned_by.empty();
  // Never planned: all its numbers are unknown.
  if (table.plan_json.empty() && !has_part) return report;

  report.planned = true;
  if (table.version != migration::kNoVersion) report.version = table.version;
  int64_t files = 0, bytes = 0, rows_copied = 0;
  KnownSum rows_source, rows_target;
  MergedChecksum source, target;
  migration::ValueChanges changes;
  const auto visit = [&](const UnitRecord& unit) -> Status {
    ++report.units;
    files += unit.files;
    bytes += unit.bytes;
    rows_source.Add(unit.rows_planned);
    if (unit.state >= UnitState::kCommitted) {
      TRY(const migration::ValueChanges changed, migration::ValueChangesFromText(unit.changes));
      changes.Merge(changed);
      ++report.units_committed;
      rows_copied += unit.rows_copied.value_or(0);
    }
    if (!IsMadeAtTarget(unit)) {  // no part of what was copied
      rows_target.Add(unit.rows_target);
      TRY_VOID(source.Add(unit.source_checksum));
      TRY_VOID(target.Add(unit.target_checksum));
    }
    report.outcome = std::max(report.outcome, OutcomeOf(unit.verdict));
    if (unit.compared_by != migration::ComparedBy::kNothing) {
      report.compared_by.insert(unit.compared_by);
    }
    Explain(report, unit);
    return OkStatus();
  };
  TRY_VOID(ledger.ListUnits(report.scope, std::nullopt, visit));
  TellChanges(report, changes);
  if (has_part) {
    report.is_part = true;
    AddReason(report, "a part: " + table.part->planned_by +
                          " has planned this table since; what later jobs have planned or copied "
                          "of it is told in their reports");
  } else {
    TRY_VOID(TellPlanned(report, table.plan_json));
  }
  report.files = files;
  report.bytes = bytes;
  report.rows_source = rows_source.total;
  if (report.units_committed > 0 || report.units == 0) report.rows_copied = rows_copied;
  if (report.units > 0) report.rows_target = rows_target.total;
  report.source_checksum = source.Text();
  report.target_checksum = target.Text();
  if (table.part && table.part->definition_only && report.outcome <= Outcome::kPending) {
    report.outcome = Outcome::kNotCompared;
    AddReason(report, "the job makes the table alone, and copies no rows");
  }
  AddClosingReasons(report);
  return report;
}

Status ReadReport(migration::Ledger& ledger, const std::function<Status(TableReport)>& visit) {
  return ledger.ListTables([&](const TableRecord& table) -> Status {
    TRY(TableReport report, ReadTableReport(ledger, table));
    return visit(std::move(report));
  });
}

}  // namespace mms::terminal
