#include "migration/workflow/unit_window.h"

#include <utility>

#include "migration/workflow/unit_load.h"

namespace mms::migration {
namespace {

constexpr size_t kUnitsMax = 1100;  // more than a page, so that the next page's DDL overlaps
constexpr size_t kBytesMax = 32ULL << 20;
constexpr int64_t kFailuresMax = 20;

int Weight(const Error& error) {
  if (IsSourceGone(error)) return 3;
  if (error.kind() == ErrorKind::kDenied) return 2;
  return error.kind() == ErrorKind::kCancelled ? 0 : 1;
}

}  // namespace

void UnitWindow::Enter(size_t bytes) {
  std::unique_lock lock(mutex_);
  changed_.wait(lock,
                [&] { return units_ == 0 || (units_ < kUnitsMax && bytes_ + bytes <= kBytesMax); });
  ++units_;
  bytes_ += bytes;
}

void UnitWindow::Leave(size_t bytes) {
  std::lock_guard lock(mutex_);
  --units_;
  bytes_ -= bytes;
  changed_.notify_all();
}

void UnitWindow::Drain() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return units_ == 0; });
}

void UnitWindow::Fail(Error error) {
  std::lock_guard lock(mutex_);
  const int weight = Weight(error);
  if (weight > 0) ++failed_;
  if (weight >= 2 || failed_ >= kFailuresMax) stop_ = true;
  if (!error_ || weight > Weight(*error_)) error_ = std::move(error);
}

bool UnitWindow::ShouldStop() const {
  std::lock_guard lock(mutex_);
  return stop_;
}

int64_t UnitWindow::failed() const {
  std::lock_guard lock(mutex_);
  return failed_;
}

std::optional<Error> UnitWindow::error() const {
  std::lock_guard lock(mutex_);
  return error_;
}

}  // namespace mms::migration
