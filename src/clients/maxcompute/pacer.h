// Keeps us below what MaxCompute counts per table, so that it has no reason to answer 429: whoever
// is about to do a counted thing asks here first, and is told to wait. One Pacer per process that
// creates sessions; thread-safe.
//
// The service counts in sliding windows. Each grant is remembered until it has left its window, so
// the count is exact; a slack on top covers the time between our grant and the service's count.
// Sessions and commits are asked for by Tunnel itself (Options::pacer). Blocks are sent by other
// processes, so whoever hands them out asks: Ask before each, and hands out nothing until the
// answer is zero.
//
// Limits: help pages of the data transmission service.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/result.h"

namespace mms::maxcompute {

enum class Limit { kUploadSessions, kBlocks, kCommits, kDownloadSessions, kInstanceDownloads };
inline constexpr size_t kLimits = 5;
/// "upload_sessions", "blocks", ...: the name in metrics.
std::string_view LimitName(Limit limit);

class Pacer {
 public:
  struct Rule {
    int count = 0;  ///< in any window
    int64_t window_ms = 0;
    int64_t slack_ms = 0;
  };
  struct Options {
    /// In the order of Limit.
    std::array<Rule, kLimits> rules{{{500, 300'000, 2000},
                                     {500, 300'000, 5000},
                                     {75, 15'000, 500},
                                     {200, 300'000, 2000},
                                     {200, 300'000, 2000}}};
    int commits_at_once = 32;
    double time_scale = 1;  ///< windows (not slacks) are multiplied by it
    /// Milliseconds on a clock that only goes forward; empty = the machine's.
    std::function<int64_t()> now_ms;
    /// Sleeps; empty = really.
    std::function<void(int64_t)> sleep_ms;
  };

  Pacer() : Pacer(Options{}) {}
  explicit Pacer(Options options);

  /// 0 = go ahead, and it is counted. Else nothing is counted and it is worth asking again in so
  /// many ms. `table` is what the service counts by: the table's name, whatever the partition.
  int64_t Ask(Limit limit, const std::string& table);

  /// Waits for its turn, which is kept free for it. Errors: kCancelled CANCELLED.
  Status Await(Limit limit, const std::string& table, const std::function<bool()>& cancelled);

  /// A commit under way: Await(kCommits), and one of `commits_at_once` until destroyed.
  class CommitTurn {
   public:
    CommitTurn(CommitTurn&& other) noexcept
        : pacer_(std::exchange(other.pacer_, nullptr)), table_(std::move(other.table_)) {}
    CommitTurn& operator=(CommitTurn&&) = delete;
    ~CommitTurn();

   private:
    friend class Pacer;
    CommitTurn(Pacer* pacer, std::string table) : pacer_(pacer), table_(std::move(table)) {}
    Pacer* pacer_;
    std::string table_;
  };
  Result<CommitTurn> AwaitCommit(const std::string& table, const std::function<bool()>& cancelled);

  struct Waits {
    int64_t granted = 0;
    int64_t delayed = 0;  ///< of those, not at once
    int64_t wait_ms = 0;  ///< of the delayed ones together
  };
  Waits waits(Limit limit) const;

 private:
  /// Of one limit and table.
  struct Window {
    std::deque<int64_t> grants_ms;          ///< the last Rule::count, some may lie ahead
    std::optional<int64_t> asked_since_ms;  ///< Ask was refused first then
  };
  int64_t FreeAt(const Rule& rule, const Window& window, int64_t now_ms) const;
  void Grant(const Rule& rule, Window& window, int64_t at_ms);
  void ForgetOld(int64_t now_ms);
  bool Sleep(int64_t wait_ms, const std::function<bool()>& cancelled) const;
  Window& WindowOf(Limit limit, const std::string& table, int64_t now_ms);

  Options options_;
  mutable std::mutex mutex_;  // guards all below
  std::map<std::pair<Limit, std::string>, Window> windows_;
  std::array<Waits, kLimits> waits_;
  std::map<std::string, int> committing_;
};

}  // namespace mms::maxcompute
