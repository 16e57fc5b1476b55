// Jobs in service.h: their making, the turns that begin their tasks, and their timers.
// Their evidence: service_evidence.cc.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "migration/transfer/job.h"
#include "migration/workflow/engine.h"
#include "service/instance.h"
#include "service/job_choice.h"
#include "service/job_run.h"
#include "service/job_window.h"
#include "service/next_match.h"
#include "service/run_options.h"
#include "service/service.h"
#include "service/target_profile.h"
#include "service/try_connection.h"

namespace mms::service {
namespace {

using enum SourceStatus;

constexpr auto kLook = std::chrono::milliseconds(50);
/// Between two tries to start a source for its jobs.
constexpr int64_t kStartAgainMs = 60'000;
constexpr int64_t kProgressMs = 1'000;
/// Of workers that no task wants, while others are at work.
constexpr int64_t kIdleWorkflowMs = 5'000;
constexpr size_t kUnreadNamed = 5;

/// What the scan could not read of what the job means: how much, and the first of it.
int64_t FindUnread(const ScanTask& scan, const NewJob& job, std::vector<std::string>* first) {
  const auto result = nlohmann::json::parse(scan.result, nullptr, false);
  if (!result.is_object() || !result.contains("failed")) return 0;
  // Of those beyond the first thousand there are no names.
  int64_t count = result["failed_count"].get<int64_t>();
  for (const auto& one : result["failed"]) {
    const auto name = one["name"].get<std::string>();
    const bool is_table = !name.starts_with("schema ");
    if (is_table && !MeansTable(job.config, job.src_db, name.substr(name.rfind('.') + 1))) {
      --count;
      continue;
    }
    if (first->size() == kUnreadNamed) continue;
    const std::string why = migration::ErrorFromJson(one["error"]).ToString();
    first->push_back(why.find(name) == why.npos ? name + ": " + why : why);
  }
  return count;
}

/// With something unread it is no success: what has changed there is not copied.
TimerLogEnd EndOfFiring(int64_t log_id, std::string message, const std::vector<std::string>& unread,
                        int64_t unread_count) {
  if (unread_count == 0) return {log_id, JobStatus::kDone, std::move(message)};
  message += fmt::format(
      "; the scan could not read {} of its tables, and what has changed there is "
      "not known: {}",
      unread_count, fmt::join(unread, "; "));
  const int64_t untold = unread_count - static_cast<int64_t>(unread.size());
  if (untold > 0) message += fmt::format("; {} more: mms source tables", untold);
  return {log_id, JobStatus::kFailed, std::move(message)};
}

}  // namespace

// Making. ----------------------------------------------------------------------------------------

Result<ScanTask> Service::WaitForScan(int64_t scan_id) {
  while (!ending_) {
    TRY(ScanTask scan, store_->GetScan(scan_id));
    if (scan.status == TaskStatus::kDone) return scan;
    if (scan.status == TaskStatus::kFailed) {
      return migration::ErrorFromJson(nlohmann::json::parse(scan.error_json));
    }
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, kLook);
  }
  return migration::Cancelled();
}

Result<Service::Refreshed> Service::RefreshAndMake(const AsyncRequest& request) {
  CHECK(request.job.has_value());
  NewJob job = *request.job;
  Refreshed refreshed;
  if (request.refresh) {
    FetchScope scope{job.src_db, job.config.tables};
    TRY(const int64_t id, CreateFetchMetadataJob(request.source_id, scope));
    TRY(const ScanTask scan, WaitForScan(id));
    refreshed.unread_count = FindUnread(scan, job, &refreshed.unread);
  }
  if (request.timer_log) {
    job.firing = EndOfFiring(*request.timer_log, "start job success", refreshed.unread,
                             refreshed.unread_count);
  }
  const TargetReach target{options_.http, [this] { return ending_.load(); }};
  TRY(refreshed.job, MakeJob(*store_, {options_.folder, Now(), target}, job));
  return refreshed;
}

