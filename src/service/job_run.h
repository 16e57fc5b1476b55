// One task of a job, from its begin to its end in the store: what it is told from the job, the
// steps of MMS's task machine as they are taken, the object's status in the metadata, and whether a
// failure is tried again.
//
// A failure of the network or of a peer that is busy is tried again by itself, three times in all,
// after 30 s and 2 min or when the peer says; nothing else is: types and rights do not change by
// waiting.
//
// Threads: Run blocks its thread; one object a task. Errors of Run: those of the store and of the
// metadata.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "base/result.h"
#include "migration/workflow/job_task.h"
#include "migration/workflow/progress.h"
#include "service/instance.h"
#include "service/store.h"

namespace mms::service {

/// How long to wait before the next try of what has failed `attempts` times; nullopt = none.
std::optional<int64_t> WaitBeforeRetry(const Error& error, int64_t attempts);

class JobRun {
 public:
  struct Peers {
    Store& store;
    std::function<int64_t()> now_ms;
    std::function<int64_t()> steady_ms;                          ///< for what lasts
    std::function<Result<std::shared_ptr<Instance>>()> connect;  ///< starts the source if needed
    std::function<bool()> ending;
  };
  JobRun(Peers peers, JobTask task)
      : peers_(std::move(peers)),
        task_(std::move(task)),
        begun_ms_(peers_.steady_ms()),
        stop_looked_ms_(begun_ms_) {}

  /// The task has begun (Store::BeginJobTask). Errors: its end could not be stored; so it still
  /// runs by the store, until another process takes the folder over.
  Status Run();

  /// Of what moves, from any thread.
  migration::TableProgress Moving() const;
  /// Of this try and those before it, from any thread.
  std::optional<migration::Traffic> TrafficSoFar() const;
  /// As TrafficSoFar; nullopt also while it has no instance.
  std::optional<ShareTaken> ShareSoFar() const;
  /// How long SQL of the source may have run for it, of this try and those before it.
  std::optional<int64_t> SqlSoFar() const;
  int64_t task_id() const { return task_.id; }

 private:
  using Outcome = Result<migration::JobTaskResult>;
  Result<migration::JobTaskOrder> MakeOrder(Instance& instance);
  /// Where the table goes, as the choice of jobs compares it.
  std::string PlaceOf(Instance& instance, const migration::TableEntry& table) const;
  /// The table is not at the target, though partitions of it may have been copied there.
  Status ForgetCopied(Instance& instance);
  Outcome Copy(Instance& instance);
  void Follow(const migration::TableProgress& table);
  Status Step(JobTaskStatus status, const std::string& action, const std::string& message);
  Status End(Instance* instance, const Outcome& outcome);
  Status EndDone(const migration::JobTaskResult& result);
  /// How many of the partitions that it copied are not its own to compare any more.
  /// JobTaskOrder::add_values.
  Status AddValues(Instance& instance, migration::PartitionSelection* selection);
  /// JobTaskOrder::yields.
  Result<bool> LetGo(Instance& instance, const std::string& owner);
  Result<int64_t> TakenOver(Instance& instance, const migration::JobTaskResult& result);
  std::string TakenOverText() const;
  Status EndUncompared(const Error& error);
  Status EndFailed(const migration::JobTaskResult& result, const Error& error);
  Status EndStopped(const std::string& why);
  Status SetObject(Instance* instance, migration::ObjectStatus status,
                   const migration::JobTaskResult* result);
  /// What the change is of became at the target.
  Result<std::vector<std::string>> NamesOf(Instance& instance,
                                           const migration::JobTaskResult& result,
                                           const migration::Metadata::StatusChange& change) const;
  bool IsStopped();
  const Peers peers_;
  const JobTask task_;
  const int64_t begun_ms_;
  int64_t taken_over_ = 0;
  JobConfig config_;
  migration::Progress progress_;
  mutable std::mutex mutex_;
  JobTaskStatus at_ = JobTaskStatus::kInit;  // guarded by mutex_; so below
  int64_t stop_looked_ms_;
  bool stopped_ = false;
  std::optional<Error> failure_;  ///< of a step that could not be stored
  std::unique_ptr<InstanceShares::Share> share_;
};

}  // namespace mms::service
