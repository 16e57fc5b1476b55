#include "terminal/sync_progress.h"

#include <fmt/format.h>

#include "terminal/text.h"

namespace mms::terminal {

std::string ScanSentence(const migration::ScanProgress& progress) {
  std::string text =
      fmt::format("{}.{:02} %", progress.hundredths / 100, progress.hundredths % 100);
  if (progress.tables_total == 0) return text + "  listing schemas and tables";
  text += fmt::format("  {} of {}, {} read", Thousands(progress.tables_done),
                      Counted(progress.tables_total, "table"), Thousands(progress.tables_read));
  if (progress.tables_failed > 0) text += ", " + Thousands(progress.tables_failed) + " failed";
  return text;
}

Json ScanFields(const migration::ScanProgress& progress, int64_t elapsed_ms) {
  return {{"hundredths", progress.hundredths},       {"tables_total", progress.tables_total},
          {"tables_done", progress.tables_done},     {"tables_read", progress.tables_read},
          {"tables_failed", progress.tables_failed}, {"elapsed_ms", elapsed_ms}};
}

SyncProgress::SyncProgress(const migration::Scan& scan, Output& output)
    : live_(output, "sync_progress", [&scan](int64_t elapsed_ms, const Screen&) {
        const migration::ScanProgress progress = scan.Progress();
        const std::string sentence = ScanSentence(progress);
        return LiveProgress::Look{{},
                                  {sentence + "  " + HumanDuration(elapsed_ms)},
                                  sentence,
                                  ScanFields(progress, elapsed_ms)};
      }) {
  live_.Start();
}

}  // namespace mms::terminal
