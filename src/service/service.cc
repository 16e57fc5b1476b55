#include "service/service.h"

#include <algorithm>
#include <cctype>
#include <chrono>
#include <filesystem>
#include <system_error>
#include <utility>

#include "base/clock.h"
#include "base/lower_ascii.h"
#include "migration/workflow/engine.h"
#include "service/instance.h"
#include "service/job_run.h"
#include "service/next_match.h"

namespace mms::service {
namespace {

namespace fs = std::filesystem;
using enum SourceStatus;

constexpr const char* kLockName = "service.lock";
constexpr int64_t kHeartbeatMs = 5'000;
constexpr auto kTick = std::chrono::seconds(1);
constexpr auto kLook = std::chrono::milliseconds(50);

ServiceOptions Filled(ServiceOptions options) {
  if (!options.steady_ms) options.steady_ms = options.now_ms ? options.now_ms : SteadyMs;
  if (!options.now_ms) options.now_ms = UnixMs;
  while (options.folder.size() > 1 && options.folder.back() == '/') options.folder.pop_back();
  return options;
}

Status CheckName(const std::string& name) {
  const Status checked = migration::CheckSourceName(name);
  if (checked) return OkStatus();
  return Error(ErrorKind::kInvalidInput, "CONFIG_VALUE", "name " + checked.error().message());
}

Status CheckKind(const NewDataSource& source) {
  if (LowerAscii(source.type) == "databricks") return OkStatus();
  return Error(ErrorKind::kUnsupported, "SOURCE_TYPE_UNSUPPORTED",
               "type must be Databricks: data sources of other types are not read");
}

/// Nothing can be written to the folder: not a matter of a moment, nor of one file of it.
bool IsFolderLost(const Error& error) {
  return error.code() == "STATE_DISK_FULL" || error.code() == "STATE_NOT_WRITABLE";
}

migration::ScanScope ScopeOf(const ScanTask& scan) {
  migration::ScanScope scope;
  for (const std::string& table : scan.table_names) {
    scope.tables.push_back(scan.db_name.empty() ? table : scan.db_name + "." + table);
  }
  if (!scan.db_name.empty() && scope.tables.empty()) scope.schemas = {scan.db_name};
  return scope;
}

}  // namespace

std::string SourceFolder(const std::string& folder, int64_t source_id) {
  return folder + "/sources/" + std::to_string(source_id);
}

Service::Service(ServiceOptions options) : options_(Filled(std::move(options))) {}

Result<std::unique_ptr<Service>> Service::Open(ServiceOptions options) {
  std::unique_ptr<Service> service(new Service(std::move(options)));
  const ServiceOptions& filled = service->options_;
  TRY(service->taken_, migration::StateFolder::Take(filled.folder, kLockName));
  TRY(service->store_, Store::Open(*service->taken_));
  TRY_VOID(service->store_->Recover(filled.scan_interruptions_max, service->Now()));
  service->RemoveOrphans();
  service->KeepMissedEvidence();
  service->evidence_tried_ms_ = service->Steady();
  return service;
}

Service::~Service() {
  ending_ = true;
  changed_.notify_all();
  if (background_.joinable()) background_.join();
  std::map<int64_t, std::shared_ptr<Instance>> instances;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [id, instance] : instances_) instance->Cancel();
    for (const auto& [id, http] : tests_) http->Cancel();
  }
  {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] {
      Reap();
      return scans_.empty() && tasks_.empty() && job_tasks_.empty();
    });
  }
  if (evidence_.valid()) evidence_.wait();
  instances.swap(instances_);
  // What cannot be written now is put right by the next owner, as after a kill.
  for (const auto& [id, instance] : instances) {
    if (Move(id, {kStarted}, kStopping)) (void)Move(id, {kStopping}, kStopped);
  }
}

void Service::RemoveOrphans() {
  std::error_code failure;
  for (const auto& entry : fs::directory_iterator(options_.folder + "/sources", failure)) {
    const std::string name = entry.path().filename();
    const bool id = name.size() < 18 && std::all_of(name.begin(), name.end(), [](char c) {
                      return std::isdigit(static_cast<unsigned char>(c)) != 0;
                    });
    if (!id) continue;
    const auto source = store_->GetSource(std::stoll(name));
    if (source || source.error().code() != "SOURCE_NOT_FOUND") continue;
    fs::remove_all(entry.path(), failure);  // what stays is tried again by the next owner
  }
}

// Data sources. --------------------------------------------------------------------------------

Result<int64_t> Service::CreateDataSource(const NewDataSource& source) {
  TRY_VOID(CheckName(source.name));
  TRY_VOID(CheckKind(source));
  DataSource added;
  added.name = source.name;
  TRY(added.networklink, ParseNetworkLink(source.networklink));
  added.created_ms = Now();
  TRY(added.config, ApplyChanges({}, source.config, false));
  TRY_VOID(CheckWhole(added.config));
  return store_->AddSource(added);
}

