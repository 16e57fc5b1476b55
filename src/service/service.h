// The service: data sources with their life cycle, timers and scans, in the words of the MMS API
// (DataSource, FetchMetadataJob, ...), on the state store. The command line uses it in its own
// process; an API will too.
//
// A source's instance is its connection in this process: its HTTP client and its metadata. It
// begins with a start, or by itself when a scan waits, and ends with a stop, or by itself when
// nothing has waited or run for a while. What an MMS instance would take, 4 CU, is accounted for as
// long. Each transition is on disk before the next act (store.h); the next owner of the folder puts
// right what a killed one left.
//
// Starts, stops, tests, updates and the making of jobs are asynchronous tasks, each with a record
// that stays. Tasks of jobs run side by side, within the source's concurrency, its window and the
// service's own limit, in the order of Store::NextJobTask. Waiting tasks start their source by
// themselves, unless a user has stopped it. When the last task of a job has ended, its evidence is
// written (job_evidence.h); where that fails it is tried again, and what it tells of waits.
//
// Threads: thread-safe. Nothing happens by itself but in Tick, which RunInBackground calls each
// second and whenever a task of a job ends; scans and tasks run on threads of their own, one scan
// at a time for each source, as does evidence that is tried again. Errors:
// those of store.h, source_config.h, StateFolder (kConflict STATE_IN_USE), and of the peers.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <future>
#include <map>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "base/http_client.h"
#include "base/result.h"
#include "migration/inspect/inspect.h"
#include "migration/ledger/state_folder.h"
#include "migration/workflow/options.h"
#include "migration/workflow/progress.h"
#include "service/job_making.h"
#include "service/store.h"

namespace mms::service {

class Instance;
class JobRun;
struct TargetTest;

struct ServiceOptions {
  std::string folder;
  std::function<int64_t()> now_ms;  ///< since 1970 UTC; null = this machine's clock
  /// For what lasts, so that a clock that is set puts nothing on a bill; null = now_ms where it is
  /// given, else SteadyMs.
  std::function<int64_t()> steady_ms = {};
  int64_t idle_ms = 30 * 60 * 1'000;  ///< without work, until a source is shut down
  HttpClient::Options http;           ///< the network `direct:local`
  /// A scan, or a timer's firing, that outlives no process is given up then.
  int scan_interruptions_max = 3;
  int job_tasks_max = 64;      ///< tasks of jobs side by side, of all sources
  int workers = 2;             ///< worker processes, for each destination at work
  std::string worker_program;  ///< path of the mms binary; "" = this one
};

struct NewDataSource {
  std::string name;
  std::string type = "Databricks";
  std::string networklink = kDirectLink;  ///< NAME:local, or the network's name alone
  nlohmann::json config;
};

/// What to scan; both empty = the whole source.
struct FetchScope {
  std::string db_name;
  std::vector<std::string> table_names;  ///< of db_name, or `schema.table` without it
};

/// What an asynchronous task is to do.
struct AsyncRequest {
  int64_t source_id = 0;
  AsyncType type = AsyncType::kSourceStart;
  std::string cause = "user";
  nlohmann::json changes = nlohmann::json::object();  ///< CONFIG_TEST, CONFIG_UPDATE: of settings
  bool test = false;             ///< CONFIG_UPDATE: store them only when the connection test passes
  std::string networklink = {};  ///< CONFIG_TEST, CONFIG_UPDATE: "" = as it is
  std::optional<NewJob> job = {};         ///< TASK_CREATE
  bool refresh = false;                   ///< TASK_CREATE: a scan of the job's scope first
  std::optional<int64_t> timer_log = {};  ///< TASK_CREATE by a timer: where its end is noted
};

/// Where the metadata of a source lies.
std::string SourceFolder(const std::string& folder, int64_t source_id);

class Service {
 public:
  /// What an instance takes.
  static constexpr int64_t kComputeUnits = 4;

  /// Takes the folder, and puts right what a process that died left there.
  static Result<std::unique_ptr<Service>> Open(ServiceOptions options);
  /// Ends what runs: scans wait for a later process, sources are stopped.
  ~Service();

  /// Lists, totals and single records.
  Store& store() { return *store_; }

  Result<int64_t> CreateDataSource(const NewDataSource& source);
  Status RenameDataSource(int64_t source_id, const std::string& name);
  /// Its metadata too.
  Status DeleteDataSource(int64_t source_id);

  /// `config` = settings by key (network_profile.h).
  Status CreateNetwork(const std::string& name, const nlohmann::json& config);
  /// `changes`: of a part of its settings.
  Status UpdateNetwork(const std::string& name, const nlohmann::json& changes);

