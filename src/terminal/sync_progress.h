// Shows a running scan: a line redrawn in place on a terminal, a sentence every few seconds
// elsewhere, JSON objects with --json. Reads Scan::Progress() on a thread of its own.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <string>
#include <thread>

#include "migration/workflow/scan.h"
#include "terminal/output.h"
#include "terminal/progress_lines.h"

namespace mms::terminal {

/// "42.17 %  4,217 of 10,000 tables, 93 read, 1 failed".
std::string ScanSentence(const migration::ScanProgress& progress);
Json ScanFields(const migration::ScanProgress& progress, int64_t elapsed_ms);

class SyncProgress {
 public:
  /// Both outlive it. Shows until it ends.
  SyncProgress(const migration::Scan& scan, Output& output);
  ~SyncProgress();

  /// A line for people above the progress.
  void Note(const std::string& line);

 private:
  void Loop();
  void Show(bool last);

  const migration::Scan& scan_;
  Output& output_;
  const int64_t start_ms_;
  int64_t next_ms_ = 0;  // of the thread; so block_
  BottomBlock block_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::vector<std::string> notes_;  // guarded by mutex_; so below
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace mms::terminal
