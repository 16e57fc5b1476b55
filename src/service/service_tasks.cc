// The asynchronous tasks of service.h.
#include <algorithm>
#include <chrono>
#include <utility>

#include "migration/transfer/job.h"
#include "migration/workflow/engine.h"
#include "service/instance.h"
#include "service/run_options.h"
#include "service/service.h"
#include "service/try_connection.h"

namespace mms::service {
namespace {

using enum SourceStatus;

constexpr auto kLook = std::chrono::milliseconds(50);

Error Ending() {
  return Error(ErrorKind::kCancelled, "CANCELLED", "the process that was at it is ending");
}

/// "" when it was not come to. A peer's words may be no UTF-8.
std::string ResultText(const ConnectionTest& test) {
  if (test.result.is_null()) return "";
  return test.result.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace

Error Service::ScanStopped() {
  return Error(ErrorKind::kCancelled, "SCAN_STOPPED", "stopped with its data source; scan again");
}

Result<int64_t> Service::BeginTask(const AsyncRequest& request) {
  const bool changes =
      request.type == AsyncType::kConfigTest || request.type == AsyncType::kConfigUpdate;
  if (changes) TRY_VOID(Changed(request));
  AsyncTask task;
  task.source_id = request.source_id;
  task.type = request.type;
  task.cause = request.cause;
  task.started_ms = Now();
  const std::lock_guard lock(mutex_);
  if (ending_) return Ending();
  Reap();
  TRY(const Store::Asked asked, store_->AddTask(task));
  if (asked.joined) return asked.id;
  tasks_[asked.id] = std::thread([this, request, id = asked.id] {
    const Outcome outcome = Do(request, id);
    Store::TaskEnd end;
    end.result = outcome.result;
    end.object_id = outcome.object_id;
    end.now_ms = Now();
    if (outcome.error) {
      end.status = TaskStatus::kFailed;
      end.error_json = migration::ErrorText(*outcome.error);
    }
    const Status ended = store_->EndTask(id, end);
    const std::lock_guard inner(mutex_);
    tests_.erase(id);
    if (!ended) failure_ = ended.error();
    ended_tasks_.push_back(id);
    changed_.notify_all();
  });
  return asked.id;
}

Result<AsyncTask> Service::WaitForTask(int64_t task_id) {
  {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] {
      Reap();
      return !tasks_.contains(task_id);
    });
  }
  return store_->GetTask(task_id);
}

Status Service::RunTask(const AsyncRequest& request) {
  TRY(const int64_t id, BeginTask(request));
  TRY(const AsyncTask task, WaitForTask(id));
  if (task.status == TaskStatus::kDone) return OkStatus();
  if (task.error_json.empty()) {
    return Error(ErrorKind::kUnavailable, "STATE_IO", "its end could not be stored")
        .At("task " + std::to_string(id));
  }
  return migration::ErrorFromJson(nlohmann::json::parse(task.error_json));
}

Service::Outcome Service::Do(const AsyncRequest& request, int64_t task_id) {
  switch (request.type) {
    case AsyncType::kSourceStart: return Start(request, task_id);
    case AsyncType::kConfigTest: return Test(request, task_id);
    case AsyncType::kConfigUpdate: return Update(request, task_id);
    case AsyncType::kTaskCreate: return CreateJob(request);
    case AsyncType::kSourceStop: break;
  }
  if (request.cause == "user") {
    const std::lock_guard lock(mutex_);
    held_.insert(request.source_id);
  }
  const Status stopped = Stop(request.source_id);
  return {"", stopped ? std::nullopt : std::optional<Error>(stopped.error())};
}

Result<migration::SourceOptions> Service::OptionsOf(const DataSource& source) {
  return ConnectionOf(*store_, source, options_.http);
}

std::shared_ptr<HttpClient> Service::MakeHttp(int64_t task_id, const HttpClient::Options& options) {
  auto http = std::make_shared<HttpClient>(options);
  const std::lock_guard lock(mutex_);
  if (ending_) http->Cancel();
  tests_[task_id] = http;
  return http;
}

Service::Outcome Service::Start(const AsyncRequest& request, int64_t task_id) {
  const int64_t source_id = request.source_id;
  {
    const std::lock_guard lock(mutex_);
    starts_[source_id] = nullptr;
    if (request.cause != "job") held_.erase(source_id);
  }
  Outcome outcome = StartHere(source_id, task_id);
  const std::lock_guard lock(mutex_);
  starts_.erase(source_id);
  changed_.notify_all();
  return outcome;
}

Service::Outcome Service::StartHere(int64_t source_id, int64_t task_id) {
  ConnectionTest test;
  const auto connect = [&]() -> Result<std::shared_ptr<Instance>> {
    TRY(const DataSource source, store_->UnsealSource(source_id));
    TRY(migration::SourceOptions options, OptionsOf(source));
    const auto http = MakeHttp(task_id, options.http);
    {
      const std::lock_guard lock(mutex_);
      starts_[source_id] = http;
    }
    test = TryConnection(options, http, TestDepth::kConnection, [this] { return ending_.load(); });
    if (ending_) return Ending();
    if (test.error) return *test.error;
    InstanceOptions made{options, http, SourceFolder(options_.folder, source_id), {}};
    made.compute_units = kComputeUnits;
    made.now_ms = options_.steady_ms;
    TRY(const bool has_target, store_->HasTarget());
    if (has_target) {
      TRY(made.run, RunOptionsOf(source, options));
    }
    return Instance::Open(std::move(made));
  };
  const auto start = [&]() -> Status {
    for (;;) {
      TRY(const DataSource source, store_->GetSource(source_id));
      if (source.status == kStarted) return OkStatus();
      if (source.status != kStopping || ending_) break;
      std::unique_lock lock(mutex_);
      changed_.wait_for(lock, kLook);
    }
    TRY_VOID(Move(source_id, {kInit, kStopped, kStartFailed, kStopFailed}, kStarting));
    auto instance = connect();
    if (!instance) {
      const bool stopped = instance.error().kind() == ErrorKind::kCancelled && !ending_;
      TRY_VOID(stopped ? Move(source_id, {kStarting}, kStopped)
                       : Move(source_id, {kStarting}, kStartFailed, instance.error().ToString()));
      return instance.error();
    }
    {
      const std::lock_guard lock(mutex_);
      if (ending_) (*instance)->Cancel();  // it came after the others were
      instances_[source_id] = *std::move(instance);
    }
    NoteWork(source_id);
    Status moved = Move(source_id, {kStarting}, kStarted);
    const std::lock_guard lock(mutex_);
    if (!moved) instances_.erase(source_id);
    return moved;
  };
  const Status started = start();
  return {ResultText(test), started ? std::nullopt : std::optional<Error>(started.error())};
}

void Service::EndStart(int64_t source_id) {
  std::unique_lock lock(mutex_);
  while (starts_.contains(source_id)) {
    if (const auto http = starts_[source_id]) http->Cancel();
    changed_.wait_for(lock, kLook);
  }
}

Status Service::Stop(int64_t source_id) {
  EndStart(source_id);
  const std::string stopped = migration::ErrorText(ScanStopped());
  TRY(const DataSource source, store_->GetSource(source_id));
  if (source.status != kStarted && source.status != kStarting && source.status != kStopping) {
    TRY_VOID(store_->AskStop(source_id, false));
    return store_->FailWaitingScans(source_id, stopped, Now());
  }
  TRY_VOID(Move(source_id, {kStarted}, kStopping));
  if (const auto instance = FindInstance(source_id)) instance->Cancel();
  {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] {
      Reap();
      return !scans_.contains(source_id) && JobTasksOf(source_id) == 0;
    });
    instances_.erase(source_id);
  }
  TRY_VOID(store_->FailWaitingScans(source_id, stopped, Now()));
  return Move(source_id, {kStopping}, kStopped);
}