Service::Outcome Service::CreateJob(const AsyncRequest& request) {
  const auto made = RefreshAndMake(request);
  Outcome outcome;
  if (made) {
    nlohmann::json result = ToJson(made->job.choice);
    const std::optional<int64_t>& id = made->job.id;
    result["job_id"] = id ? nlohmann::json(*id) : nlohmann::json();
    result["unread"] = made->unread;
    result["unread_count"] = made->unread_count;
    outcome.result = result.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
    outcome.object_id = id;
    const std::lock_guard lock(mutex_);
    held_.erase(request.source_id);
    wake_ = true;
    changed_.notify_all();
  } else {
    outcome.error = made.error();
  }
  if (request.timer_log && !outcome.object_id) {  // else the line has ended with the job's making
    const Status noted = NoteNoJob(*request.timer_log, made);
    if (!noted && !outcome.error) outcome.error = noted.error();
  }
  return outcome;
}

Status Service::NoteNoJob(int64_t log_id, const Result<Refreshed>& made) {
  if (made) {
    return store_->EndTimerLog(EndOfFiring(log_id, "nothing is new or has changed; no job was made",
                                           made->unread, made->unread_count));
  }
  const bool cut_off = ending_ && made.error().kind() == ErrorKind::kCancelled;
  if (cut_off) return store_->ReturnTimerLog(log_id);
  return store_->EndTimerLog({log_id, JobStatus::kFailed, made.error().ToString()});
}

// Running. ---------------------------------------------------------------------------------------

Result<migration::RunOptions> Service::RunOptionsOf(const DataSource& source,
                                                    const migration::SourceOptions& options) {
  TRY(migration::RunOptions run, service::RunOptionsOf(*store_, source, options, options_.http));
  run.workers = options_.workers;
  run.worker_program = options_.worker_program;
  return run;
}

Result<TargetTest> Service::TargetTestOf(const DataSource& source) {
  TRY(const migration::RunOptions run, RunOptionsOf(source, {}));
  TargetTest test;
  test.options = run.target;
  test.http = std::make_shared<HttpClient>(run.target_http);
  test.projects = ProjectsOf(source.config);
  return test;
}

size_t Service::JobTasksOf(int64_t source_id) {
  return static_cast<size_t>(
      std::count_if(job_tasks_.begin(), job_tasks_.end(),
                    [&](const auto& running) { return running.second.source_id == source_id; }));
}

std::map<int64_t, migration::TableProgress> Service::MovingTasks() {
  const std::lock_guard lock(mutex_);
  std::map<int64_t, migration::TableProgress> moving;
  for (const auto& [id, running] : job_tasks_) moving[id] = running.run->Moving();
  return moving;
}

void Service::WaitForJobTasks() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] {
    Reap();
    return job_tasks_.empty();
  });
  const std::shared_future<void> evidence = evidence_;
  lock.unlock();
  if (evidence.valid()) evidence.wait();
}

Status Service::StartForJobs(const DataSource& source) {
  if (source.status == kStarting || source.status == kStopping) return OkStatus();
  const int64_t now = Now();
  {
    const std::lock_guard lock(mutex_);
    if (held_.contains(source.id)) return OkStatus();
    const auto tried = start_tried_ms_.find(source.id);
    const bool lately = tried != start_tried_ms_.end() && now >= tried->second &&
                        now - tried->second < kStartAgainMs;
    if (lately) return OkStatus();
    start_tried_ms_[source.id] = now;
  }
  // On a thread of its own: what keeps it from starting stands in the task and at the source.
  TRY_VOID(BeginTask({source.id, AsyncType::kSourceStart, "job"}));
  return OkStatus();
}

