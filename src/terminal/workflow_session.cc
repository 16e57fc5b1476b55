#include "terminal/workflow_session.h"

#include <unistd.h>

#include <chrono>
#include <set>

#include "terminal/interrupt.h"
#include "terminal/progress_display.h"
#include "terminal/report_table.h"
#include "terminal/text.h"

namespace mms::terminal {
namespace {

using Clock = std::chrono::steady_clock;

Result<std::vector<TableReport>> ReadAll(migration::Workflow& workflow) {
  std::vector<TableReport> tables;
  TRY_VOID(ReadReport(workflow.ledger(), [&](TableReport table) -> Status {
    tables.push_back(std::move(table));
    return OkStatus();
  }));
  return tables;
}

struct Ended {
  const migration::RunSummary& summary;
  ExitCode code;
  const std::set<std::string>& shown;  ///< tables that the progress showed
};

void PrintObjects(const migration::Workflow& workflow, const std::vector<TableReport>& tables,
                  const Ended& ended, Output& output) {
  const auto& [summary, code, shown] = ended;
  // Tables that ended in an earlier run were not shown yet: a reader gets each table once.
  for (const TableReport& table : tables) {
    if (!shown.contains(table.source)) output.Object("table", TableFields(table));
  }
  Json fields = TotalFields(tables);
  fields["run"] = {{"tables", summary.tables},
                   {"done", summary.done},
                   {"refused", summary.refused},
                   {"failed", summary.failed},
                   {"mismatched", summary.mismatched}};
  fields.update(RunFields(workflow.Facts()));
  fields["exit_code"] = static_cast<int>(code);
  output.Object("summary", fields);
}

/// "" when blocks went raw, as they do without a word.
std::string CompressedText(const migration::RunFacts& facts) {
  const bool raw = !facts.codec || facts.codec->name == "raw";
  return raw ? "" : ", blocks by " + facts.codec->name;
}

}  // namespace

Result<Config> LoadForPeers(const std::string& file) {
  TRY(Config config, LoadConfig(file, SecretUse::kResolve));
  ForgetSecretVariables(config);
  return config;
}

ExitCode Drive(migration::Workflow& workflow, const Command& command, Output& output,
               const std::function<Result<migration::RunSummary>(migration::Workflow&)>& action) {
  const auto start = Clock::now();
  ProgressDisplay display(workflow, output);
  Interrupt interrupt([&] {
    display.Note(
        "stopping once the work in hand is safe; press Ctrl-C again to stop at once. "
        "To go on later: " +
        command.Text());
    workflow.Cancel();
  });
  workflow.progress().on_note = [&](const std::string& text) { display.Note(text); };
  workflow.progress().on_statement = [&](const std::string& text, const std::string& /*sql*/) {
    display.Note(text);
  };
  display.Start();
  const Result<migration::RunSummary> summary = action(workflow);
  display.Stop();
  workflow.progress().on_note = nullptr;
  workflow.progress().on_statement = nullptr;
  if (!summary) {
    if (summary.error().kind() == ErrorKind::kCancelled && interrupt.Caught()) {
      return output.Fail(Error(ErrorKind::kCancelled, "INTERRUPTED",
                               "stopped by a signal; what is finished stays finished, "
                               "go on with: " +
                                   command.Text()));
    }
    return output.Fail(summary.error());
  }
  const Result<std::vector<TableReport>> tables = ReadAll(workflow);
  if (!tables) return output.Fail(tables.error());
  const ExitCode code = ExitCodeOf(*summary, FailuresOf(*tables));
  if (output.json()) {
    PrintObjects(workflow, *tables, {*summary, code, display.ended()}, output);
    return code;
  }
  const auto spent = std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - start);
  output.Result(Counted(static_cast<int64_t>(tables->size()), "table") + ": " +
                OutcomeCounts(*tables) + CompressedText(workflow.Facts()) + ", in " +
                HumanDuration(spent.count()) + "; table by table: mms report -f " + command.file +
                "\n" + RenderReasons(*tables));
  return code;
}

}  // namespace mms::terminal
