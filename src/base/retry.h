// Repeats a call while its error may pass. Whether a call may be repeated at all is the caller's to
// know (a lost answer to a commit is asked about, never repeated blindly). No state; blocks its
// thread.
#pragma once

#include <algorithm>
#include <chrono>
#include <functional>
#include <random>
#include <thread>

#include "base/result.h"

namespace mms {

struct RetryPolicy {
  int attempts_max = 7;      ///< of kUnavailable
  long first_wait_ms = 250;  ///< doubled each time, with up to 25 % jitter
  long wait_max_ms = 64000;
  long deadline_ms = 300000;  ///< from the first call
  /// kThrottled says that the peer lives and will take the call later: it uses up no attempt, and
  /// is waited out for longer.
  long throttled_first_wait_ms = 1000;
  long throttled_deadline_ms = 3600000;
  /// When set and true, waiting ends and the last error is returned.
  std::function<bool()> cancelled;
};

/// Sleeps, looking every 100 ms whether `policy` was cancelled. False = it was.
inline bool WaitFor(const RetryPolicy& policy, long wait_ms) {
  constexpr long kSliceMs = 100;
  while (wait_ms > 0) {
    if (policy.cancelled && policy.cancelled()) return false;
    const long slice_ms = policy.cancelled ? std::min(wait_ms, kSliceMs) : wait_ms;
    std::this_thread::sleep_for(std::chrono::milliseconds(slice_ms));
    wait_ms -= slice_ms;
  }
  return !(policy.cancelled && policy.cancelled());
}

/// The waits between attempts of one call: what the peer asked (Retry-After), else exponential.
class Backoff {
 public:
  explicit Backoff(const RetryPolicy& policy)
      : policy_(policy),
        start_(Clock::now()),
        wait_ms_(policy.first_wait_ms),
        throttled_wait_ms_(policy.throttled_first_wait_ms) {}

  /// Waits before the next attempt after `error`. False = do not try again.
  bool Wait(const Error& error) {
    if (!IsTransient(error.kind())) return false;
    const bool throttled = error.kind() == ErrorKind::kThrottled;
    if (!throttled && ++failures_ >= policy_.attempts_max) return false;
    long& wait_ms = throttled ? throttled_wait_ms_ : wait_ms_;
    const long asked_ms = error.retry_after_ms();
    long pause_ms = asked_ms > 0 ? asked_ms : wait_ms;
    pause_ms += std::uniform_int_distribution<long>(0, pause_ms / 4)(Random());
    const auto spent =
        std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - start_).count();
    const long deadline_ms = throttled ? policy_.throttled_deadline_ms : policy_.deadline_ms;
    if (spent + pause_ms > deadline_ms) return false;
    if (asked_ms <= 0) wait_ms = std::min(wait_ms * 2, policy_.wait_max_ms);
    return WaitFor(policy_, pause_ms);
  }

  /// The peer did something useful: the next failure is the first one again.
  void Restart() { *this = Backoff(policy_); }

 private:
  using Clock = std::chrono::steady_clock;
  static std::minstd_rand& Random() {
    thread_local std::minstd_rand random{std::random_device{}()};
    return random;
  }

  RetryPolicy policy_;
  Clock::time_point start_;
  long wait_ms_;
  long throttled_wait_ms_;
  int failures_ = 0;
};

/// `call` is a function object returning Result<T>. Returns the last error as it was.
template <class Call>
auto Retry(const RetryPolicy& policy, Call&& call) -> decltype(call()) {
  Backoff backoff(policy);
  while (true) {
    auto result = call();
    if (result.has_value() || !backoff.Wait(result.error())) return result;
  }
}

}  // namespace mms
