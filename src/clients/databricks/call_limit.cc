#include "clients/databricks/call_limit.h"

#include <algorithm>
#include <chrono>
#include <cmath>

namespace mms::databricks {
namespace {

/// From nothing to the full rate.
constexpr double kRestoreSeconds = 60;
constexpr double kLeastShare = 1.0 / 32;
constexpr int64_t kHalveEveryMs = 1000;
constexpr int64_t kLookMs = 100;  ///< how often a waiting call looks whether it was cancelled

int64_t NowMs() {
  using std::chrono::milliseconds;
  const auto now = std::chrono::steady_clock::now().time_since_epoch();
  return std::chrono::duration_cast<milliseconds>(now).count();
}

}  // namespace

void TokenBucket::Advance(int64_t now_ms) {
  const double seconds = static_cast<double>(std::max<int64_t>(0, now_ms - at_ms_)) / 1000;
  at_ms_ = std::max(at_ms_, now_ms);
  tokens_ = std::min(options_.burst, tokens_ + seconds * rate_);
  const double full = options_.calls_per_second;
  rate_ = std::min(full, rate_ + full * seconds / kRestoreSeconds);
}

int64_t TokenBucket::Take(int64_t now_ms) {
  Advance(now_ms);
  if (tokens_ >= 1) {
    tokens_ -= 1;
    return 0;
  }
  return std::max<int64_t>(1, std::llround(std::ceil((1 - tokens_) / rate_ * 1000)));
}

void TokenBucket::Halve(int64_t now_ms) {
  Advance(now_ms);
  if (now_ms - halved_at_ms_ < kHalveEveryMs) return;
  halved_at_ms_ = now_ms;
  rate_ = std::max(rate_ / 2, options_.calls_per_second * kLeastShare);
  // What was saved up for a burst is what the server has just had too much of.
  tokens_ = std::min(tokens_, 0.0);
}

double TokenBucket::CallsPerSecond(int64_t now_ms) {
  Advance(now_ms);
  return rate_;
}

CallLimit::CallLimit(Options options)
    : in_flight_max_(options.in_flight_max), bucket_(options.bucket, NowMs()) {
  CHECK(in_flight_max_ > 0);
}

CallLimit::Turn::~Turn() {
  if (limit_ == nullptr) return;
  {
    const std::lock_guard lock(limit_->mutex_);
    --limit_->in_flight_;
  }
  limit_->changed_.notify_one();
}

Result<CallLimit::Turn> CallLimit::Await(const std::function<bool()>& cancelled) {
  std::unique_lock lock(mutex_);
  while (true) {
    if (cancelled && cancelled()) {
      return Error(ErrorKind::kCancelled, "CANCELLED", "stopped before the workspace was asked");
    }
    int64_t wait_ms = kLookMs;
    if (in_flight_ < in_flight_max_) {
      wait_ms = bucket_.Take(NowMs());
      if (wait_ms == 0) {
        ++in_flight_;
        return Turn(this);
      }
    }
    changed_.wait_for(lock, std::chrono::milliseconds(std::min(wait_ms, kLookMs)));
  }
}

void CallLimit::NoteThrottled() {
  const std::lock_guard lock(mutex_);
  bucket_.Halve(NowMs());
}

double CallLimit::CallsPerSecond() {
  const std::lock_guard lock(mutex_);
  return bucket_.CallsPerSecond(NowMs());
}

}  // namespace mms::databricks