Status Service::RenameDataSource(int64_t source_id, const std::string& name) {
  TRY_VOID(CheckName(name));
  return store_->RenameSource(source_id, name);
}

Status Service::DeleteDataSource(int64_t source_id) {
  TRY_VOID(store_->RemoveSource(source_id));
  const std::string folder = SourceFolder(options_.folder, source_id);
  std::error_code failure;
  fs::remove_all(folder, failure);
  if (!failure) return OkStatus();
  return Error(ErrorKind::kDenied, "STATE_NOT_WRITABLE",
               "the data source is removed, its metadata is not (" + failure.message() +
                   "); remove the folder")
      .At("folder " + folder);
}

// Networks. ------------------------------------------------------------------------------------

Status Service::CreateNetwork(const std::string& name, const nlohmann::json& config) {
  const Status checked = CheckNetworkName(name);
  if (!checked) {
    return Error(ErrorKind::kInvalidInput, "CONFIG_VALUE", "name " + checked.error().message());
  }
  NetworkProfile added;
  added.name = name;
  TRY(added, ApplyNetworkChanges(added, config));
  return store_->AddNetwork(added);
}

Status Service::UpdateNetwork(const std::string& name, const nlohmann::json& changes) {
  TRY(const NetworkProfile before, store_->UnsealNetwork(name));
  TRY(const NetworkProfile changed, ApplyNetworkChanges(before, changes));
  return store_->SaveNetwork(changed);
}

// Life cycle. ----------------------------------------------------------------------------------

Status Service::Move(int64_t source_id, std::vector<SourceStatus> from, SourceStatus to,
                     const std::string& error) {
  const Status moved =
      store_->Take({source_id, std::move(from), to, error, Steady(), kComputeUnits});
  changed_.notify_all();
  return moved;
}

std::shared_ptr<Instance> Service::FindInstance(int64_t source_id) {
  const std::lock_guard lock(mutex_);
  const auto found = instances_.find(source_id);
  return found == instances_.end() ? nullptr : found->second;
}

// Scans. ---------------------------------------------------------------------------------------

Result<int64_t> Service::CreateFetchMetadataJob(int64_t source_id, const FetchScope& scope) {
  ScanTask scan;
  scan.source_id = source_id;
  scan.cause = "user";
  scan.db_name = scope.db_name;
  scan.table_names = scope.table_names;
  scan.created_ms = Now();
  return store_->AddScan(scan);
}

Result<std::string> Service::RunScan(const ScanTask& scan) {
  if (!FindInstance(scan.source_id)) {
    TRY_VOID(RunTask({scan.source_id, AsyncType::kSourceStart, "scan"}));
  }
  const auto instance = FindInstance(scan.source_id);
  if (!instance) return Error(ErrorKind::kCancelled, "CANCELLED", "its data source was stopped");
  if (ending_) instance->Cancel();  // it came after the others were
  return instance->Scan(ScopeOf(scan));
}

Status Service::EndScan(const ScanTask& scan, const Result<std::string>& result) {
  if (!result && ending_) return store_->ReturnScan(scan.id);
  Store::ScanEnd end;
  end.now_ms = Now();
  if (result) {
    end.result = *result;
  } else {
    end.status = TaskStatus::kFailed;
    const bool stopped = result.error().kind() == ErrorKind::kCancelled;
    end.error_json = migration::ErrorText(stopped ? ScanStopped() : result.error());
  }
  return store_->EndScan(scan.id, end);
}

Result<bool> Service::TickScan(const DataSource& source) {
  bool has_thread = false;
  {
    const std::lock_guard lock(mutex_);
    Reap();
    has_thread = scans_.contains(source.id);
  }
  TRY(const int64_t open, store_->CountOpenScans(source.id));
  if (open == 0) return false;
  if (const auto instance = FindInstance(source.id)) {
    TRY_VOID(store_->SetScanProgress(source.id, instance->Progress()));
  }
  // In the store a scan may have ended, its thread not yet; the next one begins a turn later.
  if (has_thread || source.status == kStarting || source.status == kStopping) return true;
  TRY(const std::optional<ScanTask> next, store_->NextScan(source.id));
  if (!next) return true;
  TRY_VOID(store_->BeginScan(next->id, Now()));
  const std::lock_guard lock(mutex_);
  scans_[source.id] = std::thread([this, scan = *next] {
    const Status ended = EndScan(scan, RunScan(scan));
    NoteWork(scan.source_id);
    const std::lock_guard inner(mutex_);
    if (!ended) failure_ = ended.error();
    ended_.push_back(scan.source_id);
    changed_.notify_all();
  });
  return true;
}

bool Service::WasAskedToStop(int64_t source_id) {
  const std::lock_guard lock(mutex_);
  return stops_asked_.contains(source_id);
}

