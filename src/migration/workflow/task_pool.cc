#include "migration/workflow/task_pool.h"

#include <algorithm>
#include <atomic>
#include <utility>

namespace mms::migration {

TaskPool::TaskPool(int threads_max) : threads_max_(static_cast<size_t>(std::max(1, threads_max))) {}

TaskPool::~TaskPool() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

void TaskPool::Submit(std::function<void()> task) {
  {
    std::lock_guard lock(mutex_);
    queue_.push_back(std::move(task));
    // At the end those that there are do the rest.
    const bool more = idle_ < queue_.size() && threads_.size() < threads_max_ && !stopping_;
    if (more || threads_.empty()) threads_.emplace_back([this] { Loop(); });
  }
  wake_.notify_one();
}

void TaskPool::Loop() {
  for (;;) {
    std::function<void()> task;
    {
      std::unique_lock lock(mutex_);
      ++idle_;
      wake_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
      --idle_;
      if (queue_.empty()) return;
      task = std::move(queue_.front());
      queue_.pop_front();
    }
    task();
  }
}

void ForEach(int threads, size_t count, const std::function<void(size_t)>& body) {
  std::atomic<size_t> next{0};
  std::vector<std::thread> running;
  const size_t wanted = std::min(count, static_cast<size_t>(std::max(1, threads)));
  for (size_t i = 0; i < wanted; ++i) {
    running.emplace_back([&] {
      for (size_t index = next++; index < count; index = next++) body(index);
    });
  }
  for (std::thread& thread : running) thread.join();
}

}  // namespace mms::migration
