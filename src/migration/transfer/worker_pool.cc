#include "migration/transfer/worker_pool.h"

#include <unistd.h>

#include <algorithm>
#include <climits>
#include <condition_variable>
#include <deque>
#include <list>
#include <map>
#include <mutex>
#include <nlohmann/json.hpp>
#include <set>
#include <thread>

#include "migration/transfer/child_process.h"

namespace mms::migration {
namespace {

constexpr int kStartsMax = 3;  // workers in a row that died before they were ready

std::string OwnProgram() {
  char path[PATH_MAX];
  const ssize_t size = readlink("/proc/self/exe", path, sizeof path);
  return size > 0 ? std::string(path, static_cast<size_t>(size)) : "mms";
}

struct Queued {
  int64_t number = 0;
  std::string table_key;
  std::string line;
  int64_t bytes = 0;
  int attempts = 0;
  int64_t rows_reported = 0;
  int64_t bytes_reported = 0;
  WorkerPool::Callbacks callbacks;
};
using QueuedPtr = std::shared_ptr<Queued>;

struct Worker {
  explicit Worker(ChildProcess started) : process(std::move(started)), pid(process.pid()) {}
  ChildProcess process;
  const pid_t pid;
  std::thread reader;
  bool ready = false;
  bool ended = false;  // its output ended; the manager reaps it
  int64_t bytes = 0;   // of the jobs it holds
  std::map<int64_t, QueuedPtr> jobs;
  std::set<std::string> tables;
};

void Fill(const CopyJob& job, Queued* queued) {
  queued->table_key = job.table_key;
  queued->bytes = job.split.bytes;
  queued->line = nlohmann::json{{"copy", ToJson(job)}}.dump() + "\n";
}

void Fill(const MeasureJob& job, Queued* queued) {
  queued->table_key = job.table_key;
  queued->bytes = job.split.bytes;
  queued->line = nlohmann::json{{"measure", ToJson(job)}}.dump() + "\n";
}

void Fill(const ReadBackJob& job, Queued* queued) {
  queued->table_key = job.table_key;
  queued->line = nlohmann::json{{"read_back", ToJson(job)}}.dump() + "\n";
}

Error Stopped() { return Error(ErrorKind::kCancelled, "CANCELLED", "stopped on request"); }

}  // namespace

struct WorkerPool::State {
  PoolOptions options;
  int threads = 1;
  std::string hello;
  std::mutex mutex;
  std::condition_variable changed;
  std::deque<QueuedPtr> queue;
  std::list<std::unique_ptr<Worker>> workers;
  std::map<std::string, std::string> tables;
  int64_t next_job = 1;
  int failed_starts = 0;
  bool stopping = false;
  bool poked = false;  ///< something changed since the manager last looked
  std::thread manager;

  /// Wakes the manager; call with the mutex held.
  void Poke() {
    poked = true;
    changed.notify_all();
  }

