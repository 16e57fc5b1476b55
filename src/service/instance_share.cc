#include "service/instance_share.h"

#include <mutex>
#include <utility>

namespace mms::service {
namespace {

constexpr int64_t kParts = 1'000;  // of a unit's millisecond; what is left of one is nobody's

}  // namespace

struct InstanceShares::Share::Shared {
  const int64_t compute_units;
  const std::function<int64_t()> now_ms;
  std::mutex mutex;
  int64_t tasks = 0;     // guarded by mutex; so below
  int64_t each = 0;      ///< parts that a task had which was there from the begin
  int64_t until_ms = 0;  ///< to which they were given; a clock that is set back takes none away

  void GiveUntilNow() {
    const int64_t now = now_ms();
    if (tasks > 0 && now > until_ms) each += (now - until_ms) * compute_units * kParts / tasks;
    if (now > until_ms) until_ms = now;
  }
};

InstanceShares::InstanceShares(int64_t compute_units, std::function<int64_t()> now_ms)
    : shared_(new Share::Shared{compute_units, std::move(now_ms), {}}) {}

std::unique_ptr<InstanceShares::Share> InstanceShares::Begin() {
  return std::unique_ptr<Share>(new Share(shared_));
}

int64_t InstanceShares::tasks() const {
  const std::lock_guard lock(shared_->mutex);
  return shared_->tasks;
}

InstanceShares::Share::Share(std::shared_ptr<Shared> shared) : shared_(std::move(shared)) {
  const std::lock_guard lock(shared_->mutex);
  shared_->GiveUntilNow();
  ++shared_->tasks;
  from_ = shared_->each;
}

InstanceShares::Share::~Share() {
  const std::lock_guard lock(shared_->mutex);
  shared_->GiveUntilNow();
  --shared_->tasks;
}

ShareTaken InstanceShares::Share::taken() const {
  const std::lock_guard lock(shared_->mutex);
  shared_->GiveUntilNow();
  return {(shared_->each - from_) / kParts, shared_->until_ms};
}

}  // namespace mms::service
