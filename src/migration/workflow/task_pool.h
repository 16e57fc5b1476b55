// Threads for blocking work: units that wait for the network, tables side by side. No back-pressure
// here: callers bound what they queue. A thread begins when there is work for it and no other is
// idle.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace mms::migration {

/// Threads: Submit from any, also from a task.
class TaskPool {
 public:
  explicit TaskPool(int threads_max);
  /// Runs what is queued, then ends. Nothing may be submitted any more.
  ~TaskPool();
  TaskPool(const TaskPool&) = delete;
  TaskPool& operator=(const TaskPool&) = delete;

  void Submit(std::function<void()> task);

 private:
  void Loop();

  const size_t threads_max_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::function<void()>> queue_;  // guarded by mutex_; so below
  size_t idle_ = 0;
  bool stopping_ = false;
  std::vector<std::thread> threads_;
};

/// Calls `body` for 0..count-1 on up to `threads` threads, in rising order of start; returns when
/// all have.
void ForEach(int threads, size_t count, const std::function<void(size_t)>& body);

}  // namespace mms::migration
