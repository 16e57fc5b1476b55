// One thread that writes for all: what is waiting when a transaction ends goes into the next one
// together, so that many units' transitions share an fsync. No timer: a lone write goes at once,
// under load batches grow by themselves.
//
// Threads: Queue from many. The database is touched by the writing thread alone.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <future>
#include <mutex>
#include <thread>
#include <vector>

#include "base/result.h"

namespace mms::migration {

/// A transaction's three words. Errors are those of the database; a failed Commit leaves nothing
/// open.
class Transaction {
 public:
  virtual ~Transaction() = default;
  virtual Status Begin() = 0;
  virtual Status Commit() = 0;
  virtual void Rollback() = 0;
};

class GroupCommit {
 public:
  /// A write. It either does all it has to, or returns an error after which the whole transaction
  /// is rolled back, except kConflict, which says that nothing was written.
  using Write = std::function<Status()>;

  /// `transaction` outlives the GroupCommit.
  explicit GroupCommit(Transaction* transaction);
  /// Writes what is waiting, then ends.
  ~GroupCommit();

  /// The future is ready when the write is durable or has failed. Writes happen in the order of the
  /// calls.
  /// `on_disk` is called first, when it is durable.
  std::future<Status> Queue(Write write, std::function<void()> on_disk = {});
  /// Transactions committed so far.
  int64_t transactions() const;

 private:
  struct Waiting {
    void Finish(Status status);

    Write write;
    std::function<void()> on_disk;
    std::promise<Status> done;
  };
  void Loop();
  void WriteBatch(std::vector<Waiting>& batch);
  void WriteAlone(Waiting& one);

  Transaction* transaction_;
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Waiting> queue_;
  bool stopping_ = false;
  int64_t transactions_ = 0;
  std::thread thread_;
};

}  // namespace mms::migration