  /// Begins it on a thread of its own, and returns its id. What can be told at once is: settings
  /// that are wrong or fixed, kConflict SOURCE_STATE for an update while an instance is there,
  /// which has the old ones. A start or a stop that is in work already is joined.
  ///   SOURCE_START   tries the connection; a step that fails leaves the source START_FAILED with
  ///   it SOURCE_STOP    ends its scans, which become FAILED CONFIG_TEST    the whole connection
  ///   test, with `changes` as if they were made CONFIG_UPDATE  UPDATE_CONFIG: stores `changes`, a
  ///   part of the settings
  ///   TASK_CREATE    makes a job; its id becomes the task's object_id
  Result<int64_t> BeginTask(const AsyncRequest& request);
  /// Returns when it is DONE or FAILED.
  Result<AsyncTask> WaitForTask(int64_t task_id);
  /// Both: the error is that of the task.
  Status RunTask(const AsyncRequest& request);
  Status StartDataSource(int64_t source_id) {
    return RunTask({source_id, AsyncType::kSourceStart});
  }
  Status StopDataSource(int64_t source_id) { return RunTask({source_id, AsyncType::kSourceStop}); }

  /// Whether another process asked for a stop since this one opened the folder (Store::AskStop).
  bool WasAskedToStop(int64_t source_id);

  /// CreateMmsFetchMetadataJob: returns the scan's id at once. It runs when it is its turn.
  Result<int64_t> CreateFetchMetadataJob(int64_t source_id, const FetchScope& scope);

  /// UpdateMmsTarget: `changes` of a part of the target's settings (target_profile.h). Sources that
  /// are started keep to what they have.
  /// Errors: also kConflict TARGET_OTHER for another endpoint once there are jobs, unless
  /// `same_service_as` names the one before.
  Status UpdateTarget(const nlohmann::json& changes);

  /// Whether something of the folder waits, runs, or will come by a timer. What waits for a source
  /// that a user stopped in this process is nothing that happens here.
  Result<bool> HasMoreToDo();

  /// What the tasks that run in this process are moving, by task.
  std::map<int64_t, migration::TableProgress> MovingTasks();
  /// Why tasks of the source's jobs that wait do not begin, for people; "" = nothing keeps them.
  Result<std::string> WhyJobsWait(const DataSource& source);
  /// Returns when no task of a job runs, and no evidence is tried again.
  void WaitForJobTasks();

  /// One turn: heartbeats, evidence that could not be written, stops that were asked for, timers,
  /// waiting scans, idle sources. An error of one source keeps no other from its turn; one of them
  /// is returned.
  Status Tick();  // from one thread at a time
  /// Why nothing more can be kept in the folder, so that its owner must end: a task's end that
  /// could not be stored, a disk that is full. nullopt = it can.
  std::optional<Error> Broken();
  /// Calls Tick each second until the end; `on_error` on that thread.
  void RunInBackground(std::function<void(const Error&)> on_error);
  /// Returns when no scan runs.
  void WaitForScans();

 private:
  Status CheckSameService(const Profile& before, const Profile& changed);
  explicit Service(ServiceOptions options);
  int64_t Now() const { return options_.now_ms(); }
  int64_t Steady() const { return options_.steady_ms(); }
  Status Move(int64_t source_id, std::vector<SourceStatus> from, SourceStatus to,
              const std::string& error = "");
  std::shared_ptr<Instance> FindInstance(int64_t source_id);
  /// Folders of sources that are no more.
  void RemoveOrphans();

  struct Outcome {
    std::string result;
    std::optional<Error> error = {};
    std::optional<int64_t> object_id = {};
  };
  Outcome Do(const AsyncRequest& request, int64_t task_id);
  Outcome Start(const AsyncRequest& request, int64_t task_id);
  Outcome StartHere(int64_t source_id, int64_t task_id);
  /// Cancels a start that is under way, which would undo a stop, and waits for its end.
  void EndStart(int64_t source_id);
  Status Stop(int64_t source_id);
  Outcome Test(const AsyncRequest& request, int64_t task_id);
  Outcome Update(const AsyncRequest& request, int64_t task_id);
  Outcome CreateJob(const AsyncRequest& request);
  struct Refreshed {
    MadeJob job;
    std::vector<std::string> unread;  ///< what the scan could not read, the first, with the reason
    int64_t unread_count = 0;
  };
  Result<Refreshed> RefreshAndMake(const AsyncRequest& request);
  /// Ends the line of a timer's log whose firing has made none.
  Status NoteNoJob(int64_t log_id, const Result<Refreshed>& made);
  Result<ScanTask> WaitForScan(int64_t scan_id);
  /// The source as it is after the changes.
  Result<DataSource> Changed(const AsyncRequest& request);
  /// What a scan needs, by the source's network.
  Result<migration::SourceOptions> OptionsOf(const DataSource& source);
  /// One that the end of the service cancels.
  std::shared_ptr<HttpClient> MakeHttp(int64_t task_id, const HttpClient::Options& options);

