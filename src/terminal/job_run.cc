// `mms job run`: works off the jobs of a state folder in the foreground.
#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <mutex>
#include <optional>
#include <set>
#include <thread>

#include "base/clock.h"
#include "service/service.h"
#include "terminal/interrupt.h"
#include "terminal/job_verbs.h"
#include "terminal/job_view.h"
#include "terminal/live_progress.h"
#include "terminal/source_view.h"
#include "terminal/table_report.h"
#include "terminal/text.h"

namespace mms::terminal {
namespace {

using migration::TableProgress;
using service::Job;
using service::JobTask;
using service::Service;
using service::Store;

constexpr auto kLook = std::chrono::milliseconds(100);
constexpr int64_t kPage = 100;
constexpr int64_t kFailedShown = 20;  // of each job

/// What jobs come to.
struct Sums {
  service::TaskCounts tasks;
  int64_t stopped = 0;  ///< of the waiting ones
  int64_t rows = 0, bytes = 0;
};

/// The jobs that this run has worked on, and what they come to. Of many tasks the sums cost
/// something: they are read again when they are a hundred times as old as they took. Thread-safe.
class JobsOfRun {
 public:
  explicit JobsOfRun(Store& store) : store_(store) {}

  void Join(int64_t job_id) {
    const std::lock_guard lock(mutex_);
    ids_.insert(job_id);
  }
  std::set<int64_t> ids() const {
    const std::lock_guard lock(mutex_);
    return ids_;
  }
  /// The next sums are those of now.
  void Forget() {
    const std::lock_guard lock(mutex_);
    sums_.reset();
  }
  Result<Sums> SumUp() {
    const std::lock_guard lock(mutex_);
    const auto now = std::chrono::steady_clock::now();
    if (sums_ && now < fresh_until_) return *sums_;
    TRY(sums_, ReadSums());
    const auto read = std::chrono::steady_clock::now();
    fresh_until_ = read + 100 * (read - now);
    return *sums_;
  }

 private:
  Result<Sums> ReadSums() const {
    Sums sums;
    for (const int64_t id : ids_) {
      const Result<Job> job = store_.GetJob(id);
      if (!job && job.error().code() == "JOB_NOT_FOUND") continue;  // deleted meanwhile
      if (!job) return job.error();
      sums.tasks.total += job->tasks.total;
      sums.tasks.waiting += job->tasks.waiting;
      sums.tasks.running += job->tasks.running;
      sums.tasks.done += job->tasks.done;
      sums.tasks.failed += job->tasks.failed;
      if (job->stopped) sums.stopped += job->tasks.waiting;
    }
    return sums;
  }

