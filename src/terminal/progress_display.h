// Shows a running workflow (live_progress.h): its tables and the total, and a line for each table
// that ended, read from the ledger. A ledger that cannot be read ends no run: the line of that
// table says so.
#pragma once

#include <cstdint>
#include <set>
#include <string>

#include "migration/workflow/workflow.h"
#include "terminal/live_progress.h"
#include "terminal/output.h"
#include "terminal/progress_lines.h"

namespace mms::terminal {

class ProgressDisplay {
 public:
  /// Both outlive it.
  ProgressDisplay(migration::Workflow& workflow, Output& output);

  void Start() { live_.Start(); }
  /// Shows the tables that ended last, takes the block away. Idempotent.
  void Stop() { live_.Stop(); }
  /// A line for people, above the block. From any thread.
  void Note(const std::string& line) { live_.Note(line); }
  /// Names of the tables whose end was shown. After Stop.
  const std::set<std::string>& ended() const { return ended_; }

 private:
  LiveProgress::Look LookAt(int64_t elapsed_ms, const Screen& screen);
  std::vector<std::string> TellEnded(const migration::Progress::View& view, const Screen& screen);

  migration::Workflow& workflow_;
  Output& output_;
  ProgressMeter meter_;
  std::set<std::string> ended_;
  LiveProgress live_;  // last: its thread uses the others
};

}  // namespace mms::terminal
