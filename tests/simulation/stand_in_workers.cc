// WorkerPool, linked instead of migration/transfer/worker_pool.cc: a few threads that move blocks
// within the world, and die there.
#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>
#include <set>
#include <thread>
#include <utility>

#include "link.h"
#include "migration/transfer/worker_pool.h"

namespace mms::migration {
namespace {

using nlohmann::json;
using simulation::Link;

constexpr int kThreads = 3;

Error Stopped() { return Error(ErrorKind::kCancelled, "CANCELLED", "stopped on request"); }

struct Queued {
  WorkerPool::Job job;
  WorkerPool::Callbacks callbacks;
};

/// Rows of a file that is cut into slices are in its first.
json FilesOf(const CopyJob& job) {
  json files = json::array();
  for (const FileSlice& slice : job.split.slices) {
    if (slice.start == 0) files.push_back(slice.path);
  }
  return files;
}

/// Which partition of which table is loaded by which session, so that two at once are seen.
class Owners {
 public:
  void Begin(const std::string& where, const std::string& session) {
    std::string other;
    {
      const std::lock_guard lock(mutex_);
      auto& [owner, jobs] = owners_[where];
      if (jobs > 0 && owner != session) other = owner;
      owner = session;
      ++jobs;
    }
    if (other.empty()) return;
    Link::Get().Violate("two owners: " + where + " is sent into " + other + " and " + session);
  }
  void End(const std::string& where) {
    const std::lock_guard lock(mutex_);
    --owners_[where].second;
  }

 private:
  std::mutex mutex_;
  std::map<std::string, std::pair<std::string, int>> owners_;
};
Owners owners;  // NOLINT: of all pools

}  // namespace

struct WorkerPool::State {
  int attempts_max = 0;
  std::mutex mutex;
  std::condition_variable changed;
  std::deque<Queued> queue;
  std::set<std::string> tables;
  bool stopping = false;
  std::vector<std::thread> threads;

  void Loop();
  Result<JobResult> Run(const Job& job);
  Result<JobResult> Repeat(const std::string& key, const json& request);
  bool IsStopping() {
    const std::lock_guard lock(mutex);
    return stopping;
  }
};

Result<std::unique_ptr<WorkerPool>> WorkerPool::Start(PoolOptions options, Hello /*hello*/) {
  std::unique_ptr<WorkerPool> pool(new WorkerPool);
  pool->state_ = std::make_shared<State>();
  pool->state_->attempts_max = options.attempts_max;
  for (int i = 0; i < kThreads; ++i) {
    pool->state_->threads.emplace_back([state = pool->state_.get()] { state->Loop(); });
  }
  return pool;
}

WorkerPool::WorkerPool() = default;

WorkerPool::~WorkerPool() {
  Stop();
  for (std::thread& thread : state_->threads) thread.join();
}

void WorkerPool::AddTable(const std::string& key, const TablePlan& /*plan*/) {
  const std::lock_guard lock(state_->mutex);
  state_->tables.insert(key);
}

void WorkerPool::RemoveTable(const std::string& key) {
  const std::lock_guard lock(state_->mutex);
  state_->tables.erase(key);
}

void WorkerPool::Submit(Job job, Callbacks callbacks) {
  {
    const std::lock_guard lock(state_->mutex);
    if (!state_->stopping) {
      state_->queue.push_back({std::move(job), std::move(callbacks)});
      state_->changed.notify_one();
      return;
    }
  }
  callbacks.on_done(Stopped());
}

std::vector<int> WorkerPool::Pids() const { return {}; }

void WorkerPool::Stop() {
  std::deque<Queued> queue;
  {
    const std::lock_guard lock(state_->mutex);
    state_->stopping = true;
    queue.swap(state_->queue);
    state_->changed.notify_all();
  }
  for (const Queued& queued : queue) queued.callbacks.on_done(Stopped());
}

void WorkerPool::State::Loop() {
  for (;;) {
    std::unique_lock lock(mutex);
    changed.wait(lock, [this] { return stopping || !queue.empty(); });
    if (queue.empty()) return;
    const Queued queued = std::move(queue.front());
    queue.pop_front();
    lock.unlock();
    Result<JobResult> result = Run(queued.job);
    if (IsStopping()) result = Stopped();
    if (result && queued.callbacks.on_progress) queued.callbacks.on_progress(result->rows, 0);
    queued.callbacks.on_done(std::move(result));
  }
}

Result<JobResult> WorkerPool::State::Run(const Job& job) {
  if (const auto* copy = std::get_if<CopyJob>(&job)) {
    const std::string where = copy->target_table + " " + maxcompute::ToTunnelText(copy->partition);
    owners.Begin(where, copy->session_id);
    auto result = Repeat(copy->table_key, {{"call", "copy"},
                                           {"where", where},
                                           {"session", copy->session_id},
                                           {"block", copy->split.block_id},
                                           {"files", FilesOf(*copy)}});
    owners.End(where);
    return result;
  }
  if (const auto* read = std::get_if<ReadBackJob>(&job)) {
    return Repeat(read->table_key, {{"call", "read_back"},
                                    {"where", maxcompute::ToTunnelText(read->partition)},
                                    {"session", read->session_id},
                                    {"start", read->start},
                                    {"count", read->count}});
  }
  return Error(ErrorKind::kUnsupported, "NOT_SIMULATED", "measuring codecs");
}

/// As the real pool: a job whose worker died is given out again.
Result<JobResult> WorkerPool::State::Repeat(const std::string& key, const json& request) {
  {
    const std::lock_guard lock(mutex);
    CHECK(tables.contains(key));
  }
  for (int attempt = 1;; ++attempt) {
    const json answer = Link::Get().Ask(request);
    if (answer.contains("error")) return ErrorFromJson(answer["error"]);
    if (!answer.contains("dies")) {
      JobResult result;
      result.rows = answer.at("rows");
      TRY(result.checksum, ChecksumFromJson(answer.at("checksum")));
      return result;
    }
    if (attempt == attempts_max) {
      return Error(ErrorKind::kUnavailable, "WORKER_DIED", "its worker ended in each attempt");
    }
  }
}

}  // namespace mms::migration
