#include <unistd.h>

#include <algorithm>
#include <chrono>

#include "terminal/config.h"
#include "terminal/interrupt.h"
#include "terminal/output_file.h"
#include "terminal/report_csv.h"
#include "terminal/report_html.h"
#include "terminal/report_table.h"
#include "terminal/verbs.h"

namespace mms::terminal {
namespace {

struct Context {
  const migration::RunOptions& options;
  const ReportFlags& flags;
  migration::Ledger& ledger;
  OutputFile& file;
};

Status WriteJson(const Context& context) {
  std::vector<TableReport> tables;
  TRY_VOID(ReadReport(context.ledger, [&](TableReport table) -> Status {
    TRY_VOID(context.file.Write(ObjectLine("report_table", TableFields(table))));
    tables.push_back(std::move(table));
    return OkStatus();
  }));
  TRY(const auto last_run, migration::ReadLastRun(context.ledger));
  Json fields = TotalFields(tables);
  fields["last_run"] = last_run ? RunFields(*last_run) : Json(nullptr);
  return context.file.Write(ObjectLine("summary", fields));
}

Status WriteText(const Context& context) {
  std::vector<TableReport> tables;
  TRY_VOID(ReadReport(context.ledger, [&](TableReport table) -> Status {
    tables.push_back(std::move(table));
    return OkStatus();
  }));
  TRY(const auto last_run, migration::ReadLastRun(context.ledger));
  const Screen screen = context.flags.out.empty() ? ScreenOf(STDOUT_FILENO) : Screen{.utf8 = true};
  return context.file.Write(RenderReport(tables, screen) + (last_run ? RenderRun(*last_run) : ""));
}

Status WriteHtml(const Context& context) {
  HtmlReport report;
  report.workspace = context.options.source.workspace;
  report.catalog = context.options.source.catalog;
  report.locations =
      std::count_if(context.options.tables.begin(), context.options.tables.end(),
                    [](const migration::TableChoice& choice) { return !choice.location.empty(); });
  TRY(report.target, context.ledger.Target());
  report.made_ms = std::chrono::duration_cast<std::chrono::milliseconds>(
                       std::chrono::system_clock::now().time_since_epoch())
                       .count();
  report.language = context.flags.lang;
  return report.Write(context.ledger,
                      [&](std::string_view text) { return context.file.Write(text); });
}

Status WriteAs(const std::string& format, const Context& context) {
  if (format == "json") return WriteJson(context);
  if (format == "csv") {
    return WriteCsv(context.ledger,
                    [&](std::string_view text) { return context.file.Write(text); });
  }
  if (format == "html") return WriteHtml(context);
  return WriteText(context);
}

Status WriteReport(const std::string& file, const ReportFlags& flags, Output& output) {
  TRY(const Config config, LoadConfig(file, SecretUse::kIgnore));
  TRY(const auto ledger, migration::Ledger::OpenToRead(config.options.state_folder));
  TRY(OutputFile document, OutputFile::Open(flags.out, &output));
  const std::string format = flags.format.empty() && output.json() ? "json" : flags.format;
  TRY_VOID(WriteAs(format, {config.options, flags, *ledger, document}));
  return document.Commit();
}

}  // namespace

ExitCode RunReport(const std::string& file, const ReportFlags& flags, Output& output) {
  ExitOnInterrupt();
  const Status written = WriteReport(file, flags, output);
  return written ? ExitCode::kDone : output.Fail(written.error());
}

}  // namespace mms::terminal