Result<DataSource> Service::Changed(const AsyncRequest& request) {
  TRY(DataSource source, store_->UnsealSource(request.source_id));
  const bool busy =
      source.status == kStarting || source.status == kStarted || source.status == kStopping;
  if (busy && request.type == AsyncType::kConfigUpdate) {
    return Error(ErrorKind::kConflict, "SOURCE_STATE",
                 "is " + std::string(StatusName(source.status)) +
                     " with the settings it has; stop it, change them, and start it again")
        .At("data source " + source.name);
  }
  TRY(const ZonedTimer before, TimerOf(source.config));
  TRY(source.config, ApplyChanges(source.config, request.changes, true));
  if (!request.networklink.empty()) {
    TRY(source.networklink, ParseNetworkLink(request.networklink));
    if (source.networklink != kDirectLink) {
      TRY_VOID(store_->GetNetwork(NetworkNameOf(source.networklink)));
    }
  }
  TRY_VOID(CheckWhole(source.config));
  TRY(const ZonedTimer after, TimerOf(source.config));
  // What matched before the timer was set is none of its matches.
  if (after != before) source.timer_ms = Now();
  return source;
}

Service::Outcome Service::Test(const AsyncRequest& request, int64_t task_id) {
  ConnectionTest test;
  const auto run = [&]() -> Status {
    TRY(const DataSource source, Changed(request));
    TRY(migration::SourceOptions options, OptionsOf(source));
    const auto http = MakeHttp(task_id, options.http);
    const auto ending = [this] { return ending_.load(); };
    test = TryConnection(options, http, TestDepth::kAll, ending);
    TRY(const bool has_target, store_->HasTarget());
    if (!has_target) {
      NoteNoTarget(&test);
    } else if (!ending_) {
      TRY(TargetTest target, TargetTestOf(source));
      TryTarget(target, ending, &test);
    }
    if (ending_) return Ending();
    return test.error ? Status(*test.error) : OkStatus();
  };
  const Status passed = run();
  return {ResultText(test), passed ? std::nullopt : std::optional<Error>(passed.error())};
}

Service::Outcome Service::Update(const AsyncRequest& request, int64_t task_id) {
  Outcome outcome;
  if (request.test) outcome = Test(request, task_id);
  if (outcome.error) return outcome;
  const auto store = [&]() -> Status {
    // Anew: the source may have been changed or started while the test ran.
    TRY(const DataSource source, Changed(request));
    return store_->SaveSource(source);
  };
  const Status stored = store();
  if (!stored) outcome.error = stored.error();
  return outcome;
}

}  // namespace mms::service
