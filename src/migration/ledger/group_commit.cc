#include "migration/ledger/group_commit.h"

#include <optional>
#include <utility>

namespace mms::migration {
namespace {

constexpr size_t kBatchMax = 1024;

}  // namespace

GroupCommit::GroupCommit(Transaction* transaction)
    : transaction_(transaction), thread_([this] { Loop(); }) {}

GroupCommit::~GroupCommit() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_one();
  thread_.join();
}

std::future<Status> GroupCommit::Queue(Write write, std::function<void()> on_disk) {
  Waiting waiting{std::move(write), std::move(on_disk), {}};
  std::future<Status> done = waiting.done.get_future();
  {
    std::lock_guard lock(mutex_);
    CHECK(!stopping_);
    queue_.push_back(std::move(waiting));
  }
  wake_.notify_one();
  return done;
}

void GroupCommit::Waiting::Finish(Status status) {
  if (status.has_value() && on_disk) on_disk();
  done.set_value(std::move(status));
}

int64_t GroupCommit::transactions() const {
  std::lock_guard lock(mutex_);
  return transactions_;
}

void GroupCommit::Loop() {
  for (;;) {
    std::vector<Waiting> batch;
    {
      std::unique_lock lock(mutex_);
      wake_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
      if (queue_.empty()) return;
      while (!queue_.empty() && batch.size() < kBatchMax) {
        batch.push_back(std::move(queue_.front()));
        queue_.pop_front();
      }
    }
    WriteBatch(batch);
  }
}

void GroupCommit::WriteBatch(std::vector<Waiting>& batch) {
  Status outcome = transaction_->Begin();
  std::vector<Status> results;
  if (outcome.has_value()) {
    for (Waiting& waiting : batch) {
      results.push_back(waiting.write());
      if (results.back().has_value()) continue;
      if (results.back().error().kind() == ErrorKind::kConflict) continue;
      outcome = results.back().error();
      break;
    }
    if (outcome.has_value()) {
      outcome = transaction_->Commit();
    } else {
      transaction_->Rollback();
    }
  }
  if (outcome.has_value()) {
    {
      std::lock_guard lock(mutex_);
      ++transactions_;
    }
    for (size_t i = 0; i < batch.size(); ++i) batch[i].Finish(std::move(results[i]));
    return;
  }
  // One bad write must not fail its neighbours: each gets a transaction of its own, in the same
  // order.
  for (Waiting& waiting : batch) WriteAlone(waiting);
}

void GroupCommit::WriteAlone(Waiting& one) {
  Status status = transaction_->Begin();
  if (status.has_value()) {
    status = one.write();
    if (status.has_value()) {
      status = transaction_->Commit();
    } else {
      transaction_->Rollback();
    }
  }
  if (status.has_value()) {
    std::lock_guard lock(mutex_);
    ++transactions_;
  }
  one.Finish(std::move(status));
}

}  // namespace mms::migration
