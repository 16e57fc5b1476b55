#include "terminal/progress_display.h"

#include <utility>

#include "terminal/report_table.h"

namespace mms::terminal {

ProgressDisplay::ProgressDisplay(migration::Workflow& workflow, Output& output)
    : workflow_(workflow),
      output_(output),
      live_(output, "progress", [this](int64_t elapsed_ms, const Screen& screen) {
        return LookAt(elapsed_ms, screen);
      }) {}

std::vector<std::string> ProgressDisplay::TellEnded(const migration::Progress::View& view,
                                                    const Screen& screen) {
  std::vector<std::string> lines;
  for (const migration::TableProgress& progress : view.running) {
    if (!HasEnded(progress.stage) || ended_.contains(progress.name)) continue;
    auto table = workflow_.ledger().FindTable(progress.name);
    ended_.insert(progress.name);
    if (!table || !*table) {
      // Refused before it had a place in the ledger, or a ledger that fails: show what is known.
      const std::string why = table ? "" : ": " + table.error().ToString();
      lines.push_back(progress.name + "  " + std::string(StageName(progress.stage)) + why);
      continue;
    }
    auto report = ReadTableReport(workflow_.ledger(), **table);
    if (!report) {
      lines.push_back(report.error().ToString());
    } else if (output_.json()) {
      output_.Object("table", TableFields(*report));
    } else {
      lines.push_back(EndedLine(*report, screen));
    }
  }
  return lines;
}

LiveProgress::Look ProgressDisplay::LookAt(int64_t elapsed_ms, const Screen& screen) {
  const migration::Progress::View view = workflow_.progress().Read();
  const ProgressMoment moment = meter_.Measure(view, elapsed_ms);
  std::vector<std::string> block;
  if (screen.terminal) block = ProgressBlock(moment, screen);
  return {TellEnded(view, screen), std::move(block), ProgressSentence(moment),
          ProgressFields(moment)};
}

}  // namespace mms::terminal
