#include "sandbox/limits.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <thread>

namespace mms::sandbox {
namespace {

enum class Scope { kTable, kProject, kSandbox };

/// A limit: of calls begun within `window_s`, or, with 0, of calls running at once.
struct Limit {
  const char* name;
  std::array<CallName, 8> calls;
  Scope scope;
  int number;  ///< 0 = LimitOptions.slots
  int window_s;
};

constexpr CallName kNone = CallName::kUnknown;
constexpr std::array kLimits{
    Limit{"upload_sessions", {CallName::kCreateUpload, kNone}, Scope::kTable, 500, 300},
    Limit{"blocks", {CallName::kPutBlock, kNone}, Scope::kTable, 500, 300},
    Limit{"commits", {CallName::kCommitUpload, kNone}, Scope::kTable, 75, 15},
    Limit{"commits_at_once", {CallName::kCommitUpload, kNone}, Scope::kTable, 32, 0},
    Limit{"download_sessions", {CallName::kCreateDownload, kNone}, Scope::kTable, 200, 300},
    Limit{"slots",
          {CallName::kCreateUpload, CallName::kPutBlock, CallName::kCreateDownload,
           CallName::kReadDownload, CallName::kCreateUpsert, CallName::kPutUpsert,
           CallName::kCreateStream, CallName::kPutStream},
          Scope::kSandbox,
          0,
          0},
};

bool Concerns(const Limit& limit, CallName name) {
  return name != kNone &&
         std::find(limit.calls.begin(), limit.calls.end(), name) != limit.calls.end();
}

/// Downloads of query results are counted by project, as instances belong to one.
std::string KeyOf(const Limit& limit, const Target& target) {
  std::string key = limit.name;
  if (limit.scope == Scope::kSandbox) return key;
  key += " " + target.project;
  if (target.instance) return key + " instances";
  return key + "." + target.schema + "." + target.object;
}

Error Exceeded(const Limit& limit, int number, const std::string& key) {
  if (limit.window_s == 0) {
    bool slots = limit.scope == Scope::kSandbox;
    return Error(ErrorKind::kThrottled, slots ? "SlotExceeded" : "FlowExceeded",
                 "more than " + std::to_string(number) + " calls at once (" + key + ")");
  }
  return Error(ErrorKind::kThrottled, "FlowExceeded",
               "more than " + std::to_string(number) + " calls in " +
                   std::to_string(limit.window_s) + " s (" + key + ")");
}

}  // namespace

Result<std::unique_ptr<Limits::Admission>> Limits::Admit(const Target& target,
                                                         Clock::time_point now) {
  std::vector<std::string> held;
  if (!options_.enforce) return std::make_unique<Admission>(this, held);
  std::lock_guard lock(mutex_);
  if (uses_.size() >= forget_at_) ForgetIdle(now);
  std::vector<std::pair<const Limit*, Use*>> all;
  for (const Limit& limit : kLimits) {
    if (!Concerns(limit, target.name)) continue;
    int number = limit.number == 0 ? options_.slots : limit.number;
    std::string key = KeyOf(limit, target);
    Use& use = uses_[key];
    auto window = std::chrono::duration<double>(limit.window_s * options_.window_scale);
    while (!use.times.empty() && now - use.times.front() >= window) use.times.pop_front();
    int64_t used = limit.window_s == 0 ? use.running : static_cast<int64_t>(use.times.size());
    if (used >= number) {
      ++tallies_[limit.name].refused;
      return Exceeded(limit, number, key);
    }
    if (limit.window_s == 0) held.push_back(key);
    all.emplace_back(&limit, &use);
  }
  for (const auto& [limit, use] : all) {
    int64_t used = 0;
    if (limit->window_s == 0) {
      used = ++use->running;
    } else {
      use->times.push_back(now);
      used = static_cast<int64_t>(use->times.size());
    }
    int64_t& peak = tallies_[limit->name].peak;
    peak = std::max(peak, used);
  }
  return std::make_unique<Admission>(this, std::move(held));
}

void Limits::Leave(const std::vector<std::string>& held) {
  if (held.empty()) return;
  std::lock_guard lock(mutex_);
  for (const std::string& key : held) --uses_[key].running;
}

/// Drops what no window needs any more. The mutex is held.
void Limits::ForgetIdle(Clock::time_point now) {
  auto longest = std::chrono::duration<double>(300 * options_.window_scale);
  std::erase_if(uses_, [&](const auto& entry) {
    const Use& use = entry.second;
    return use.running == 0 && (use.times.empty() || now - use.times.back() >= longest);
  });
  forget_at_ = std::max<size_t>(1'000, 2 * uses_.size());
}

int64_t Limits::BytesPerSecond(CallName name) const {
  bool rows = TakesRows(name) || name == CallName::kReadDownload;
  return options_.enforce && rows ? options_.block_bytes_per_s : 0;
}

nlohmann::json Limits::Describe() {
  std::lock_guard lock(mutex_);
  nlohmann::json all = nlohmann::json::object();
  for (const Limit& limit : kLimits) {
    const Tally& tally = tallies_[limit.name];
    all[limit.name] = {{"enforced", options_.enforce},
                       {"number", limit.number == 0 ? options_.slots : limit.number},
                       {"window_s", limit.window_s * options_.window_scale},
                       {"refused", tally.refused},
                       {"peak", tally.peak}};
  }
  return all;
}

Result<size_t> ThrottledSource::Read(void* buffer, size_t size) {
  TRY(size_t got, source_->Read(buffer, size));
  taken_ += static_cast<int64_t>(got);
  auto due = begun_ + std::chrono::microseconds(taken_ * 1'000'000 / bytes_per_s_);
  std::this_thread::sleep_until(due);
  return got;
}

Status ThrottledResponder::Write(const void* data, size_t size) {
  TRY_VOID(responder_->Write(data, size));
  sent_ += static_cast<int64_t>(size);
  std::this_thread::sleep_until(begun_ +
                                std::chrono::microseconds(sent_ * 1'000'000 / bytes_per_s_));
  return OkStatus();
}

}  // namespace mms::sandbox
