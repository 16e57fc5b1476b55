#include "terminal/report_writer.h"

#include <unistd.h>

#include <vector>

#include "base/clock.h"
#include "migration/workflow/run_facts.h"
#include "terminal/output_file.h"
#include "terminal/report_csv.h"
#include "terminal/report_html.h"
#include "terminal/report_table.h"
#include "terminal/text.h"

namespace mms::terminal {
namespace {

struct Context {
  const ReportOrigin& origin;
  const ReportFlags& flags;
  migration::Ledger& ledger;
  OutputFile& file;
};

std::string LeftOutText(const ReportOrigin& origin) {
  const int64_t count = origin.left_out_tables.value_or(0);
  if (count == 0) return "";
  return "\n" + Counted(count, "more table") +
         " of the job not told here: later jobs have taken over all of it (planned or copied it "
         "since, here or to another place), or none of its tasks has begun\n";
}

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
  const auto& left_out = context.origin.left_out_tables;
  fields["left_out_tables"] = left_out ? Json(*left_out) : Json(nullptr);
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
  return context.file.Write(RenderReport(tables, screen) + LeftOutText(context.origin) +
                            (last_run ? RenderRun(*last_run) : ""));
}

Status WriteHtml(const Context& context) {
  HtmlReport report;
  report.workspace = context.origin.workspace;
  report.catalog = context.origin.catalog;
  report.locations = context.origin.locations;
  report.left_out_tables = context.origin.left_out_tables.value_or(0);
  TRY(report.target, context.ledger.Target());
  report.made_ms = UnixMs();
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

}  // namespace

Status WriteReport(migration::Ledger& ledger, const ReportOrigin& origin, const ReportFlags& flags,
                   Output& output) {
  TRY(OutputFile document, OutputFile::Open(flags.out, &output));
  const std::string format = flags.format.empty() && output.json() ? "json" : flags.format;
  TRY_VOID(WriteAs(format, {origin, flags, ledger, document}));
  return document.Commit();
}

}  // namespace mms::terminal