Status Service::BeginJobTask(const JobTask& task) {
  TRY(JobTask begun, store_->BeginJobTask(task.id, Now()));
  JobRun::Peers peers{*store_, options_.now_ms, options_.steady_ms,
                      [this, source_id = task.source_id]() -> Result<std::shared_ptr<Instance>> {
                        auto instance = FindInstance(source_id);
                        if (!instance || instance->cancelled()) return migration::Cancelled();
                        return instance;
                      },
                      [this] { return ending_.load(); }};
  auto run = std::make_shared<JobRun>(std::move(peers), std::move(begun));
  const std::lock_guard lock(mutex_);
  RunningTask& running = job_tasks_[task.id];
  running.source_id = task.source_id;
  running.run = run;
  running.thread = std::thread([this, run, source_id = task.source_id, job_id = task.job_id] {
    const Status ended = run->Run();
    const Status kept = ended ? KeepEvidence(job_id) : OkStatus();
    NoteWork(source_id);
    const std::lock_guard inner(mutex_);
    if (!kept) failure_ = kept.error();
    // In the store it still runs, and only the folder's next owner puts that right.
    if (!ended && !broken_) broken_ = ended.error();
    ended_job_tasks_.push_back(run->task_id());
    wake_ = true;
    changed_.notify_all();
  });
  return OkStatus();
}

Status Service::BeginJobTasks(const DataSource& source) {
  const auto limit = static_cast<size_t>(std::stoi(source.config.Get("task.max.num")));
  for (;;) {
    {
      const std::lock_guard lock(mutex_);
      const bool full = JobTasksOf(source.id) >= limit ||
                        job_tasks_.size() >= static_cast<size_t>(options_.job_tasks_max);
      if (full || ending_) return OkStatus();
    }
    TRY(const std::optional<JobTask> next, store_->NextJobTask(source.id, Steady()));
    if (!next) return OkStatus();
    {
      const std::lock_guard lock(mutex_);
      Reap();
      // In the store it has ended, its thread not yet; when that ends, it wakes the next turn.
      if (job_tasks_.contains(next->id)) return OkStatus();
    }
    TRY_VOID(BeginJobTask(*next));
  }
}

Status Service::KeepBudgets(int64_t source_id) {
  TRY(const std::vector<Job> jobs, store_->ListBudgeted(source_id));
  if (jobs.empty()) return OkStatus();
  TRY(const Profile prices, store_->GetPrices());
  for (const Job& job : jobs) {
    TRY(const Budget budget, BudgetOf(job.config));
    TRY(const JobUse use, store_->UseOfJob(job.id));
    if (const auto why = ExceededBy(job.id, use, prices, budget)) {
      TRY_VOID(store_->StopJob(job.id, *why));
    }
  }
  return OkStatus();
}

Result<Service::Work> Service::StoreProgress(int64_t source_id) {
  std::map<int64_t, Store::Moved> moved;
  const int64_t now = Now();
  {
    const std::lock_guard lock(mutex_);
    Reap();
    if (JobTasksOf(source_id) == 0) return Work{.runs = false, .told = true};
    int64_t& last = progress_ms_[source_id];
    if (now >= last && now - last < kProgressMs) return Work{.runs = true, .told = false};
    last = now;
    for (const auto& [id, running] : job_tasks_) {
      if (running.source_id != source_id) continue;
      const migration::TableProgress table = running.run->Moving();
      moved[id] = {table.rows_done, table.bytes_done, running.run->TrafficSoFar(),
                   running.run->ShareSoFar(), running.run->SqlSoFar()};
    }
  }
  TRY_VOID(store_->SetJobTaskProgress(moved));
  return Work{.runs = true, .told = true};
}

Result<std::string> Service::WhyJobsWait(const DataSource& source) {
  TRY(const bool open, store_->HasOpenJobTasks(source.id));
  if (!open) return std::string();
  if (WasAskedToStop(source.id)) return "data source " + source.name + " was stopped";
  if (source.status == kStartFailed) {
    return "data source " + source.name +
           " cannot be started, and is tried again each minute: " + source.error;
  }
  TRY(std::string why, WhyWindowWaits(source, Now()));
  return why.empty() ? WhyForEvidence(source) : std::move(why);
}

