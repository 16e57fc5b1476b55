// Shows a running scan (live_progress.h): reads Scan::Progress().
#pragma once

#include <cstdint>
#include <string>

#include "migration/workflow/scan.h"
#include "terminal/live_progress.h"
#include "terminal/output.h"

namespace mms::terminal {

/// "42.17 %  4,217 of 10,000 tables, 93 read, 1 failed".
std::string ScanSentence(const migration::ScanProgress& progress);
Json ScanFields(const migration::ScanProgress& progress, int64_t elapsed_ms);

class SyncProgress {
 public:
  /// Both outlive it. Shows until it ends.
  SyncProgress(const migration::Scan& scan, Output& output);

  /// A line for people above the progress. From any thread.
  void Note(const std::string& line) { live_.Note(line); }

 private:
  LiveProgress live_;
};

}  // namespace mms::terminal
