// The local engine: `mms worker` child processes, fed with jobs. A worker that dies is replaced and
// its jobs are given out again (a block sent twice replaces itself), up to attempts_max times a
// job.
//
// Threads: every method may be called from many threads. Callbacks run on the pool's reader threads
// and must be short. Children die with this process (PR_SET_PDEATHSIG).
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "base/result.h"
#include "migration/transfer/job.h"

namespace mms::migration {

struct PoolOptions {
  std::string program;  ///< path of the mms binary; "" = this one
  int workers = 2;
  int attempts_max = 4;
  /// A worker holds as many jobs as it has threads, but beyond the first only while their source
  /// bytes together stay below this: many small jobs side by side, large ones one at a time.
  int64_t bytes_in_flight = 16LL << 20;
};

class WorkerPool {
 public:
  static Result<std::unique_ptr<WorkerPool>> Start(PoolOptions options, Hello hello);
  ~WorkerPool();

  /// Makes a table's plan (without units) known to all workers, those started later included.
  void AddTable(const std::string& key, const TablePlan& plan);
  /// Drops it again, here and in the workers; no job of it may be queued or running.
  void RemoveTable(const std::string& key);

  using Job = std::variant<CopyJob, ReadBackJob, MeasureJob>;
  struct Callbacks {
    std::function<void(int64_t rows, int64_t source_bytes)> on_progress;  ///< since the last call
    std::function<void(Result<JobResult>)> on_done;                       ///< exactly once
    /// Asked before a worker gets it, where it may block for a moment; not wanted = kCancelled.
    /// null = always.
    std::function<bool()> wanted = {};
    /// What the source sent since the last call; never taken back.
    std::function<void(int64_t bytes)> on_read = {};
  };
  /// Queues a job (its `job` number is set here). Never blocks.
  void Submit(Job job, Callbacks callbacks);

  /// Process ids of the running workers.
  std::vector<int> Pids() const;

  /// Fails what is queued or running with kCancelled and ends the workers.
  void Stop();

 private:
  struct State;
  WorkerPool();
  std::shared_ptr<State> state_;
};

/// The whole of `mms worker`: reads jobs on stdin until it closes, writes events on stdout.
Status RunWorker();

}  // namespace mms::migration
