#include <unistd.h>

#include "migration/metadata/metadata.h"
#include "service/config_items.h"
#include "terminal/interrupt.h"
#include "terminal/source_table.h"
#include "terminal/source_verbs.h"
#include "terminal/source_view.h"
#include "terminal/table_report.h"
#include "terminal/text.h"

namespace mms::terminal {
namespace {

using migration::Metadata;
using migration::TableEntry;
using service::AsyncTask;
using service::AsyncType;
using service::DataSource;
using service::Service;

/// CONFIG_TEST or CONFIG_UPDATE with the settings of `flags`, to its end.
Result<AsyncTask> RunChanges(Service& service, AsyncType type, const SourceFlags& flags,
                             int64_t source_id) {
  service::AsyncRequest request;
  request.source_id = source_id;
  request.type = type;
  request.test = flags.test;
  request.networklink = flags.networklink;
  TRY(const Json settings, ReadSettings(flags.settings, service::FindConfigItem));
  request.changes = nlohmann::json(settings);
  TRY(const int64_t id, service.BeginTask(request));
  return service.WaitForTask(id);
}

}  // namespace

Result<ExitCode> RunSourceAdd(const SourceFlags& flags, Output& output) {
  TRY(const Json settings, ReadSettings(flags.settings, service::FindConfigItem));
  TRY(const auto service, TakeService(flags));
  service::NewDataSource source;
  source.name = flags.name;
  source.type = flags.type;
  if (!flags.networklink.empty()) source.networklink = flags.networklink;
  source.config = nlohmann::json(settings);
  TRY(const int64_t id, service->CreateDataSource(source));
  TRY(const DataSource added, service->store().GetSource(id));
  PrintSource(added, output);
  return ExitCode::kDone;
}

Result<ExitCode> RunSourceList(const SourceFlags& flags, Output& output) {
  TRY(SourceView view, SourceView::Open(flags.state));
  const service::Store::SourceFilterBy filter{flags.part, ""};
  TRY(const auto sources, view.store().ListSources(filter, {flags.page, flags.page_size}));
  TRY(const int64_t total, view.store().CountSources(filter));
  TextTable table({{"ID"}, {"NAME"}, {"STATUS"}, {"CATALOG"}, {"LAST SYNC"}});
  for (const DataSource& source : sources) {
    if (output.json()) {
      output.Object("source", SourceFields(source));
    } else {
      table.AddRow({std::to_string(source.id), source.name,
                    std::string(service::StatusName(source.status)),
                    source.config.Get("db.catalog"), TimeText(source.updated_ms)});
    }
  }
  if (!output.json()) output.Result(table.Render(ScreenOf(STDOUT_FILENO).utf8));
  output.Log(Thousands(static_cast<int64_t>(sources.size())) + " of " +
             Counted(total, "data source"));
  return ExitCode::kDone;
}

Result<ExitCode> RunSourceShow(const SourceFlags& flags, Output& output) {
  TRY(SourceView view, SourceView::Open(flags.state));
  TRY(const DataSource source, view.store().FindSource(flags.name));
  PrintSource(source, output);
  return ExitCode::kDone;
}

Result<ExitCode> RunSourceStatus(const SourceFlags& flags, Output& output) {
  TRY(SourceView view, SourceView::Open(flags.state));
  TRY(const DataSource source, view.store().FindSource(flags.name));
  TRY_VOID(PrintStatus(view.store(), source, output));
  return ExitCode::kDone;
}

Result<ExitCode> RunSourceTest(const SourceFlags& flags, Output& output) {
  ExitOnInterrupt();
  TRY(const auto service, TakeService(flags));
  TRY(const DataSource source, service->store().FindSource(flags.name));
  TRY(const AsyncTask task, RunChanges(*service, AsyncType::kConfigTest, flags, source.id));
  PrintSteps(task, output);
  if (output.json()) output.Object("source_task", TaskFields(task));
  if (const auto error = ErrorOfLedger(task.error_json)) return *error;
  return ExitCode::kDone;
}

Result<ExitCode> RunSourceTasks(const SourceFlags& flags, Output& output) {
  TRY(SourceView view, SourceView::Open(flags.state));
  TRY(const DataSource source, view.store().FindSource(flags.name));
  TRY(const auto tasks, view.store().ListTasks(source.id, {flags.page, flags.page_size}));
  TextTable table({{"ID"}, {"TYPE"}, {"CAUSE"}, {"STATUS"}, {"BEGAN"}, {"ENDED"}, {"ERROR"}});
  for (const AsyncTask& task : tasks) {
    if (output.json()) {
      output.Object("source_task", TaskFields(task));
      continue;
    }
    const std::optional<Error> error = ErrorOfLedger(task.error_json);
    table.AddRow({std::to_string(task.id), std::string(service::TypeName(task.type)), task.cause,
                  std::string(service::StatusName(task.status)), TimeText(task.started_ms),
                  TimeText(task.ended_ms), error ? error->ToString() : ""});
  }
  if (!output.json()) output.Result(table.Render(ScreenOf(STDOUT_FILENO).utf8));
  return ExitCode::kDone;
}

Result<ExitCode> RunSourceUpdate(const SourceFlags& flags, Output& output) {
  const bool changes = !flags.settings.empty() || !flags.networklink.empty();
  if (!changes && flags.rename.empty()) {
    return Error(ErrorKind::kInvalidInput, "CONFIG_VALUE",
                 "nothing to change; give --set KEY=VALUE, --networklink NAME or --rename NAME");
  }
  TRY(const auto service, TakeService(flags));
  TRY(const DataSource source, service->store().FindSource(flags.name));
  if (changes) {
    TRY(const AsyncTask task, RunChanges(*service, AsyncType::kConfigUpdate, flags, source.id));
    PrintSteps(task, output);
    if (output.json()) output.Object("source_task", TaskFields(task));
    if (const auto error = ErrorOfLedger(task.error_json)) return *error;
  }
  if (!flags.rename.empty()) TRY_VOID(service->RenameDataSource(source.id, flags.rename));
  TRY(const DataSource updated, service->store().GetSource(source.id));
  PrintSource(updated, output);
  return ExitCode::kDone;
}

Result<ExitCode> RunSourceRemove(const SourceFlags& flags, Output& output) {
  TRY(const auto service, TakeService(flags));
  TRY(const DataSource source, service->store().FindSource(flags.name));
  TRY_VOID(service->DeleteDataSource(source.id));
  if (output.json()) output.Object("source_removed", {{"id", source.id}, {"name", source.name}});
  output.Log("removed data source " + source.name + " and what was known of its tables");
  return ExitCode::kDone;
}

Result<ExitCode> RunSourceTables(const SourceFlags& flags, Output& output) {
  TRY(SourceView view, SourceView::Open(flags.state));
  TRY(const DataSource source, view.store().FindSource(flags.name));
  TRY(const auto metadata, Metadata::OpenToRead(service::SourceFolder(flags.state, source.id)));
  TRY(const auto scan, metadata->LastScan());
  TRY(const std::vector<service::Mapping> mappings, view.store().ListMappings(source.id));
  TRY(const migration::SourceFilter lists, service::FilterOf(source.config));
  migration::TableFilter filter;
  filter.pattern = flags.pattern;
  TextTable text({{"SOURCE"},
                  {"KIND"},
                  {"STATE"},
                  {"STATUS"},
                  {"PARTITIONS", TextTable::Align::kRight},
                  {"ROWS", TextTable::Align::kRight},
                  {"BYTES", TextTable::Align::kRight}});
  TRY_VOID(metadata->VisitTables(filter, [&](const TableEntry& table) -> Status {
    const bool hidden = !lists.TakesTable(table.listed.database, table.listed.table);
    if (output.json()) {
      Json fields = SourceTableFields(table, scan ? scan->id : 0);
      fields["hidden"] = hidden;
      fields["status"] = migration::StatusName(table.status);
      const auto mapping = FindMapping(mappings, table.listed.database, table.listed.table);
      const auto said = [](const std::string& text) { return text.empty() ? Json() : Json(text); };
      fields["dst_project"] = said(mapping.dst_project);
      fields["dst_schema"] = said(mapping.dst_schema);
      fields["dst_name"] = said(mapping.dst_name);
      output.Object("source_table", fields);
    } else {
      std::string_view state = migration::StateName(table.state);
      if (hidden) state = "hidden";
      if (table.deleted) state = "deleted";
      text.AddRow({table.listed.name, table.listed.kind, std::string(state),
                   std::string(migration::StatusName(table.status)),
                   table.partitions ? Thousands(table.partitions) : "-", Thousands(table.rows),
                   HumanBytes(table.bytes)});
    }
    return OkStatus();
  }));
  if (!output.json()) output.Result(text.Render(ScreenOf(STDOUT_FILENO).utf8));
  return ExitCode::kDone;
}

Result<ExitCode> RunSourceItems(const SourceFlags& flags, Output& output) {
  PrintItems(service::ConfigItems(), flags, output);
  return ExitCode::kDone;
}

}  // namespace mms::terminal
