#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>

#include "terminal/interrupt.h"
#include "terminal/text.h"
#include "terminal/verbs.h"
#include "terminal/workflow_session.h"

namespace mms::terminal {
namespace {

void Print(const migration::CheckStep& step, int name_width, Output& output) {
  if (output.json()) {
    output.Object("check", {{"name", step.name},
                            {"ok", step.ok},
                            {"detail", step.detail},
                            {"duration_ms", step.duration_ms},
                            {"error", step.error ? ErrorFields(*step.error) : Json(nullptr)}});
    return;
  }
  const Screen screen = ScreenOf(STDOUT_FILENO);
  const char* mark = step.ok ? (screen.utf8 ? "✓" : "ok") : (screen.utf8 ? "✗" : "!!");
  // The error says what to do and carries its code; `detail` then only repeats it.
  const std::string detail = step.error ? step.error->ToString() : step.detail;
  output.Result(fmt::format(
      "{} {}  {}  {}\n", Colored(mark, step.ok ? Color::kGreen : Color::kRed, screen),
      PadRight(Printable(step.name), name_width),
      PadLeft(fmt::format("{} ms", Thousands(step.duration_ms)), 9), Printable(detail)));
}

}  // namespace

ExitCode RunCheck(const std::string& file, Output& output) {
  ExitOnInterrupt();
  const Result<Config> config = LoadForPeers(file);
  if (!config) return output.Fail(config.error());
  const std::vector<migration::CheckStep> steps = migration::Workflow::Check(config->options);
  int name_width = 0;
  for (const auto& step : steps) name_width = std::max(name_width, DisplayWidth(step.name));
  ExitCode code = ExitCode::kDone;
  for (const migration::CheckStep& step : steps) {
    Print(step, name_width, output);
    if (step.ok || code != ExitCode::kDone) continue;
    code = step.error ? ExitCodeOf(step.error->kind()) : ExitCode::kConfiguration;
  }
  return code;
}

}  // namespace mms::terminal
