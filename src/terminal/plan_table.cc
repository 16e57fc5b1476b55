#include "terminal/plan_table.h"

#include <nlohmann/json.hpp>

#include "migration/plan/plan.h"
#include "migration/workflow/planning.h"
#include "terminal/report_table.h"
#include "terminal/text.h"

namespace mms::terminal {
namespace {

using migration::ColumnPlan;
using migration::Fidelity;
using migration::FidelityCounts;
using migration::TablePlan;
using migration::TableRecord;
using migration::UnitRecord;
using migration::ValueRisk;

struct Planned {
  TableReport report = {};
  std::optional<TablePlan> plan = {};  ///< without units; nullopt when refused
  migration::ColumnRefusals refusals = {};
  std::optional<FidelityCounts> fidelity = {};  ///< of its columns; nullopt = they were not judged
  /// By the statistics in the log; nullopt = not known, and why.
  std::optional<migration::TableRisks> risks = {};
  std::string risks_unknown = {};
  /// Partitions at the target that have left the source, by what becomes of them.
  struct Left {
    int64_t dropped = 0;
    int64_t emptied = 0;
    int64_t extra = 0;  ///< they stay
    int64_t kept = 0;   ///< not shown to have left it, so they stay too
  };
  Left left = {};
};

Result<Planned::Left> CountLeft(migration::Ledger& ledger, int64_t table_id) {
  Planned::Left left;
  TRY_VOID(ledger.ListUnits(table_id, std::nullopt, [&](const UnitRecord& unit) {
    left.dropped += unit.fingerprint == migration::kFingerprintToDrop;
    left.emptied += unit.fingerprint == migration::kFingerprintEmpty;
    const bool kept = unit.fingerprint == migration::kFingerprintKept;
    left.kept += kept;
    left.extra += unit.verdict == migration::Verdict::kExtra && !IsMadeAtTarget(unit) && !kept;
    return OkStatus();
  }));
  return left;
}

/// "" when none has.
std::string LeftText(const Planned::Left& left) {
  std::string text;
  if (left.kept > 0) {
    text = "  under an earlier name: " + Counted(left.kept, "partition") +
           "; left alone, the report says why\n";
  }
  const int64_t all = left.dropped + left.emptied + left.extra;
  if (all == 0) return text;
  return text + "  left the source: " + Counted(all, "partition") + "; " + Thousands(left.dropped) +
         " to be dropped, " + Thousands(left.emptied) + " emptied, " + Thousands(left.extra) +
         " left alone (on_dropped_partition)\n";
}

/// Empty when it was not refused for its columns.
Result<migration::ColumnRefusals> ReadRefusals(const TableRecord& record) {
  const auto document = nlohmann::json::parse(record.error_json, nullptr, false);
  if (!document.is_object() || !document.contains("refusals")) return migration::ColumnRefusals();
  return migration::ColumnRefusalsFromJson(document["refusals"]);
}

Error NotOfThisPlan(const std::string& table) {
  return Error(ErrorKind::kConflict, "LEDGER_COMMITTING",
               "a commit of an earlier job may be under way, so that the table cannot be planned "
               "anew; a task of a job would bring it to its end first")
      .At("table " + table);
}

/// `selection`: "" = whatever plan is there.
Result<Planned> ReadPlanned(migration::Ledger& ledger, const TableRecord& in_ledger,
                            const std::string& selection) {
  TableRecord record = in_ledger;
  if (!selection.empty() && !record.plan_json.empty()) {
    TRY(const TablePlan plan,
        migration::TablePlanFromJson(nlohmann::json::parse(record.plan_json, nullptr, false)));
    if (plan.settings.selection != selection) {
      record.plan_json.clear();
      if (record.error_json.empty()) {
        record.error_json = migration::ToJson(NotOfThisPlan(record.source_name)).dump();
        record.state = migration::TableState::kFailed;
      }
    }
  }

  TRY(TableReport report, ReadTableReport(ledger, record));
  Planned planned{std::move(report)};
  TRY(planned.refusals, ReadRefusals(record));
  if (!planned.refusals.columns.empty()) {
    planned.fidelity = planned.refusals.counts;
    return planned;  // a plan of before says nothing on the table as it is now
  }
  if (record.plan_json.empty()) return planned;
  TRY(TablePlan plan,
      migration::TablePlanFromJson(nlohmann::json::parse(record.plan_json, nullptr, false)));
  planned.plan = std::move(plan);
  planned.fidelity = planned.plan->CountFidelity();
  TRY(planned.left, CountLeft(ledger, record.id));
  return planned;
}

/// The statement with its settings before it, as a person would run them.
std::string Text(const migration::Ddl& ddl) {
  std::string text;
  for (const auto& [name, value] : ddl.settings) text += "SET " + name + "=" + value + ";\n";
  return text + ddl.statement;
}

/// Hands over each statement; ADD PARTITION by the thousand, so that a million partitions fit.
Status EachDdl(const PlanPrinting& context, int64_t table_id, const TablePlan& plan,
               const std::function<void(std::string)>& print) {
  constexpr size_t kBatch = 1000;
  const maxcompute::Options& target = context.target;
  const std::string name = migration::QualifiedTableName(target, plan.target_table);
  if (plan.MakesSchema()) print(Text(migration::CreateSchemaSql(target)));
  if (!plan.at_target) print(Text(migration::CreateTableSql(plan, name)));
  if (!plan.add_columns.empty()) {
    print(Text(migration::AddColumnsSql(plan, plan.add_columns, name)));
  }
  if (plan.partition_columns.empty()) return OkStatus();
  std::vector<maxcompute::PartitionSpec> batch;
  const auto flush = [&] {
    for (std::string& statement : migration::AddPartitionSql(batch, name)) {
      print(std::move(statement));
    }
    batch.clear();
  };
  TRY_VOID(context.ledger.ListUnits(table_id, std::nullopt, [&](const UnitRecord& unit) -> Status {
    if (unit.verdict == migration::Verdict::kExtra) return OkStatus();
    TRY(migration::UnitPlan parsed,
        migration::UnitPlanFromJson(nlohmann::json::parse(unit.plan_json, nullptr, false)));
    if (unit.fingerprint == migration::kFingerprintToDrop) {
      for (std::string& statement :
           migration::DropPartitionSql({std::move(parsed.target_partition)}, name)) {
        print(std::move(statement));
      }
      return OkStatus();
    }
    batch.push_back(std::move(parsed.target_partition));
    if (batch.size() == kBatch) flush();
    return OkStatus();
  }));
  if (!batch.empty()) flush();
  return OkStatus();
}

/// "" when the column passes as it is.
std::string ColumnText(const ColumnPlan& column) {
  const bool lossless = !column.fidelity || column.fidelity == Fidelity::kLossless;
  std::string text = column.note;
  if (!lossless) {
    text = std::string(migration::FidelityName(*column.fidelity)) + (text.empty() ? "" : "; ") +
           column.note;
  }
  for (const migration::Change change : column.may_change) {
    text += (text.empty() ? "" : "; ") + std::string("a value may be ") +
            std::string(migration::ChangeText(change));
  }
  if (text.empty()) return "";
  const std::string source =
      column.source_name.empty() ? "" : column.source_name + " " + column.source_type + " -> ";
  return Printable(source + column.target.name + " " + maxcompute::ToText(column.target.type) +
                   ": " + text);
}

/// "12 columns: 10 lossless, 1 widening, 1 lossy".
std::string FidelityText(const FidelityCounts& counts) {
  const std::pair<int64_t, std::string_view> parts[] = {{counts.lossless, "lossless"},
                                                        {counts.widening, "widening"},
                                                        {counts.lossy, "lossy"},
                                                        {counts.refused, "refused"},
                                                        {counts.left_out, "left out"}};
  std::string text;
  for (const auto& [count, name] : parts) {
    if (count == 0) continue;
    text += (text.empty() ? ": " : ", ") + Thousands(count) + " " + std::string(name);
  }
  return Counted(counts.total(), "column") + text;
}

/// "" when it is proved that no value is beyond the limit. Of text and bytes footers alone tell;
/// that nothing does without them is said once for all tables.
std::string RiskText(const ValueRisk& risk, bool with_footers) {
  const bool length = risk.limit == "8 MiB";
  if (length && !with_footers) return "";
  std::string text;
  if (risk.files_beyond > 0) {
    text = Thousands(risk.files_beyond) + " of " + Counted(risk.files, "file") + " reach " +
           risk.lowest + (risk.lowest.empty() || risk.highest.empty() ? "" : " and ") +
           risk.highest + ", outside " + risk.limit + ": " + risk.outcome;
  }
  if (risk.files_unknown > 0) {
    text += (text.empty() ? "" : "; ") + std::string("not known of ") +
            Thousands(risk.files_unknown) + " of " + Counted(risk.files, "file") +
            (length ? " whether values are longer than " : " whether values are outside ") +
            risk.limit + (text.empty() ? " (" + risk.outcome + ")" : "");
  }
  return text.empty() ? "" : "  values of " + risk.column + " " + risk.source_type + ": " + text;
}

/// "" when all footers that were asked for were read.
std::string UnreadText(const migration::FooterReads& reads) {
  if (reads.files_unread == 0) return "";
  return "  footers not read: of " + Counted(reads.files_unread, "file") + ", the first since " +
         Printable(reads.error) + "\n";
}

/// What is done to the target table itself.
std::string TargetText(const TablePlan& plan) {
  if (!plan.at_target) {
    const std::string schema = plan.MakesSchema() ? "its schema, and " : "";
    return "  makes " + schema + "a " + std::string(migration::KindText(plan.settings.kind)) +
           " table\n";
  }
  std::string text = "  the table is there already";
  for (const std::string& name : plan.add_columns) {
    text += (&name == &plan.add_columns.front() ? "; adds columns " : ", ") + Printable(name);
  }
  return text + "\n";
}

std::string PlannedText(const Planned& planned, const std::string& target) {
  const TableReport& report = planned.report;
  if (!planned.plan) {
    std::string text = Printable(report.source) + "\n";
    for (const std::string& reason : report.reasons) {
      text += "  " + std::string(OutcomeName(report.outcome)) + ": " + Printable(reason) + "\n";
    }
    if (planned.fidelity) text += "  " + FidelityText(*planned.fidelity) + "\n";
    return text;
  }
  const TablePlan& plan = *planned.plan;
  std::string text = Printable(report.source) +
                     (report.version ? " at version " + Thousands(report.version) : "") + " -> " +
                     Printable(target) + "\n  ";
  if (!plan.partition_columns.empty()) {
    std::string columns;
    for (const ColumnPlan& column : plan.partition_columns) {
      columns += (columns.empty() ? "" : ", ") + column.target.name;
    }
    text += Counted(report.units, "partition") + " by " + Printable(columns) + ", ";
  }
  text += (planned.fidelity ? FidelityText(*planned.fidelity) + "\n  "
                            : Counted(static_cast<int64_t>(plan.columns.size()), "column") + ", ") +
          Counted(report.files.value_or(0), "file") + ", " + Thousands(report.rows_source) +
          " rows, " + HumanBytes(report.bytes) + "\n";
  text += TargetText(plan) + LeftText(planned.left);
  if (report.units_committed > 0) {
    text += "  already copied: " + Thousands(report.units_committed) + " of " +
            Counted(report.units, "unit") + "\n";
  }
  for (const auto* columns : {&plan.columns, &plan.partition_columns}) {
    for (const ColumnPlan& column : *columns) {
      const std::string about = ColumnText(column);
      if (!about.empty()) text += "  column " + about + "\n";
    }
  }
  if (planned.risks) {
    for (const ValueRisk& risk : planned.risks->values) {
      const std::string about = RiskText(risk, planned.risks->footers.has_value());
      if (!about.empty()) text += Printable(about) + "\n";
    }
    if (planned.risks->footers) text += UnreadText(*planned.risks->footers);
  } else if (!planned.risks_unknown.empty()) {
    text +=
        "  values at risk: not known before they are read: " + Printable(planned.risks_unknown) +
        "\n";
  }
  for (const std::string& warning : plan.warnings) {
    text += "  warning: " + Printable(warning) + "\n";
  }
  if (report.error) text += "  error: " + Printable(report.error->ToString()) + "\n";
  return text;
}

Json FidelityField(const std::optional<Fidelity>& fidelity) {
  return fidelity ? Json(migration::FidelityName(*fidelity)) : Json(nullptr);
}

Json CountFields(const std::optional<FidelityCounts>& counts) {
  if (!counts) return nullptr;
  return {{"lossless", counts->lossless},
          {"widening", counts->widening},
          {"lossy", counts->lossy},
          {"refused", counts->refused},
          {"left_out", counts->left_out}};
}

Json RiskFields(const std::optional<migration::TableRisks>& risks) {
  if (!risks) return nullptr;
  Json list = Json::array();
  for (const ValueRisk& risk : risks->values) {
    list.push_back({{"source", risk.column},
                    {"source_type", risk.source_type},
                    {"limit", risk.limit},
                    {"outcome", risk.outcome},
                    {"files", risk.files},
                    {"files_within", risk.files_within},
                    {"files_beyond", risk.files_beyond},
                    {"files_unknown", risk.files_unknown},
                    {"files_by_footer", risk.files_by_footer},
                    {"lowest", risk.lowest.empty() ? Json(nullptr) : Json(risk.lowest)},
                    {"highest", risk.highest.empty() ? Json(nullptr) : Json(risk.highest)}});
  }
  return list;
}

Json FooterField(const std::optional<migration::TableRisks>& risks) {
  return risks && risks->footers ? FooterFields(*risks->footers) : Json(nullptr);
}

/// In the form of ColumnFields.
Json RefusedFields(const std::vector<migration::RefusedColumn>& columns) {
  Json list = Json::array();
  for (const migration::RefusedColumn& column : columns) {
    list.push_back({{"source", column.source_name},
                    {"source_type", column.source_type},
                    {"fidelity", FidelityField(Fidelity::kRefused)},
                    {"may_change", Json::array()},
                    {"target", nullptr},
                    {"target_type", nullptr},
                    {"note", column.reason}});
  }
  return list;
}

Json ColumnFields(const std::vector<ColumnPlan>& columns) {
  Json list = Json::array();
  for (const ColumnPlan& column : columns) {
    Json may_change = Json::array();
    for (const migration::Change change : column.may_change) {
      may_change.push_back(migration::ChangeName(change));
    }
    const bool none = column.origin == migration::Origin::kNull;
    list.push_back({{"source", none ? Json(nullptr) : Json(column.source_name)},
                    {"source_type", none ? Json(nullptr) : Json(column.source_type)},
                    {"fidelity", FidelityField(column.fidelity)},
                    {"may_change", std::move(may_change)},
                    {"target", column.target.name},
                    {"target_type", maxcompute::ToText(column.target.type)},
                    {"note", column.note.empty() ? Json(nullptr) : Json(column.note)}});
  }
  return list;
}

Json PlannedFields(const Planned& planned) {
  const TableReport& report = planned.report;
  Json fields = {{"source", report.source},
                 {"target_table", report.target.empty() ? Json(nullptr) : Json(report.target)},
                 {"version", OrNull(report.version)},
                 {"verdict", OutcomeName(report.outcome)},
                 {"units", planned.plan ? Json(report.units) : Json(nullptr)},
                 {"units_committed", planned.plan ? Json(report.units_committed) : Json(nullptr)},
                 {"files", OrNull(report.files)},
                 {"bytes", OrNull(report.bytes)},
                 {"rows", OrNull(report.rows_source)},
                 {"fidelity", CountFields(planned.fidelity)},
                 {"error", report.error ? ErrorFields(*report.error) : Json(nullptr)}};
  if (!planned.refusals.columns.empty()) {
    fields["columns"] = RefusedFields(planned.refusals.columns);
  }
  if (planned.plan) {
    fields["columns"] = ColumnFields(planned.plan->columns);
    fields["partition_columns"] = ColumnFields(planned.plan->partition_columns);
    fields["values_at_risk"] = RiskFields(planned.risks);
    fields["footers"] = FooterField(planned.risks);
    fields["warnings"] = planned.plan->warnings;
    fields["kind"] = migration::KindText(planned.plan->settings.kind);
    fields["at_target"] = planned.plan->at_target;
    fields["makes_schema"] = planned.plan->MakesSchema();
    fields["add_columns"] = planned.plan->add_columns;
    fields["left_out_columns"] = planned.report.left_out;
    fields["left_partitions"] = {{"dropped", planned.left.dropped},
                                 {"emptied", planned.left.emptied},
                                 {"extra", planned.left.extra},
                                 {"kept", planned.left.kept}};
  }
  return fields;
}

Status Print(const PlanPrinting& context, const Planned& planned, int64_t table_id) {
  std::string name;
  if (planned.plan) {
    name = migration::QualifiedTableName(context.target, planned.plan->target_table);
  }
  const bool ddl = context.with_ddl && planned.plan.has_value();
  if (context.output.json()) {
    Json fields = PlannedFields(planned);
    fields.update(context.more);
    if (ddl) {
      Json& statements = fields["ddl"] = Json::array();
      TRY_VOID(EachDdl(context, table_id, *planned.plan,
                       [&](std::string sql) { statements.push_back(std::move(sql)); }));
    }
    context.output.Object("plan", fields);
    return OkStatus();
  }
  context.output.Result(PlannedText(planned, name) + context.more_text);
  if (!ddl) return OkStatus();
  return EachDdl(context, table_id, *planned.plan, [&](std::string sql) {
    context.output.Result(sql + (sql.ends_with(';') ? "\n" : ";\n"));
  });
}

}  // namespace

Result<PrintedTable> PrintPlannedTable(const PlanPrinting& context, const TableRecord& record) {
  TRY(Planned planned, ReadPlanned(context.ledger, record, context.selection));
  PrintedTable printed;
  if (planned.plan) {
    if (context.copies) {
      TRY_VOID(context.estimate.Add(context.ledger, record.id, *planned.plan));
    }
    printed.makes = !planned.plan->at_target;
    printed.changes = !planned.plan->add_columns.empty();
  }
  auto risks = context.workflow.RisksOf(record.source_name);
  if (risks) {
    printed.footers = risks->footers;
    planned.risks = std::move(*risks);
  } else {
    planned.risks_unknown = risks.error().ToString();
  }
  TRY_VOID(Print(context, planned, record.id));
  printed.report = std::move(planned.report);
  return printed;
}

void AddFooters(const std::optional<migration::FooterReads>& of_table,
                std::optional<migration::FooterReads>* total) {
  if (!of_table) return;
  if (!*total) total->emplace();
  (*total)->files += of_table->files;
  (*total)->requests += of_table->requests;
  (*total)->bytes += of_table->bytes;
  (*total)->files_unread += of_table->files_unread;
  if ((*total)->error.empty()) (*total)->error = of_table->error;
}

Json FooterFields(const migration::FooterReads& reads) {
  return {{"files", reads.files},
          {"requests", reads.requests},
          {"bytes", reads.bytes},
          {"files_unread", reads.files_unread},
          {"error", reads.error.empty() ? Json(nullptr) : Json(reads.error)}};
}

std::string FooterText(const migration::FooterReads& reads) {
  std::string text = "footers of " + Counted(reads.files, "file") + " were read by " +
                     Counted(reads.requests, "request") + ", " + HumanBytes(reads.bytes);
  if (reads.files_unread > 0) {
    text += "; those of " + Counted(reads.files_unread, "file") + " could not be";
  }
  return text;
}

PrintedTable PrintUnplannedTable(const PlanPrinting& context, const std::string& name,
                                 const Error& error) {
  Planned planned;
  planned.report.source = name;
  planned.report.outcome =
      error.kind() == ErrorKind::kConflict ? Outcome::kRefused : Outcome::kFailed;
  planned.report.error = Error(error.kind(), error.code(), error.message()).At(error.where());
  planned.report.reasons = {error.ToString()};
  // Without a plan there are no statements, and so nothing that could fail.
  const Status printed = Print(context, planned, 0);
  CHECK(printed.has_value());
  return {std::move(planned.report)};
}

}  // namespace mms::terminal
