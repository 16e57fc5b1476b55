#include <unistd.h>

#include "terminal/config.h"
#include "terminal/interrupt.h"
#include "terminal/report_table.h"
#include "terminal/verbs.h"

namespace mms::terminal {

ExitCode RunReport(const std::string& file, Output& output) {
  ExitOnInterrupt();
  const Result<Config> config = LoadConfig(file, SecretUse::kIgnore);
  if (!config) return output.Fail(config.error());
  auto ledger = migration::Ledger::OpenToRead(config->options.state_folder);
  if (!ledger) return output.Fail(ledger.error());
  std::vector<TableReport> tables;
  const Status read = ReadReport(**ledger, [&](TableReport table) -> Status {
    if (output.json()) output.Object("report_table", TableFields(table));
    tables.push_back(std::move(table));
    return OkStatus();
  });
  if (!read) return output.Fail(read.error());
  const auto last_run = migration::ReadLastRun(**ledger);
  if (!last_run) return output.Fail(last_run.error());
  if (output.json()) {
    Json fields = TotalFields(tables);
    fields["last_run"] = *last_run ? RunFields(**last_run) : Json(nullptr);
    output.Object("summary", fields);
  } else {
    const std::string run = *last_run ? RenderRun(**last_run) : "";
    output.Result(RenderReport(tables, ScreenOf(STDOUT_FILENO)) + run);
  }
  return ExitCode::kDone;
}

}  // namespace mms::terminal
