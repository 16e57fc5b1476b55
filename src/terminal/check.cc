#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>

#include "terminal/interrupt.h"
#include "terminal/text.h"
#include "terminal/verbs.h"
#include "terminal/workflow_session.h"

namespace mms::terminal {
namespace {

using migration::CheckOutcome;

struct Mark {
  const char* word;  ///< in JSON
  const char* utf8;
  const char* ascii;
  Color color;
};

Mark MarkOf(CheckOutcome outcome) {
  switch (outcome) {
    case CheckOutcome::kOk: return {"ok", "✓", "ok", Color::kGreen};
    case CheckOutcome::kWarning: return {"warning", "!", "!", Color::kYellow};
    case CheckOutcome::kFailed: return {"failed", "✗", "!!", Color::kRed};
    case CheckOutcome::kUnknown: break;
  }
  return {"unknown", "?", "??", Color::kYellow};
}

void Print(const migration::CheckStep& step, int name_width, Output& output) {
  const Mark mark = MarkOf(step.outcome);
  if (output.json()) {
    output.Object("check", {{"name", step.name},
                            {"outcome", mark.word},
                            {"detail", step.detail},
                            {"remedy", step.remedy.empty() ? Json(nullptr) : Json(step.remedy)},
                            {"duration_ms", step.duration_ms},
                            {"error", step.error ? ErrorFields(*step.error) : Json(nullptr)}});
    return;
  }
  const Screen screen = ScreenOf(STDOUT_FILENO);
  // An error says mostly itself what to do.
  const bool told = step.detail.find(step.remedy) != std::string::npos;
  const std::string detail = step.detail + (told ? "" : "; " + step.remedy);
  output.Result(fmt::format(
      "{} {}  {}  {}\n", Colored(screen.utf8 ? mark.utf8 : mark.ascii, mark.color, screen),
      PadRight(Printable(step.name), name_width),
      PadLeft(fmt::format("{} ms", Thousands(step.duration_ms)), 9), Printable(detail)));
}

}  // namespace

ExitCode RunCheck(const std::string& file, bool start_compute, Output& output) {
  ExitOnInterrupt();
  const Result<Config> config = LoadForPeers(file);
  if (!config) return output.Fail(config.error());
  using migration::SqlWish;
  const migration::CheckWishes wishes{
      start_compute ? SqlWish::kStartAndSelectOne : SqlWish::kSelectOne,
      [&](const std::string& text) { output.Log(text); }};
  const std::vector<migration::CheckStep> steps =
      migration::Workflow::Check(config->options, wishes);
  int name_width = 0;
  for (const auto& step : steps) name_width = std::max(name_width, DisplayWidth(step.name));
  ExitCode code = ExitCode::kDone;
  for (const migration::CheckStep& step : steps) {
    Print(step, name_width, output);
    if (step.outcome != CheckOutcome::kFailed || code != ExitCode::kDone) continue;
    code = step.error ? ExitCodeOf(step.error->kind()) : ExitCode::kConfiguration;
  }
  return code;
}

}  // namespace mms::terminal