  Status TickSource(const DataSource& source);
  Status TickTimer(const DataSource& source);
  /// Whether one runs.
  Result<bool> TickScan(const DataSource& source);
  Result<std::string> RunScan(const ScanTask& scan);
  Status EndScan(const ScanTask& scan, const Result<std::string>& result);
  struct Work {
    bool runs = false;  ///< tasks of the source's jobs
    bool told = false;  ///< what they have done so far is in the store
  };
  /// Once a second.
  Result<Work> StoreProgress(int64_t source_id);
  /// Whether a task of the source's jobs waits or runs.
  Result<bool> TickJobs(const DataSource& source);
  Status BeginJobTasks(const DataSource& source);
  Status BeginJobTask(const JobTask& task);
  /// Writes the evidence of a job whose last task has ended.
  Status KeepEvidence(int64_t job_id);
  Status WriteDueEvidence(int64_t job_id);
  /// Of all that have ended without: a kill or a failure came in between.
  void KeepMissedEvidence();
  Status TickEvidence();
  /// Why tasks of the source wait for evidence; "" = they do not.
  Result<std::string> WhyForEvidence(const DataSource& source);
  /// Stops the jobs that have used up what they may.
  Status KeepBudgets(int64_t source_id);
  Status StartForJobs(const DataSource& source);
  Status TickJobTimers(const DataSource& source);
  Status FireJobTimer(const JobTimer& timer, int64_t match_ms);
  Result<migration::RunOptions> RunOptionsOf(const DataSource& source,
                                             const migration::SourceOptions& options);
  Result<TargetTest> TargetTestOf(const DataSource& source);
  size_t JobTasksOf(int64_t source_id);  // needs mutex_
  Status StopIdle(const DataSource& source);
  void NoteWork(int64_t source_id);
  static Error ScanStopped();
  /// Joins the threads that have ended. Needs mutex_.
  void Reap();

  const ServiceOptions options_;
  std::unique_ptr<migration::StateFolder> taken_;
  std::unique_ptr<Store> store_;

  std::atomic<bool> ending_{false};
  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<int64_t, std::shared_ptr<Instance>> instances_;  // guarded by mutex_; so below
  std::map<int64_t, std::thread> scans_;                    ///< by source
  std::map<int64_t, std::thread> tasks_;                    ///< by id
  std::map<int64_t, std::shared_ptr<HttpClient>> tests_;    ///< by id of the task
  std::map<int64_t, std::shared_ptr<HttpClient>> starts_;   ///< by source; null before it connects
  std::map<int64_t, int64_t> busy_ms_;                      ///< by source: last seen at work
  std::vector<int64_t> ended_;        ///< sources whose scan's thread has ended
  std::vector<int64_t> ended_tasks_;  ///< ids
  struct RunningTask {
    int64_t source_id = 0;
    std::shared_ptr<JobRun> run;
    std::thread thread;
  };
  std::map<int64_t, RunningTask> job_tasks_;  ///< by id
  std::vector<int64_t> ended_job_tasks_;
  std::mutex evidence_mutex_;               ///< of one bundle at a time
  std::map<int64_t, std::string> unkept_;   ///< by job: why its evidence could not be written
  std::shared_future<void> evidence_;       ///< of what is tried again
  std::set<int64_t> held_;                  ///< sources that a user stopped: jobs do not start them
  std::map<int64_t, int64_t> progress_ms_;  ///< by source: when its tasks' progress was stored
  std::map<int64_t, int64_t> start_tried_ms_;  ///< by source: when jobs last tried to start it
  bool wake_ = false;                          ///< a slot is free
  std::set<int64_t> stops_asked_;
  std::optional<Error> failure_;  ///< of a scan's thread; Tick returns it
  std::optional<Error> broken_;
  int64_t heartbeat_ms_ = 0;  ///< of Tick's caller; so below
  int64_t evidence_tried_ms_ = 0;
  std::thread background_;
};

}  // namespace mms::service
