#include "clients/maxcompute/pacer.h"

#include <algorithm>
#include <chrono>
#include <thread>

namespace mms::maxcompute {
namespace {

constexpr int64_t kSliceMs = 100;
constexpr int64_t kCommitLookMs = 20;
constexpr size_t kWindowsBeforeForgetting = 1000;

constexpr std::array<std::string_view, kLimits> kNames = {
    "upload_sessions", "blocks", "commits", "download_sessions", "instance_downloads"};

int64_t MachineMs() {
  using namespace std::chrono;
  return duration_cast<milliseconds>(steady_clock::now().time_since_epoch()).count();
}

void ReallySleep(int64_t ms) { std::this_thread::sleep_for(std::chrono::milliseconds(ms)); }

Error Cancelled() {
  return Error(ErrorKind::kCancelled, "CANCELLED",
               "stopped while waiting for what MaxCompute allows a table");
}

}  // namespace

std::string_view LimitName(Limit limit) { return kNames[static_cast<size_t>(limit)]; }

Pacer::Pacer(Options options) : options_(std::move(options)) {
  if (!options_.now_ms) options_.now_ms = MachineMs;
  if (!options_.sleep_ms) options_.sleep_ms = ReallySleep;
  for (Rule& rule : options_.rules) {
    CHECK(rule.count > 0);
    const double scaled = static_cast<double>(rule.window_ms) * options_.time_scale;
    rule.window_ms = static_cast<int64_t>(scaled) + rule.slack_ms;
  }
}

/// When one more fits: when the grant that is `count` back has left the window, and not before
/// those that wait already.
int64_t Pacer::FreeAt(const Rule& rule, const Window& window, int64_t now_ms) const {
  int64_t at_ms = now_ms;
  if (!window.grants_ms.empty()) at_ms = std::max(at_ms, window.grants_ms.back());
  if (window.grants_ms.size() >= static_cast<size_t>(rule.count)) {
    at_ms = std::max(at_ms, window.grants_ms.front() + rule.window_ms);
  }
  return at_ms;
}

void Pacer::Grant(const Rule& rule, Window& window, int64_t at_ms) {
  window.grants_ms.push_back(at_ms);
  if (window.grants_ms.size() > static_cast<size_t>(rule.count)) window.grants_ms.pop_front();
}

void Pacer::ForgetOld(int64_t now_ms) {
  if (windows_.size() < kWindowsBeforeForgetting) return;
  std::erase_if(windows_, [&](const auto& entry) {
    const auto& [key, window] = entry;
    const Rule& rule = options_.rules[static_cast<size_t>(key.first)];
    return !window.asked_since_ms &&
           (window.grants_ms.empty() || window.grants_ms.back() + rule.window_ms <= now_ms);
  });
}

Pacer::Window& Pacer::WindowOf(Limit limit, const std::string& table, int64_t now_ms) {
  const auto key = std::make_pair(limit, table);
  const auto at = windows_.find(key);
  if (at != windows_.end()) return at->second;
  ForgetOld(now_ms);
  return windows_[key];
}

int64_t Pacer::Ask(Limit limit, const std::string& table) {
  const auto index = static_cast<size_t>(limit);
  const Rule& rule = options_.rules[index];
  std::lock_guard lock(mutex_);
  const int64_t now_ms = options_.now_ms();
  Window& window = WindowOf(limit, table, now_ms);
  const int64_t at_ms = FreeAt(rule, window, now_ms);
  if (at_ms > now_ms) {
    if (!window.asked_since_ms) window.asked_since_ms = now_ms;
    return at_ms - now_ms;
  }
  Grant(rule, window, now_ms);
  Waits& waits = waits_[index];
  ++waits.granted;
  if (window.asked_since_ms) {
    ++waits.delayed;
    waits.wait_ms += now_ms - *window.asked_since_ms;
    window.asked_since_ms.reset();
  }
  return 0;
}

Status Pacer::Await(Limit limit, const std::string& table, const std::function<bool()>& cancelled) {
  const auto index = static_cast<size_t>(limit);
  const Rule& rule = options_.rules[index];
  int64_t wait_ms = 0;
  {
    std::lock_guard lock(mutex_);
    const int64_t now_ms = options_.now_ms();
    Window& window = WindowOf(limit, table, now_ms);
    const int64_t at_ms = FreeAt(rule, window, now_ms);
    Grant(rule, window, at_ms);
    wait_ms = at_ms - now_ms;
    Waits& waits = waits_[index];
    ++waits.granted;
    if (wait_ms > 0) ++waits.delayed;
    waits.wait_ms += wait_ms;
  }
  return Sleep(wait_ms, cancelled) ? OkStatus() : Status(Cancelled());
}

bool Pacer::Sleep(int64_t wait_ms, const std::function<bool()>& cancelled) const {
  const auto stopped = [&cancelled] { return cancelled && cancelled(); };
  while (wait_ms > 0 && !stopped()) {
    const int64_t slice_ms = std::min(wait_ms, kSliceMs);
    options_.sleep_ms(slice_ms);
    wait_ms -= slice_ms;
  }
  return !stopped();
}

Result<Pacer::CommitTurn> Pacer::AwaitCommit(const std::string& table,
                                             const std::function<bool()>& cancelled) {
  int64_t waited_ms = 0;
  while (true) {
    {
      std::lock_guard lock(mutex_);
      int& running = committing_[table];
      if (running < options_.commits_at_once) {
        ++running;
        waits_[static_cast<size_t>(Limit::kCommits)].wait_ms += waited_ms;
        break;
      }
    }
    if (!Sleep(kCommitLookMs, cancelled)) return Cancelled();
    waited_ms += kCommitLookMs;
  }
  CommitTurn turn(this, table);
  TRY_VOID(Await(Limit::kCommits, table, cancelled));
  return turn;
}

Pacer::CommitTurn::~CommitTurn() {
  if (pacer_ == nullptr) return;
  std::lock_guard lock(pacer_->mutex_);
  const auto at = pacer_->committing_.find(table_);
  CHECK(at != pacer_->committing_.end() && at->second > 0);
  if (--at->second == 0) pacer_->committing_.erase(at);
}

Pacer::Waits Pacer::waits(Limit limit) const {
  std::lock_guard lock(mutex_);
  return waits_[static_cast<size_t>(limit)];
}

}  // namespace mms::maxcompute
