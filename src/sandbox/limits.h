// MaxCompute's limits of rate and concurrency, enforced on wish: sessions, blocks and commits per
// table and time, commits at once, requests in flight, bytes per second of a block or a download.
// Numbers: the "Limits" table of MaxCompute's data transmission service. Limits of value, name and
// count (cells, columns, partitions, block ids) hold always and live where the things are made.
//
// What is refused does not count as used. Thread-safe. Errors: kThrottled FlowExceeded,
// SlotExceeded.
#pragma once

#include <array>
#include <chrono>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "base/http_server.h"
#include "sandbox/target.h"

namespace mms::sandbox {

struct LimitOptions {
  bool enforce = false;
  double window_scale = 1;  ///< of the windows' lengths; the numbers stay
  /// Requests in flight over all projects. The service's own number depends on the region.
  int slots = 300;
  int64_t block_bytes_per_s = 10'000'000;  ///< of one block, one download; 0 = no throttle
};

class Limits {
 public:
  using Clock = std::chrono::steady_clock;

  explicit Limits(LimitOptions options) : options_(options) {}

  /// Held while a call runs.
  class Admission {
   public:
    Admission(Limits* limits, std::vector<std::string> held)
        : limits_(limits), held_(std::move(held)) {}
    ~Admission() { limits_->Leave(held_); }
    Admission(const Admission&) = delete;
    Admission& operator=(const Admission&) = delete;

   private:
    Limits* limits_;
    std::vector<std::string> held_;
  };

  /// Counts the call against every limit it falls under, or against none.
  Result<std::unique_ptr<Admission>> Admit(const Target& target, Clock::time_point now);

  /// How fast the call's rows may come or go; 0 = as fast as they do.
  int64_t BytesPerSecond(CallName name) const;

  /// For each limit: its number, how often it refused, the most it saw in use.
  nlohmann::json Describe();

 private:
  struct Use {
    std::deque<Clock::time_point> times;  ///< of a windowed limit
    int running = 0;                      ///< of a limit of calls at once
  };
  struct Tally {
    int64_t refused = 0;
    int64_t peak = 0;
  };

  void Leave(const std::vector<std::string>& held);
  void ForgetIdle(Clock::time_point now);

  const LimitOptions options_;
  std::mutex mutex_;
  std::map<std::string, Use> uses_;  ///< by "<limit> <project.schema.table>"
  std::map<std::string, Tally> tallies_;
  size_t forget_at_ = 1'000;
};

/// Bytes no faster than a rate.
class ThrottledSource : public ByteSource {
 public:
  ThrottledSource(ByteSource* source, int64_t bytes_per_s)
      : source_(source), bytes_per_s_(bytes_per_s), begun_(Limits::Clock::now()) {}
  Result<size_t> Read(void* buffer, size_t size) override;

 private:
  ByteSource* source_;
  int64_t bytes_per_s_;
  Limits::Clock::time_point begun_;
  int64_t taken_ = 0;
};

/// An answer no faster than a rate.
class ThrottledResponder : public HttpResponder {
 public:
  ThrottledResponder(HttpResponder* responder, int64_t bytes_per_s)
      : responder_(responder), bytes_per_s_(bytes_per_s), begun_(Limits::Clock::now()) {}
  Status Send(int status, const HttpHeaders& headers, std::string_view body) override {
    return responder_->Send(status, headers, body);
  }
  Status Start(int status, const HttpHeaders& headers) override {
    return responder_->Start(status, headers);
  }
  Status Write(const void* data, size_t size) override;
  Status Finish() override { return responder_->Finish(); }
  void Abort() override { responder_->Abort(); }
  bool started() const override { return responder_->started(); }

 private:
  HttpResponder* responder_;
  int64_t bytes_per_s_;
  Limits::Clock::time_point begun_;
  int64_t sent_ = 0;
};

}  // namespace mms::sandbox
