#include "terminal/source_table.h"

#include "terminal/table_report.h"

namespace mms::terminal {

using migration::TableChange;
using migration::TableEntry;

std::string NotesOf(const TableEntry& table) {
  std::string notes = table.deletion_vectors ? "deletion vectors" : "";
  if (!table.column_mapping.empty() && table.column_mapping != "none") {
    notes += (notes.empty() ? "" : ", ") + std::string("column mapping by ") + table.column_mapping;
  }
  if (!table.warning.empty()) notes += (notes.empty() ? "" : ", ") + table.warning;
  return notes;
}

TableChange ChangeIn(const TableEntry& table, int64_t scan) {
  return table.changed_scan == scan ? table.change : TableChange::kNone;
}

std::optional<int64_t> LogVersion(const TableEntry& table) {
  return table.version == migration::kNoVersion ? std::nullopt : table.version;
}

Json SourceTableFields(const TableEntry& table, int64_t scan) {
  const std::optional<Error> error = ErrorOfLedger(table.error_json);
  const auto text = [](const std::string& value) { return value.empty() ? Json() : Json(value); };
  return {{"source", table.listed.name},
          {"version", OrNull(LogVersion(table))},
          {"partitions", OrNull(table.partitions)},
          {"files", OrNull(table.files)},
          {"bytes", OrNull(table.bytes)},
          {"rows", OrNull(table.rows)},
          {"notes", NotesOf(table)},
          {"warning", text(table.warning)},
          {"error", error ? ErrorFields(*error) : Json(nullptr)},
          {"state", migration::StateName(table.state)},
          {"kind", text(table.listed.kind)},
          {"format", text(table.listed.format)},
          {"owner", text(table.listed.owner)},
          {"comment", text(table.listed.comment)},
          {"location", text(table.listed.location)},
          {"count_source", migration::CountSourceName(table.count_source)},
          {"changed_ms", OrNull(table.changed_ms)},
          {"catalog_updated_ms", OrNull(table.listed.catalog_updated_ms)},
          {"updated", table.updated},
          {"deleted", table.deleted},
          {"change", migration::ChangeName(ChangeIn(table, scan))}};
}

}  // namespace mms::terminal