  void Manage();
  void StartMissing();
  void Reap(std::unique_lock<std::mutex>& lock);
  bool GiveOut(std::unique_lock<std::mutex>& lock);
  Worker* WorkerFor(const Queued& job);
  void Read(Worker* worker);
  void OnEvent(Worker* worker, const std::string& line);
  void FailAll(const Error& error);
};

Result<std::unique_ptr<WorkerPool>> WorkerPool::Start(PoolOptions options, Hello hello) {
  std::unique_ptr<WorkerPool> pool(new WorkerPool);
  pool->state_ = std::make_shared<State>();
  State& state = *pool->state_;
  if (options.program.empty()) options.program = OwnProgram();
  state.options = std::move(options);
  state.threads = std::max(1, hello.threads);
  state.hello = nlohmann::json{{"hello", ToJson(hello)}}.dump() + "\n";
  state.manager = std::thread([&state] { state.Manage(); });
  return pool;
}

WorkerPool::WorkerPool() = default;
WorkerPool::~WorkerPool() { Stop(); }

void WorkerPool::AddTable(const std::string& key, const TablePlan& plan) {
  std::string line =
      nlohmann::json{{"table", {{"key", key}, {"plan", ToJson(plan)}}}}.dump() + "\n";
  std::lock_guard lock(state_->mutex);
  state_->tables[key] = std::move(line);
  state_->Poke();
}

void WorkerPool::RemoveTable(const std::string& key) {
  std::lock_guard lock(state_->mutex);
  state_->tables.erase(key);
  const std::string line = nlohmann::json{{"forget", key}}.dump() + "\n";
  for (const auto& worker : state_->workers) {
    if (!worker->ended && worker->tables.erase(key) > 0) worker->process.WriteLine(line);
  }
}

void WorkerPool::Submit(Job job, Callbacks callbacks) {
  auto queued = std::make_shared<Queued>();
  queued->callbacks = std::move(callbacks);
  {
    std::lock_guard lock(state_->mutex);
    if (!state_->stopping) {
      queued->number = state_->next_job++;
      std::visit([&](auto& one) { one.job = queued->number; }, job);
      std::visit([&](const auto& one) { Fill(one, queued.get()); }, job);
      state_->queue.push_back(queued);
      state_->Poke();
      return;
    }
  }
  queued->callbacks.on_done(Stopped());
}

std::vector<int> WorkerPool::Pids() const {
  std::lock_guard lock(state_->mutex);
  std::vector<int> pids;
  for (const auto& worker : state_->workers) {
    if (!worker->ended) pids.push_back(worker->pid);
  }
  return pids;
}

void WorkerPool::Stop() {
  {
    std::lock_guard lock(state_->mutex);
    state_->stopping = true;
    state_->Poke();
  }
  if (state_->manager.joinable()) state_->manager.join();
}

// ---- the manager thread: the only one that starts, feeds and reaps workers ----

void WorkerPool::State::Manage() {
  std::unique_lock lock(mutex);
  while (!stopping) {
    poked = false;  // Reap, GiveOut and FailAll unlock: what happens meanwhile is looked at in the
                    // next round
    Reap(lock);
    if (failed_starts >= kStartsMax) {
      const Error error(
          ErrorKind::kInternal, "WORKER_START",
          "worker processes end before they are ready; the reason stands above (stderr of " +
              options.program + " worker)");
      lock.unlock();
      FailAll(error);
      lock.lock();
      failed_starts = 0;
    }
    if (!queue.empty() || !tables.empty())
      StartMissing();  // early: they load while sessions are made
    if (workers.empty() && !queue.empty()) {
      failed_starts = kStartsMax;
      continue;
    }
    if (!GiveOut(lock)) changed.wait(lock, [this] { return poked; });
  }
  for (const auto& worker : workers) worker->process.Kill();  // they keep nothing that matters
  while (!workers.empty()) {
    poked = false;
    Reap(lock);
    if (!workers.empty()) changed.wait(lock, [this] { return poked; });
  }
  lock.unlock();
  FailAll(Stopped());
}

void WorkerPool::State::StartMissing() {
  while (static_cast<int>(workers.size()) < options.workers) {
    auto started = ChildProcess::Start({options.program, "worker"});
    if (!started) {
      ++failed_starts;
      return;
    }
    workers.push_back(std::make_unique<Worker>(*std::move(started)));
    Worker* worker = workers.back().get();
    worker->process.WriteLine(hello);
    worker->reader = std::thread([this, worker] { Read(worker); });
  }
}

void WorkerPool::State::Reap(std::unique_lock<std::mutex>& lock) {
  for (auto at = workers.begin(); at != workers.end();) {
    if (!(*at)->ended) {
      ++at;
      continue;
    }
    std::unique_ptr<Worker> worker = std::move(*at);
    at = workers.erase(at);
    if (!worker->ready && !stopping) ++failed_starts;
    lock.unlock();
    worker->reader.join();
    worker->process.Kill();
    const std::string how = worker->process.Wait();
    std::vector<QueuedPtr> given_up;
    for (auto& [number, job] : worker->jobs) {
      if (job->callbacks.on_progress) {
        job->callbacks.on_progress(-job->rows_reported, -job->bytes_reported);
      }
      job->rows_reported = job->bytes_reported = 0;
      if (++job->attempts >= options.attempts_max) given_up.push_back(job);
    }
    for (const auto& job : given_up) {
      worker->jobs.erase(job->number);
      job->callbacks.on_done(
          Error(ErrorKind::kUnavailable, "WORKER_DIED",
                "its worker process ended (" + how + ") in each of " +
                    std::to_string(options.attempts_max) +
                    " attempts; look for a lack of memory or a crash report above"));
    }
    lock.lock();
    for (auto& [number, job] : worker->jobs) queue.push_front(job);
  }
}

Worker* WorkerPool::State::WorkerFor(const Queued& job) {
  Worker* best = nullptr;
  for (const auto& worker : workers) {
    if (worker->ended || static_cast<int>(worker->jobs.size()) >= threads) continue;
    const bool fits = worker->jobs.empty() || worker->bytes + job.bytes <= options.bytes_in_flight;
    if (!fits) continue;
    const bool better = best == nullptr || worker->jobs.size() < best->jobs.size() ||
                        (worker->jobs.size() == best->jobs.size() && worker->bytes < best->bytes);
    if (better) best = worker.get();
  }
  return best;
}

/// Hands one job out; false when there is none or nobody to take it.
bool WorkerPool::State::GiveOut(std::unique_lock<std::mutex>& lock) {
  if (queue.empty()) return false;
  QueuedPtr job = queue.front();
  Worker* worker = WorkerFor(*job);
  if (worker == nullptr) return false;
  queue.pop_front();
  if (job->callbacks.wanted) {
    // The worker stays: only this thread takes one away, or gives it more.
    lock.unlock();
    const bool wanted = job->callbacks.wanted();
    if (!wanted) job->callbacks.on_done(Stopped());
    lock.lock();
    if (!wanted) return true;
  }
  worker->jobs[job->number] = job;
  worker->bytes += job->bytes;
  const auto table = tables.find(job->table_key);
  CHECK(table != tables.end());
  if (worker->tables.insert(job->table_key).second) worker->process.WriteLine(table->second);
  worker->process.WriteLine(job->line);  // a dead worker's jobs come back through Reap
  return true;
}

void WorkerPool::State::FailAll(const Error& error) {
  std::deque<QueuedPtr> failed;
  {
    std::lock_guard lock(mutex);
    failed.swap(queue);
  }
  for (const auto& job : failed) job->callbacks.on_done(error);
}

// ---- a reader thread per worker ----

void WorkerPool::State::Read(Worker* worker) {
  std::string line;
  while (worker->process.ReadLine(&line)) OnEvent(worker, line);
  std::lock_guard lock(mutex);
  worker->ended = true;
  Poke();
}

void WorkerPool::State::OnEvent(Worker* worker, const std::string& line) {
  const auto event = nlohmann::json::parse(line, nullptr, false);
  if (!event.is_object()) {
    worker->process.Kill();  // it speaks nonsense; its jobs are given out again
    return;
  }
  if (event.contains("ready")) {
    std::lock_guard lock(mutex);
    worker->ready = true;
    failed_starts = 0;
    return;
  }
  const auto body = event.begin().value();
  QueuedPtr job;
  {
    std::lock_guard lock(mutex);
    const auto at = worker->jobs.find(body.value("job", int64_t{0}));
    if (at == worker->jobs.end()) return;
    job = at->second;
    if (!event.contains("progress")) {
      worker->bytes -= job->bytes;
      worker->jobs.erase(at);
      Poke();
    }
  }
  if (event.contains("progress")) {
    const auto rows = body.value("rows", int64_t{0});
    const auto bytes = body.value("bytes", int64_t{0});
    job->rows_reported += rows;
    job->bytes_reported += bytes;
    if (job->callbacks.on_progress) job->callbacks.on_progress(rows, bytes);
    const auto read = body.value("read", int64_t{0});
    if (read > 0 && job->callbacks.on_read) job->callbacks.on_read(read);
  } else if (event.contains("done")) {
    job->callbacks.on_done(JobResultFromJson(body));
  } else {
    job->callbacks.on_done(ErrorFromJson(body.value("error", nlohmann::json())));
  }
}

}  // namespace mms::migration
