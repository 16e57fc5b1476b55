// `mms source databases`, `map` and `mark`: what the scans found by source schema, where its tables
// go unless a job says otherwise, and how far their migration is taken to be.
#include <fmt/format.h>
#include <unistd.h>

#include "service/objects.h"
#include "terminal/source_verbs.h"
#include "terminal/source_view.h"
#include "terminal/text.h"

namespace mms::terminal {
namespace {

using migration::DatabaseEntry;
using migration::Metadata;
using migration::ObjectStatus;
using service::DataSource;
using service::Mapping;
using service::Store;

Json TextOrNull(const std::string& text) { return text.empty() ? Json() : Json(text); }

Json DatabaseFields(const DatabaseEntry& database, const Mapping& mapping, bool hidden) {
  return {{"name", database.name},
          {"comment", TextOrNull(database.comment)},
          {"status", migration::StatusName(migration::StatusOf(database))},
          {"deleted", database.deleted},
          {"hidden", hidden},
          {"tables", database.tables},
          {"tables_doing", database.tables_doing},
          {"tables_done", database.tables_done},
          {"tables_failed", database.tables_failed},
          {"tables_part_done", database.tables_part_done},
          {"updated_tables", database.updated_tables},
          {"partitions", database.partitions},
          {"rows", database.rows ? Json(*database.rows) : Json()},
          {"bytes", database.bytes ? Json(*database.bytes) : Json()},
          {"dst_project", TextOrNull(mapping.dst_project)},
          {"dst_schema", TextOrNull(mapping.dst_schema)}};
}

void PrintMappings(const std::vector<Mapping>& mappings, Output& output) {
  TextTable text({{"SCHEMA"}, {"TABLE"}, {"INTO PROJECT"}, {"SCHEMA THERE"}, {"NAME THERE"}});
  const auto said = [](const std::string& value) { return value.empty() ? "-" : value; };
  for (const Mapping& mapping : mappings) {
    if (output.json()) {
      output.Object("source_mapping", {{"src_db", mapping.src_db},
                                       {"src_table", TextOrNull(mapping.src_table)},
                                       {"dst_project", TextOrNull(mapping.dst_project)},
                                       {"dst_schema", TextOrNull(mapping.dst_schema)},
                                       {"dst_name", TextOrNull(mapping.dst_name)}});
      continue;
    }
    text.AddRow({mapping.src_db, said(mapping.src_table), said(mapping.dst_project),
                 said(mapping.dst_schema), said(mapping.dst_name)});
  }
  if (!output.json()) output.Result(text.Render(ScreenOf(STDOUT_FILENO).utf8));
}

Result<service::ObjectUpdate> ReadUpdate(Store& store, const SourceFlags& flags) {
  TRY(const DataSource source, store.FindSource(flags.name));
  service::ObjectUpdate update;
  update.source_id = source.id;
  update.db = flags.schema;
  update.tables = flags.tables;
  return update;
}

}  // namespace

Result<ExitCode> RunSourceDatabases(const SourceFlags& flags, Output& output) {
  TRY(SourceView view, SourceView::Open(flags.state));
  TRY(const DataSource source, view.store().FindSource(flags.name));
  TRY(const auto metadata, Metadata::OpenToRead(service::SourceFolder(flags.state, source.id)));
  const migration::Page page{(flags.page - 1) * flags.page_size, flags.page_size};
  TRY(const std::vector<DatabaseEntry> databases, metadata->Databases(page));
  TRY(const std::vector<Mapping> mappings, view.store().ListMappings(source.id));
  TRY(const migration::SourceFilter lists, service::FilterOf(source.config));
  TextTable text({{"SCHEMA"},
                  {"STATUS"},
                  {"INTO"},
                  {"TABLES", TextTable::Align::kRight},
                  {"DONE", TextTable::Align::kRight},
                  {"FAILED", TextTable::Align::kRight},
                  {"PARTITIONS", TextTable::Align::kRight},
                  {"ROWS", TextTable::Align::kRight},
                  {"BYTES", TextTable::Align::kRight}});
  for (const DatabaseEntry& database : databases) {
    const Mapping mapping = FindMapping(mappings, database.name, "");
    const bool hidden = !lists.TakesSchema(database.name);
    if (output.json()) {
      output.Object("source_database", DatabaseFields(database, mapping, hidden));
      continue;
    }
    std::string into = mapping.dst_project;
    if (!mapping.dst_schema.empty()) into += "." + mapping.dst_schema;
    std::string status(migration::StatusName(migration::StatusOf(database)));
    if (hidden) status += " (hidden)";
    if (database.deleted) status = "deleted";
    text.AddRow({database.name, status, into.empty() ? "-" : into, Thousands(database.tables),
                 Thousands(database.tables_done), Thousands(database.tables_failed),
                 Thousands(database.partitions), Thousands(database.rows),
                 HumanBytes(database.bytes)});
  }
  if (!output.json()) output.Result(text.Render(ScreenOf(STDOUT_FILENO).utf8));
  return ExitCode::kDone;
}

Result<ExitCode> RunSourceMap(const SourceFlags& flags, Output& output) {
  TRY(const auto store, Store::OpenBeside(flags.state));
  TRY(service::ObjectUpdate update, ReadUpdate(*store, flags));
  update.clear_mapping = flags.clear;
  update.dst_project = flags.project;
  update.dst_schema = flags.target_schema;
  update.dst_name = flags.target_name;
  const bool changes = update.clear_mapping || !update.dst_project.empty() ||
                       !update.dst_schema.empty() || !update.dst_name.empty();
  if (changes) TRY_VOID(UpdateObjects(*store, flags.state, update));
  TRY(const std::vector<Mapping> mappings, store->ListMappings(update.source_id, flags.schema));
  PrintMappings(mappings, output);
  return ExitCode::kDone;
}

Result<ExitCode> RunSourceMark(const SourceFlags& flags, Output& output) {
  TRY(const auto store, Store::OpenBeside(flags.state));
  TRY(service::ObjectUpdate update, ReadUpdate(*store, flags));
  update.partitions = flags.partitions;
  update.status = flags.status == "DONE" ? ObjectStatus::kDone : ObjectStatus::kInit;
  TRY(const int64_t marked, UpdateObjects(*store, flags.state, update));
  const char* what = "schema";
  if (!update.tables.empty()) what = "table";
  if (!update.partitions.empty()) what = "partition";
  if (output.json()) {
    output.Object("source_marked", {{"status", flags.status}, {"of", what}, {"count", marked}});
  }
  output.Log(Counted(marked, what) + " marked as " + flags.status +
             (flags.status == "DONE" ? ": left out of jobs until changed at the source"
                                     : ": copied again by the next job"));
  return ExitCode::kDone;
}

}  // namespace mms::terminal