Result<bool> Service::TickJobs(const DataSource& source) {
  TRY(const Work work, StoreProgress(source.id));
  const auto instance = FindInstance(source.id);
  TRY(const bool open, store_->HasOpenJobTasks(source.id));
  const bool idle = !open && !work.runs;
  if (instance) instance->EndIdleWorkflows(idle ? 0 : kIdleWorkflowMs);
  if (idle) return false;
  if (work.runs) NoteWork(source.id);
  // Each end of a task comes here, and what a job has used is summed up over all its tasks.
  if (work.told) TRY_VOID(KeepBudgets(source.id));
  TRY(const std::optional<JobTask> next, store_->NextJobTask(source.id, Steady()));
  if (!next) return true;
  TRY(const std::string why, WhyWindowWaits(source, Now()));
  if (!why.empty()) return true;
  TRY_VOID(!instance || source.status != kStarted ? StartForJobs(source) : BeginJobTasks(source));
  return true;
}

// Timers. ----------------------------------------------------------------------------------------

Status Service::FireJobTimer(const JobTimer& timer, int64_t match_ms) {
  TRY(const int64_t open, store_->CountOpenJobsOfTimer(timer.id));
  TimerLog log;
  log.timer_id = timer.id;
  log.action = "start job";
  log.status = JobStatus::kDoing;
  log.created_ms = Now();
  if (open > 0) {
    log.status = JobStatus::kFailed;
    log.message = "conflict: a job of this timer is still running; none was made";
  }
  TRY(const int64_t log_id, store_->AnswerTimer(match_ms, log));
  if (open > 0) return OkStatus();
  AsyncRequest request{timer.source_id, AsyncType::kTaskCreate, "timer"};
  request.refresh = timer.refresh;
  request.timer_log = log_id;
  request.job = NewJobOf(timer);
  const auto begun = BeginTask(request);
  if (begun) return store_->SetTimerLogTask(log_id, *begun);
  if (ending_) return store_->ReturnTimerLog(log_id);
  return store_->EndTimerLog({log_id, JobStatus::kFailed, begun.error().ToString()});
}

Status Service::TickJobTimers(const DataSource& source) {
  constexpr int64_t kPage = 100;
  for (int64_t page = 1;; ++page) {
    TRY(const auto timers, store_->ListTimers({source.id, "", false}, {page, kPage}));
    for (const JobTimer& timer : timers) {
      TRY(const auto schedule, migration::ParseMetaTimer(timer.schedule, timer.value));
      const int64_t last = timer.match_ms.value_or(timer.created_ms);
      TRY(int64_t match, DueMatch(schedule, timer.zone, last, Now()));
      if (match == 0 && timer.trigger_asked) match = Now();
      if (match != 0) TRY_VOID(FireJobTimer(timer, match));
    }
    if (static_cast<int64_t>(timers.size()) < kPage) return OkStatus();
  }
}

/// What is Completed is so at one MaxCompute, which may have several endpoints.
Status Service::CheckSameService(const Profile& before, const Profile& changed) {
  const std::string was = before.Get("endpoint");
  const std::string is = changed.Get("endpoint");
  if (was.empty() || was == is || changed.Get("same_service_as") == was) return OkStatus();
  TRY(const bool jobs, store_->HasJobs());
  if (!jobs) return OkStatus();
  return Error(ErrorKind::kConflict, "TARGET_OTHER",
               "jobs of this state folder have copied to " + was +
                   ", and what is Completed is so there alone; begin with another state folder for "
                   "another MaxCompute, or where " +
                   is + " leads to the same one, give also --set same_service_as=" + was)
      .At("target");
}

Status Service::UpdateTarget(const nlohmann::json& changes) {
  TRY(const Profile before, store_->UnsealTarget());
  TRY(const Profile changed, ApplyTargetChanges(before, changes));
  TRY_VOID(CheckSameService(before, changed));
  const std::string network = changed.Get("network");
  if (!network.empty()) TRY_VOID(store_->GetNetwork(network));
  return store_->SaveTarget(changed);
}

}  // namespace mms::service
