// Keeps the calls to one workspace below what it bears: a bucket of tokens (so many calls a second,
// a few more at once) and a number of calls in flight. A 429 halves the rate, which then comes back
// slowly. One per source, shared by all that call its workspace.
//
// Databricks publishes no dependable number for Unity Catalog, hence the caution and the halving.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <utility>

#include "base/result.h"

namespace mms::databricks {

/// The arithmetic alone, on a clock that the caller reads. Not thread-safe.
class TokenBucket {
 public:
  struct Options {
    double calls_per_second = 10;
    double burst = 20;
  };

  TokenBucket(Options options, int64_t now_ms)
      : options_(options), rate_(options.calls_per_second), tokens_(options.burst), at_ms_(now_ms) {
    CHECK(options.calls_per_second > 0 && options.burst >= 1);
  }

  /// 0 = a token is taken; else none is, and it is worth asking again in so many ms.
  int64_t Take(int64_t now_ms);
  /// The server asked for less. Answers to calls that were in flight together count once.
  void Halve(int64_t now_ms);
  double CallsPerSecond(int64_t now_ms);

 private:
  void Advance(int64_t now_ms);

  const Options options_;
  double rate_;
  double tokens_;
  int64_t at_ms_;  ///< what rate_ and tokens_ are of
  int64_t halved_at_ms_ = INT64_MIN / 2;
};

/// Thread-safe.
class CallLimit {
 public:
  struct Options {
    TokenBucket::Options bucket = {};
    int in_flight_max = 10;
  };

  explicit CallLimit(Options options);

  /// A call under way, until destroyed.
  class Turn {
   public:
    Turn(Turn&& other) noexcept : limit_(std::exchange(other.limit_, nullptr)) {}
    Turn& operator=(Turn&&) = delete;
    ~Turn();

   private:
    friend class CallLimit;
    explicit Turn(CallLimit* limit) : limit_(limit) {}
    CallLimit* limit_;
  };

  /// Waits until a call may go out. Errors: kCancelled CANCELLED.
  Result<Turn> Await(const std::function<bool()>& cancelled);
  /// A call was answered by 429.
  void NoteThrottled();
  /// The rate in force now.
  double CallsPerSecond();

 private:
  const int in_flight_max_;
  std::mutex mutex_;
  std::condition_variable changed_;
  TokenBucket bucket_;  // guarded by mutex_; so below
  int in_flight_ = 0;
};

}  // namespace mms::databricks
