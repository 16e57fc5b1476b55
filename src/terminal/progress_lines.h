// Progress as text: what the screen shows for a moment's numbers, and the control sequences that
// put it there. Pure: clock and numbers come in, text goes out. progress_display.h drives it.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "migration/workflow/workflow.h"
#include "terminal/output.h"
#include "terminal/table_report.h"

namespace mms::terminal {

/// Bytes a second over the last seconds; unknown until it has seen some time pass.
class RateMeter {
 public:
  static constexpr int64_t kWindowMs = 10'000;
  static constexpr int64_t kLeastMs = 500;

  void Add(int64_t now_ms, int64_t bytes_done);
  std::optional<int64_t> BytesPerSecond() const;
  /// Time until `bytes_left` are done; unknown while nothing moves.
  std::optional<int64_t> TimeLeftMs(std::optional<int64_t> bytes_left) const;

 private:
  std::deque<std::pair<int64_t, int64_t>> samples_;
};

/// The numbers of one line.
struct ProgressNumbers {
  std::string name;
  std::string stage;
  std::optional<int64_t> bytes_total;  ///< nullopt = not known yet
  int64_t bytes_done = 0;
  int64_t rows_done = 0;
  std::optional<int64_t> bytes_per_second;
  std::optional<int64_t> time_left_ms;
};

/// A moment: tables at work, and all together.
struct ProgressMoment {
  std::vector<ProgressNumbers> running;
  std::vector<migration::TableProgress> running_tables;  ///< parallel to `running`
  ProgressNumbers total;
  int64_t tables_total = 0;
  int64_t tables_done = 0;
  int64_t tables_failed = 0;
  int64_t elapsed_ms = 0;
};

/// Turns views into moments; keeps the rates.
class ProgressMeter {
 public:
  ProgressMoment Measure(const migration::Progress::View& view, int64_t elapsed_ms);

 private:
  std::map<std::string, RateMeter> tables_;
  RateMeter total_;
};

bool HasEnded(migration::TableProgress::Stage stage);
/// "waiting", "planning", "creating", "copying", "verifying", "done", "failed", "refused".
std::string_view StageName(migration::TableProgress::Stage stage);

/// The block that is redrawn in place: a line per running table as far as the screen is high, and
/// the total. No line is wider than the screen.
std::vector<std::string> ProgressBlock(const ProgressMoment& moment, const Screen& screen);
/// One line for logs: totals and the names at work.
std::string ProgressSentence(const ProgressMoment& moment);
Json ProgressFields(const ProgressMoment& moment);
/// The line of a table that has ended.
std::string EndedLine(const TableReport& table, const Screen& screen);

/// Keeps a block of lines at the bottom of a terminal; other lines scroll up above it.
class BottomBlock {
 public:
  /// Text to write at once: first `above` (whole lines), then the block anew.
  std::string Redraw(const std::vector<std::string>& above, const std::vector<std::string>& block);

 private:
  size_t lines_ = 0;
};

}  // namespace mms::terminal