  Store& store_;
  mutable std::mutex mutex_;
  std::set<int64_t> ids_;  // guarded by mutex_; so below
  std::optional<Sums> sums_;
  std::chrono::steady_clock::time_point fresh_until_;
};

std::string_view StageText(TableProgress::Stage stage) {
  switch (stage) {
    case TableProgress::Stage::kWaiting: return "waiting";
    case TableProgress::Stage::kPlanning: return "planning";
    case TableProgress::Stage::kCreating: return "creating";
    case TableProgress::Stage::kCopying: return "copying";
    case TableProgress::Stage::kVerifying: return "comparing";
    case TableProgress::Stage::kDone: return "done";
    case TableProgress::Stage::kFailed: return "failed";
    case TableProgress::Stage::kRefused: return "refused";
  }
  return "";
}

/// The source has tasks that wait, and nothing but a user can make them begin.
Result<std::optional<Error>> StuckAt(Service& service, const service::DataSource& source) {
  using Stuck = std::optional<Error>;
  if (service.WasAskedToStop(source.id)) {
    return Stuck(Error(ErrorKind::kConflict, "SOURCE_STATE",
                       "was stopped; the tasks of its jobs wait: go on with mms job run")
                     .At("data source " + source.name));
  }
  if (source.status != service::SourceStatus::kStartFailed) return Stuck();
  TRY(const auto last, service.store().LastTask(source.id, service::AsyncType::kSourceStart));
  const auto error = last ? ErrorOfLedger(last->error_json) : std::nullopt;
  return error && !IsTransient(error->kind()) ? Stuck(*error) : Stuck();
}

/// Of the sources with tasks that wait: why they do, and what to end with when all are stuck.
struct Waiting {
  std::vector<std::string> reasons;
  std::optional<Error> stuck;
};
Result<Waiting> LookAtSources(Service& service) {
  Waiting waiting;
  bool all_stuck = true;
  for (int64_t page = 1;; ++page) {
    TRY(const auto sources, service.store().ListSources({}, {page, kPage}));
    for (const service::DataSource& source : sources) {
      TRY(const bool open, service.store().HasOpenJobTasks(source.id));
      if (!open) continue;
      TRY(const std::string why, service.WhyJobsWait(source));
      if (!why.empty()) waiting.reasons.push_back(why);
      TRY(const auto stuck, StuckAt(service, source));
      if (!stuck) all_stuck = false;
      if (stuck && !waiting.stuck) waiting.stuck = stuck;
    }
    if (static_cast<int64_t>(sources.size()) < kPage) break;
  }
  if (!all_stuck) waiting.stuck.reset();
  return waiting;
}

LiveProgress::Look LookAt(Service& service, JobsOfRun& ours, int64_t elapsed_ms) {
  LiveProgress::Look look;
  const auto sums = ours.SumUp();
  if (!sums) {
    look.sentence = sums.error().ToString();
    look.block = {look.sentence};
    look.fields = {{"tasks", nullptr}, {"elapsed_ms", elapsed_ms}};
    return look;
  }
  const service::TaskCounts& tasks = sums->tasks;
  look.sentence = fmt::format("{} of {} tasks done, {} running, {} waiting, {} failed", tasks.done,
                              tasks.total, tasks.running, tasks.waiting, tasks.failed);
  Json running = Json::array();
  for (const auto& [id, table] : service.MovingTasks()) {
    look.block.push_back(fmt::format("  task {} {}: {} {} of {}, {} rows", id, table.name,
                                     StageText(table.stage), HumanBytes(table.bytes_done),
                                     HumanBytes(table.bytes_total), Thousands(table.rows_done)));
    running.push_back({{"id", id},
                       {"table", table.name},
                       {"stage", StageText(table.stage)},
                       {"bytes", table.bytes_done},
                       {"bytes_total", table.bytes_total},
                       {"rows", table.rows_done}});
  }
  const auto waiting = LookAtSources(service);
  Json reasons = Json::array();
  if (waiting && tasks.waiting > 0) {
    for (const std::string& reason : waiting->reasons) {
      look.block.push_back("  " + reason);
      look.sentence += "; " + reason;
      reasons.push_back(reason);
    }
  }
  look.block.push_back(fmt::format("{} of {} tasks done, {} failed  {}", tasks.done, tasks.total,
                                   tasks.failed, HumanDuration(elapsed_ms)));
  look.fields = {{"tasks", tasks.total},
                 {"tasks_done", tasks.done},
                 {"tasks_running", tasks.running},
                 {"tasks_waiting", tasks.waiting},
                 {"tasks_failed", tasks.failed},
                 {"running", std::move(running)},
                 {"waiting_for", std::move(reasons)},
                 {"elapsed_ms", elapsed_ms}};
  return look;
}

Status PrintFailed(Store& store, int64_t job_id, Output& output) {
  Store::TaskFilter filter;
  filter.job_id = job_id;
  filter.failed = true;
  TRY(const auto failed, store.ListJobTasks(filter, {1, kFailedShown}));
  for (const JobTask& task : failed) {
    output.Log(fmt::format("failed: task {} {}: {}", task.id, service::StatusName(task.status),
                           ErrorOf(task)));
  }
  TRY(const int64_t total, store.CountJobTasks(filter));
  const int64_t untold = total - static_cast<int64_t>(failed.size());
  if (untold > 0) {
    output.Log(
        fmt::format("failed: {} more; see mms job tasks {} --status FAILED", untold, job_id));
  }
  return OkStatus();
}

/// Tasks that were to be compared again and are not, though they are DONE; each is told.
Result<int64_t> TellUncompared(Store& store, int64_t job_id, int64_t begun_ms, Output& output) {
  Store::TaskFilter filter;
  filter.job_id = job_id;
  filter.uncompared = true;
  int64_t count = 0;
  for (int64_t page = 1;; ++page) {
    TRY(const auto tasks, store.ListJobTasks(filter, {page, kPage}));
    for (const JobTask& task : tasks) {
      if (task.ended_ms.value_or(0) < begun_ms) continue;
      if (++count > kFailedShown) continue;
      output.Log(fmt::format("not compared: task {}, which stays {}: {}", task.id,
                             service::StatusName(task.status), ErrorOf(task)));
    }
    if (static_cast<int64_t>(tasks.size()) < kPage) return count;
  }
}

/// Whether a comparison found a difference in one of the job's tasks.
Result<bool> HasMismatch(Store& store, int64_t job_id) {
  constexpr int64_t kPage = 100;
  Store::TaskFilter filter;
  filter.job_id = job_id;
  filter.status = service::JobTaskStatus::kVerificationFailed;
  for (int64_t page = 1;; ++page) {
    TRY(const auto failed, store.ListJobTasks(filter, {page, kPage}));
    for (const JobTask& task : failed) {
      const std::optional<Error> error = ErrorOfLedger(task.error_json);
      if (error && error->code() == "VERIFY_MISMATCH") return true;
    }
    if (static_cast<int64_t>(failed.size()) < kPage) return false;
  }
}

Result<ExitCode> CodeOf(Store& store, const Sums& sums, const std::set<int64_t>& ours) {
  if (sums.tasks.failed == 0) return ExitCode::kDone;
  for (const int64_t id : ours) {
    TRY(const bool differs, HasMismatch(store, id));
    if (differs) return ExitCode::kMismatch;
  }
  return ExitCode::kTasksFailed;
}

}  // namespace

Result<ExitCode> RunJobRun(const JobFlags& flags, Output& output) {
  service::ServiceOptions options;
  options.folder = flags.state;
  options.workers = flags.workers;
  TRY(const auto service, Service::Open(std::move(options)));
  Store& store = service->store();
  const int64_t begun_ms = UnixMs();
  JobsOfRun ours(store);
  if (flags.id != 0) {
    TRY_VOID(store.GetJob(flags.id));
    ours.Join(flags.id);
  }
  std::atomic<bool> interrupted{false};
  const Interrupt interrupt([&] { interrupted = true; });
  LiveProgress progress(output, "job_progress", [&](int64_t elapsed_ms, const Screen&) {
    return LookAt(*service, ours, elapsed_ms);
  });
  service->RunInBackground([&](const Error& error) { progress.Note(error.ToString()); });
  progress.Start();
  for (;;) {
    bool running = false, waits = false;
    if (const auto broken = service->Broken()) return *broken;
    TRY(const auto open, store.ListOpenJobs());
    for (const Store::OpenJob& job : open) {
      ours.Join(job.id);
      running = running || job.running;
      waits = waits || job.waits;
    }
    if (!running && !waits) break;
    TRY(const Waiting waiting, LookAtSources(*service));
    if (waiting.stuck && !running) return *waiting.stuck;
    if (interrupted) {
      progress.Stop();
      return Error(ErrorKind::kCancelled, "INTERRUPTED",
                   "stopped by a signal; what is finished stays finished, go on with: mms job run "
                   "--state " +
                       flags.state);
    }
    std::this_thread::sleep_for(kLook);
  }
  ours.Forget();
  progress.Stop();
  ours.Forget();
  TRY(const Sums sums, ours.SumUp());
  int64_t uncompared = 0;
  for (const int64_t id : ours.ids()) {
    TRY_VOID(PrintFailed(store, id, output));
    TRY(const int64_t refused, TellUncompared(store, id, begun_ms, output));
    uncompared += refused;
  }
  const service::TaskCounts& tasks = sums.tasks;
  if (output.json()) {
    output.Object("summary", {{"tasks", tasks.total},
                              {"done", tasks.done},
                              {"failed", tasks.failed},
                              {"stopped", sums.stopped}});
  } else {
    output.Result(fmt::format("{}: {} done, {} failed, {} stopped; see mms job list --state {}\n",
                              Counted(tasks.total, "task"), tasks.done, tasks.failed, sums.stopped,
                              flags.state));
  }
  const bool all_compared = uncompared == 0 || sums.tasks.failed > 0;
  return all_compared ? CodeOf(store, sums, ours.ids()) : ExitCode::kTasksFailed;
}

}  // namespace mms::terminal
