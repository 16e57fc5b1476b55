#include "migration/evidence/record.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <utility>

#include "base/scrub_json.h"
#include "clients/azure/location.h"
#include "migration/plan/plan.h"

namespace mms::migration {
namespace {

using nlohmann::json;

constexpr int kFormatVersion = 1;
constexpr size_t kNamesMax = 64;

json TextOrNull(const std::string& text) { return text.empty() ? json(nullptr) : json(text); }
json OrNull(const std::optional<int64_t>& number) { return number ? json(*number) : json(nullptr); }

/// A document that the ledger keeps as text; "" is null.
Result<json> Document(const std::string& text, const std::string& where) {
  if (text.empty()) return json(nullptr);
  json document = json::parse(text, nullptr, false);
  if (document.is_object()) return document;
  return Error(ErrorKind::kCorrupt, "STATE_CORRUPT",
               "the ledger holds a document that cannot be read; restore the state folder from a "
               "backup")
      .At(where);
}

Error NotALine(const std::string& why) {
  return Error(ErrorKind::kCorrupt, "EVIDENCE_TOTALS", "not a line of a bundle: " + why);
}

/// A line may come from anyone: a number is one, and no sum runs over.
Status Add(int64_t* sum, const json& part) {
  if (!part.is_number_integer()) return NotALine("a number is none");
  if (__builtin_add_overflow(*sum, part.get<int64_t>(), sum)) return NotALine("a sum runs over");
  return OkStatus();
}

Status Add(std::optional<int64_t>* sum, const json& part) {
  if (!*sum) return OkStatus();
  if (!part.is_null()) return Add(&**sum, part);
  sum->reset();
  return OkStatus();
}

Status Count(std::map<std::string, int64_t>* counts, const json& name) {
  ++(*counts)[name.get<std::string>()];
  return counts->size() <= kNamesMax ? OkStatus() : NotALine("there are too many states");
}

json Columns(const std::vector<ColumnPlan>& columns) {
  json list = json::array();
  for (const ColumnPlan& column : columns) {
    list.push_back({{"name", column.target.name},
                    {"type", maxcompute::ToText(column.target.type, true)},
                    {"nullable", column.target.nullable},
                    {"source_name", TextOrNull(column.source_name)},
                    {"source_type", TextOrNull(column.source_type)},
                    {"note", TextOrNull(column.note)}});
  }
  return list;
}

std::string StatementText(const Ddl& ddl) {
  std::string text;
  for (const auto& [name, value] : ddl.settings) text += "SET " + name + "=" + value + ";\n";
  return text + ddl.statement;
}

json PlannedFields(const TablePlan& plan, const maxcompute::Options& target) {
  const std::string name = QualifiedTableName(target, plan.target_table);
  json left_out = json::array();
  for (const LeftOutColumn& column : plan.left_out) {
    left_out.push_back({{"source_name", column.source_name}, {"source_type", column.source_type}});
  }
  const std::string add =
      plan.add_columns.empty() ? "" : StatementText(AddColumnsSql(plan, plan.add_columns, name));
  return {{"location", azure::ToText(plan.location)},
          {"format", plan.format},
          {"source_table_id", TextOrNull(plan.table_id)},
          {"columns", Columns(plan.columns)},
          {"partition_columns", Columns(plan.partition_columns)},
          {"columns_left_out", std::move(left_out)},
          {"create_table", StatementText(CreateTableSql(plan, name))},
          {"was_at_target", plan.at_target},
          {"add_columns", TextOrNull(add)},
          {"warnings", plan.warnings}};
}

}  // namespace

Status EvidenceTotals::AddTable(const json& line) {
  try {
    TRY_VOID(Count(&table_states_, line.at("state")));
    ++tables_;
    return OkStatus();
  } catch (const json::exception& thrown) {
    return NotALine(thrown.what());
  }
}

Status EvidenceTotals::AddPartition(const json& line) {
  try {
    TRY_VOID(Count(&verdicts_, line.at("verdict")));
    const auto method = line.find("compared_by");
    if (method != line.end() && line.at("verdict") == VerdictName(Verdict::kMatch)) {
      TRY_VOID(Count(&matches_, method->is_null() ? json("unknown") : *method));
    }
    TRY_VOID(Add(&files_, line.at("files")));
    TRY_VOID(Add(&bytes_, line.at("bytes")));
    const json& copied = line.at("rows_copied");
    if (!copied.is_null()) TRY_VOID(Add(&rows_copied_, copied));
    TRY_VOID(Add(&rows_source_, line.at("rows_source")));
    TRY_VOID(Add(&rows_target_, line.at("rows_target")));
    ++partitions_;
    return OkStatus();
  } catch (const json::exception& thrown) {
    return NotALine(thrown.what());
  }
}

json EvidenceTotals::ToJson() const {
  json totals = {{"tables", tables_},
                 {"tables_by_state", table_states_},
                 {"partitions", partitions_},
                 {"partitions_by_verdict", verdicts_},
                 {"files", files_},
                 {"bytes", bytes_},
                 {"rows_source", OrNull(rows_source_)},
                 {"rows_copied", rows_copied_},
                 {"rows_target", OrNull(rows_target_)}};
  if (!matches_.empty()) totals["matches_by_method"] = matches_;
  return totals;
}

Result<json> TableLine(const TableRecord& table, const maxcompute::Options& target) {
  TRY(json error, Document(table.error_json, "table " + table.source_name));
  json line = {{"table", table.source_name},
               {"target_table", TextOrNull(table.target_table)},
               {"state", StateName(table.state)},
               {"version", nullptr},
               {"plan", nullptr},
               {"later_plan", table.part ? TextOrNull(table.part->planned_by) : json(nullptr)},
               {"error", std::move(error)}};
  if (table.part && table.version != kNoVersion) line["version"] = table.version;
  if (table.plan_json.empty()) return line;
  TRY(const TablePlan plan, TablePlanFromJson(json::parse(table.plan_json, nullptr, false)));
  if (table.version != kNoVersion) line["version"] = table.version;
  line["plan"] = PlannedFields(plan, target);
  return line;
}

Result<json> PartitionLine(const TableRecord& table, const UnitRecord& unit) {
  const std::string where = "table " + table.source_name + " partition " + unit.partition;
  TRY(json source, Document(unit.source_checksum, where));
  TRY(json target, Document(unit.target_checksum, where));
  TRY(json changes, Document(unit.changes, where));
  TRY(json error, Document(unit.error_json, where));
  const bool committed = unit.state >= UnitState::kCommitted;
  return json{{"table", table.source_name},
              {"partition", unit.partition},
              {"version", unit.version == kNoVersion ? json(nullptr) : OrNull(unit.version)},
              {"state", StateName(unit.state)},
              {"verdict", VerdictName(unit.verdict)},
              {"compared_by", TextOrNull(std::string(MethodName(unit.compared_by)))},
              {"difference", TextOrNull(unit.difference)},
              {"generation", unit.generation},
              {"session_id", TextOrNull(unit.session_id)},
              {"fingerprint", unit.fingerprint},
              {"files", unit.files},
              {"bytes", unit.bytes},
              {"rows_source", OrNull(unit.rows_planned)},
              {"rows_copied", committed ? OrNull(unit.rows_copied) : json(nullptr)},
              {"rows_target", OrNull(unit.rows_target)},
              {"source_checksum", std::move(source)},
              {"target_checksum", std::move(target)},
              {"changes", std::move(changes)},
              {"error", std::move(error)}};
}

json ManifestOf(const EvidenceFacts& facts, const std::string& target_identity,
                const EvidenceTotals& totals) {
  const auto seconds = static_cast<std::time_t>(facts.made_ms / 1000);
  return {{"format", "mms-evidence"},
          {"format_version", kFormatVersion},
          {"product_version", facts.product_version},
          {"made_at", fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(seconds))},
          {"source",
           {{"workspace", TextOrNull(facts.workspace)}, {"catalog", TextOrNull(facts.catalog)}}},
          {"target", target_identity},
          {"job", facts.job},
          {"totals", totals.ToJson()}};
}

std::string CanonicalLine(json document) {
  ScrubStrings(document);
  // Names from outside may be broken UTF-8: replaced, never thrown about.
  return document.dump(-1, ' ', false, json::error_handler_t::replace) + "\n";
}

}  // namespace mms::migration
