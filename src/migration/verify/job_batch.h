// Waits for the jobs of one unit: how many are out, what they added up to, the first error. Jobs
// are handed out in a window, so that a unit of many blocks neither fills the pool's queue nor goes
// on after a failure.
//
// Threads: one owner thread calls Run; the pool's reader threads call back. Errors: the first
// job's.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "base/result.h"
#include "migration/checksum/checksum.h"
#include "migration/transfer/worker_pool.h"

namespace mms::migration {

struct BatchTotals {
  int64_t rows = 0;
  int64_t rows_deleted = 0;
  Checksum checksum;
  PartitionChecksums partitions;
  ValueChanges changes;
  std::vector<SendSpeed> send_speeds;  ///< of a MeasureJob
};

struct BatchOptions {
  size_t window = 64;  ///< jobs out at once
  /// What moved since the last call; negative when a job that died had counted too much.
  std::function<void(int64_t rows, int64_t source_bytes)> on_progress;
  std::function<void(int64_t bytes)> on_read;  ///< as WorkerPool::Callbacks
  std::function<void()> on_first_done;
  /// Jobs that no worker has yet are kCancelled once it says no; null = all are wanted.
  std::function<bool()> wanted;
  /// Of the `index`-th job that was given, from 0 on. On a thread of the pool's, one at a time.
  std::function<void(size_t index, const JobResult& result)> on_result;
};

/// Runs jobs until `next` gives none, then waits for all that are out, also after an error.
Result<BatchTotals> RunBatch(WorkerPool& pool,
                             const std::function<std::optional<WorkerPool::Job>()>& next,
                             const BatchOptions& options);

}  // namespace mms::migration