Result<bool> Service::HasMoreToDo() {
  TRY(const int64_t timers, store_->CountTimers({0, "", false}));
  TRY(const int64_t tasks, store_->CountOpenTasks());
  if (timers + tasks > 0) return true;
  constexpr int64_t kPage = 100;
  for (int64_t page = 1;; ++page) {
    TRY(const std::vector<DataSource> sources, store_->ListSources({}, {page, kPage}));
    for (const DataSource& source : sources) {
      TRY(const ZonedTimer timer, TimerOf(source.config));
      if (timer.timer.type != migration::MetaTimer::Type::kNone) return true;
      if (WasAskedToStop(source.id)) continue;
      TRY(const int64_t scans, store_->CountOpenScans(source.id));
      TRY(const bool moves, store_->HasOpenJobTasks(source.id));
      if (scans > 0 || moves) return true;
    }
    if (static_cast<int64_t>(sources.size()) < kPage) return false;
  }
}

void Service::NoteWork(int64_t source_id) {
  const int64_t now = Steady();
  const std::lock_guard lock(mutex_);
  busy_ms_[source_id] = now;
}

void Service::Reap() {
  for (const int64_t source_id : ended_) {
    const auto thread = scans_.find(source_id);
    thread->second.join();
    scans_.erase(thread);
  }
  ended_.clear();
  for (const int64_t task_id : ended_tasks_) {
    const auto thread = tasks_.find(task_id);
    thread->second.join();
    tasks_.erase(thread);
  }
  ended_tasks_.clear();
  for (const int64_t task_id : ended_job_tasks_) {
    const auto running = job_tasks_.find(task_id);
    running->second.thread.join();
    job_tasks_.erase(running);
  }
  ended_job_tasks_.clear();
}

void Service::WaitForScans() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] {
    Reap();
    return scans_.empty();
  });
}

// Turns. ---------------------------------------------------------------------------------------

Status Service::TickTimer(const DataSource& source) {
  TRY(const ZonedTimer timer, TimerOf(source.config));
  const int64_t last = source.timer_ms.value_or(source.created_ms);
  TRY(const int64_t match, DueMatch(timer.timer, timer.zone, last, Now()));
  if (match == 0) return OkStatus();
  ScanTask scan;
  scan.source_id = source.id;
  scan.cause = "timer";
  scan.created_ms = Now();
  return store_->FireTimer(scan, match);
}

Status Service::StopIdle(const DataSource& source) {
  if (source.status != kStarted) return OkStatus();
  {
    const std::lock_guard lock(mutex_);
    const int64_t idle = Steady() - busy_ms_[source.id];
    if (idle < options_.idle_ms) return OkStatus();
  }
  return RunTask({source.id, AsyncType::kSourceStop, "idle"});
}

Status Service::TickSource(const DataSource& source) {
  if (source.stop_asked && source.status != kStarting) {
    TRY_VOID(StopDataSource(source.id));
    const std::lock_guard lock(mutex_);
    stops_asked_.insert(source.id);
    return OkStatus();
  }
  TRY_VOID(TickTimer(source));
  TRY_VOID(TickJobTimers(source));
  TRY(const bool scans, TickScan(source));
  TRY(const bool moves, TickJobs(source));
  return scans || moves ? OkStatus() : StopIdle(source);
}

Status Service::Tick() {
  const int64_t now = Steady();
  if (now - heartbeat_ms_ >= kHeartbeatMs) {
    TRY_VOID(store_->Heartbeat(now));
    heartbeat_ms_ = now;
  }
  TRY_VOID(TickEvidence());
  constexpr int64_t kPage = 100;
  std::optional<Error> failed;
  for (int64_t page = 1;; ++page) {
    TRY(const std::vector<DataSource> sources, store_->ListSources({}, {page, kPage}));
    for (const DataSource& source : sources) {
      const Status ticked = TickSource(source);
      if (!ticked && !failed) failed = ticked.error();
    }
    if (static_cast<int64_t>(sources.size()) < kPage) break;
  }
  const std::lock_guard lock(mutex_);
  if (failure_) failed = std::exchange(failure_, std::nullopt);
  if (failed && !broken_ && IsFolderLost(*failed)) broken_ = failed;
  return failed ? Status(*std::move(failed)) : OkStatus();
}

std::optional<Error> Service::Broken() {
  const std::lock_guard lock(mutex_);
  return broken_;
}

void Service::RunInBackground(std::function<void(const Error&)> on_error) {
  background_ = std::thread([this, on_error = std::move(on_error)] {
    while (!ending_) {
      const Status status = Tick();
      if (!status) on_error(status.error());
      std::unique_lock lock(mutex_);
      changed_.wait_for(lock, kTick, [&] { return ending_.load() || wake_; });
      wake_ = false;
    }
  });
}

}  // namespace mms::service
