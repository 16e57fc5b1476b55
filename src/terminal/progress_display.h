// Shows a running workflow: redraws a block in place on a terminal, writes plain lines elsewhere,
// JSON objects with --json. Reads Workflow::progress() on a thread of its own, and the ledger when
// a table ends.
//
// Threads: Start, Stop by the owner; Note from any thread. A ledger that cannot be read ends no
// run: the line of that table says so.
#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "migration/workflow/workflow.h"
#include "terminal/output.h"
#include "terminal/progress_lines.h"

namespace mms::terminal {

class ProgressDisplay {
 public:
  ProgressDisplay(migration::Workflow& workflow, Output& output);
  ~ProgressDisplay();

  void Start();
  /// Shows the tables that ended last, takes the block away. Idempotent.
  void Stop();
  /// A line for people, above the block.
  void Note(const std::string& line);
  /// Names of the tables whose end was shown. After Stop.
  const std::set<std::string>& ended() const { return ended_; }

 private:
  void Loop();
  void Show(bool last);
  void ShowEnded(const migration::Progress::View& view, std::vector<std::string>& above);
  int64_t ElapsedMs() const;

  migration::Workflow& workflow_;
  Output& output_;
  const std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
  ProgressMeter meter_;
  BottomBlock block_;
  int64_t next_sentence_ms_ = 0;
  std::set<std::string> ended_;

  std::mutex mutex_;  ///< of the two below
  std::vector<std::string> notes_;
  bool stopping_ = false;
  std::condition_variable wake_;
  std::thread thread_;
};

}  // namespace mms::terminal
