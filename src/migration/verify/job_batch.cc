#include "migration/verify/job_batch.h"

#include <condition_variable>
#include <memory>
#include <mutex>
#include <utility>

namespace mms::migration {
namespace {

struct Batch {
  std::mutex mutex;
  std::condition_variable changed;
  size_t out = 0;
  size_t done = 0;
  BatchTotals totals;
  std::optional<Error> error;
};

/// What a job has reported so far, so that one given out again after its worker died counts once.
struct Reported {
  int64_t rows = 0;
  int64_t source_bytes = 0;
};

void Finish(Batch& batch, const BatchOptions& options, Reported reported, size_t index,
            Result<JobResult> result) {
  const int64_t rows = result.has_value() ? result->rows : 0;
  const int64_t bytes = result.has_value() ? result->source_bytes : 0;
  if (options.on_progress) options.on_progress(rows - reported.rows, bytes - reported.source_bytes);
  bool first = false;
  if (result.has_value() && options.on_first_done) {
    std::lock_guard lock(batch.mutex);
    first = batch.done == 0;
  }
  if (first) options.on_first_done();
  std::lock_guard lock(batch.mutex);
  if (result.has_value()) {
    if (options.on_result) options.on_result(index, *result);
    ++batch.done;
    batch.totals.rows += result->rows;
    batch.totals.rows_deleted += result->rows_deleted;
    batch.totals.checksum.Merge(result->checksum);
    Merge(result->partitions, &batch.totals.partitions);
    batch.totals.changes.Merge(result->changes);
    if (!result->send_speeds.empty()) batch.totals.send_speeds = std::move(result->send_speeds);
  } else if (!batch.error) {
    batch.error = std::move(result).error();
  }
  --batch.out;
  // Notified under the lock: the waiter may end its life as soon as it sees `out` at zero.
  batch.changed.notify_all();
}

}  // namespace

Result<BatchTotals> RunBatch(WorkerPool& pool,
                             const std::function<std::optional<WorkerPool::Job>()>& next,
                             const BatchOptions& options) {
  auto batch = std::make_shared<Batch>();
  for (size_t index = 0;; ++index) {
    {
      std::unique_lock lock(batch->mutex);
      batch->changed.wait(lock, [&] { return batch->out < options.window || batch->error; });
      if (batch->error) break;
    }
    std::optional<WorkerPool::Job> job = next();
    if (!job) break;
    {
      std::lock_guard lock(batch->mutex);
      ++batch->out;
    }
    auto reported = std::make_shared<Reported>();  // touched by one reader thread at a time
    WorkerPool::Callbacks callbacks;
    callbacks.on_progress = [reported, report = options.on_progress](int64_t rows, int64_t bytes) {
      reported->rows += rows;
      reported->source_bytes += bytes;
      if (report) report(rows, bytes);
    };
    callbacks.on_done = [batch, reported, index, &options](Result<JobResult> result) {
      Finish(*batch, options, *reported, index, std::move(result));
    };
    callbacks.wanted = options.wanted;
    callbacks.on_read = options.on_read;
    pool.Submit(std::move(*job), std::move(callbacks));
  }
  std::unique_lock lock(batch->mutex);
  batch->changed.wait(lock, [&] { return batch->out == 0; });
  if (batch->error) return *batch->error;
  return std::move(batch->totals);
}

}  // namespace mms::migration
