// The service's own state: data sources, scans, and the ledger of what instances cost. SQLite in
// the state folder (`service.db`, WAL, synchronous=FULL: what a call returned is on disk). Secrets
// are kept sealed (vault.h), their key in `service.key`.
//
// A change of state names the states that it may follow and hits from no other: kConflict
// SOURCE_STATE or SCAN_STATE otherwise, and nothing is written. Ids are never used again.
//
// Threads: thread-safe. Errors: those of ledger/database.h and vault.h.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "migration/ledger/state_folder.h"
#include "service/instance_share.h"
#include "service/job.h"
#include "service/job_cost.h"
#include "service/mapping.h"
#include "service/network_profile.h"
#include "service/source_config.h"

namespace mms::service {

/// Never renumber: these are on disk.
enum class SourceStatus {
  kInit = 0,      ///< added, never started
  kStarting = 1,  ///< its connection is tried
  kStarted = 2,   ///< an instance is there
  kStopping = 3,  ///< what runs is ending
  kStopped = 4,
  kStartFailed = 5,
  kStopFailed = 6,
};
/// "INIT", "STARTING", ... as the MMS API has them.
std::string_view StatusName(SourceStatus status);

struct DataSource {
  int64_t id = 0;
  std::string name;
  std::string type = "DATABRICKS";
  std::string networklink = kDirectLink;
  SourceStatus status = SourceStatus::kInit;
  std::string error;  ///< errMsg; "" = none
  int64_t created_ms = 0;
  std::optional<int64_t> updated_ms;  ///< the last metadata sync that succeeded
  std::optional<int64_t> timer_ms;    ///< meta timer: last match answered, or when it was set
  bool stop_asked = false;            ///< by another process
  SourceConfig config;
};

/// Never renumber.
enum class TaskStatus { kInit = 0, kDoing = 1, kDone = 2, kFailed = 3 };
/// "INIT", "DOING", "DONE", "FAILED".
std::string_view StatusName(TaskStatus status);

/// What was asked of a source and takes its time. Never renumber.
enum class AsyncType {
  kSourceStart = 0,
  kSourceStop = 1,
  kConfigTest = 2,
  kConfigUpdate = 3,
  kTaskCreate = 4,
};
/// "SOURCE_START", "SOURCE_STOP", "CONFIG_TEST", "CONFIG_UPDATE", "TASK_CREATE".
std::string_view TypeName(AsyncType type);

/// It begins when it is asked for, so it is DOING, DONE or FAILED.
struct AsyncTask {
  int64_t id = 0;
  int64_t source_id = 0;
  AsyncType type = AsyncType::kSourceStart;
  std::string cause;                 ///< "user", "scan", "job", "timer", "idle"
  std::optional<int64_t> object_id;  ///< of the job that it made
  TaskStatus status = TaskStatus::kDoing;
  int64_t started_ms = 0;
  std::optional<int64_t> ended_ms;
  std::string result;      ///< JSON: {"steps": [...]} of what tried the connection; "" = none
  std::string error_json;  ///< "" = none
};

struct ScanTask {
  int64_t id = 0;
  int64_t source_id = 0;
  std::string cause;    ///< "user", "timer"
  std::string db_name;  ///< "" with no table_names: the whole source
  std::vector<std::string> table_names;
  TaskStatus status = TaskStatus::kInit;
  int progress = 0;  ///< hundredths of a percent
  int64_t created_ms = 0;
  std::optional<int64_t> started_ms, ended_ms;
  int interruptions = 0;  ///< how often its process died
  std::string result;  ///< JSON: {"databases", "tables", "partitions", "failed": [...]}; "" = none
  std::string error_json;  ///< errorMsg with its kind and code; "" = none
};

/// A span in which a source's instance ran.
struct InstanceUse {
  int64_t id = 0;
  int64_t source_id = 0;
  std::string source_name;
  int64_t compute_units = 0;
  int64_t started_ms = 0;
  int64_t heartbeat_ms = 0;  ///< it was still running then
  std::optional<int64_t> ended_ms;
};
struct InstanceTotals {
  int64_t spans = 0;
  int64_t running_ms = 0;
  int64_t unit_seconds = 0;  ///< seconds times compute units
};

/// pageNum from 1.
struct PageOf {
  int64_t number = 1;
  int64_t size = 20;
};

/// kConflict JOB_COLLISION: `what`, and what can be done. `same_source`: of who holds the target.
Error TargetHeld(const std::string& what, bool same_source);

class Store {
 public:
  /// For the folder's one owner; migrates the schema.
  static Result<std::unique_ptr<Store>> Open(const migration::StateFolder& folder);
  /// Without the owner's lock: only what reads, and AskStop. Errors: kNotFound SERVICE_NOT_FOUND.
  static Result<std::unique_ptr<Store>> OpenBeside(const std::string& folder);
  ~Store();

  // Data sources. ----------------------------------------------------------------------------

  /// Returns the id. Errors: kConflict NAME_EXISTS, kNotFound NETWORK_NOT_FOUND.
  Result<int64_t> AddSource(const DataSource& source);
  /// Which secrets there are is known of what is got, found or listed; they stay sealed. Errors:
  /// kNotFound SOURCE_NOT_FOUND; so of all that take a source's id.
  Result<DataSource> GetSource(int64_t id);
  Result<DataSource> FindSource(const std::string& name);
  /// With its secrets. Errors: also those of vault.h.
  Result<DataSource> UnsealSource(int64_t id);
  struct SourceFilterBy {
    std::string name;  ///< part of it; "" = all
    std::string type;
  };
  /// In the order of ids, with their configuration.
  Result<std::vector<DataSource>> ListSources(const SourceFilterBy& filter, const PageOf& page);
  Result<int64_t> CountSources(const SourceFilterBy& filter);
  /// Keeps networklink, timer and configuration of one that was unsealed. Errors: also kNotFound
  /// NETWORK_NOT_FOUND.
  Status SaveSource(const DataSource& source);
  /// Errors: kConflict NAME_EXISTS.
  Status RenameSource(int64_t id, const std::string& name);
  /// With its scans and tasks; what its instance cost stays. Only of a source without an instance,
  /// of which no task is in work: kConflict SOURCE_STATE.
  Status RemoveSource(int64_t id);

  struct Step {
    int64_t source_id = 0;
    std::vector<SourceStatus> from;
    SourceStatus to = SourceStatus::kInit;
    std::string error = {};
    int64_t now_ms = 0;
    int64_t compute_units = 0;  ///< of the instance, when `to` is STARTED
  };
  /// One transition. The span of the instance begins and ends in the same transaction: STARTED
  /// begins it, STOPPED and START_FAILED end it.
  Status Take(const Step& step);
  /// The scan is there and the match is answered, both or neither.
  Status FireTimer(const ScanTask& scan, int64_t match_ms);
  /// For the owner, whoever it is, to see.
  Status AskStop(int64_t source_id, bool asked);

  // Scans. -----------------------------------------------------------------------------------

  /// One of the same scope that still waits is returned instead.
  Result<int64_t> AddScan(const ScanTask& scan);
  /// Errors: kNotFound SCAN_NOT_FOUND.
  Result<ScanTask> GetScan(int64_t id);
  /// Newest first. `source_id` 0 = of all.
  Result<std::vector<ScanTask>> ListScans(int64_t source_id, const PageOf& page);
  /// The oldest that waits; nullopt also when one of the source runs.
  Result<std::optional<ScanTask>> NextScan(int64_t source_id);
  Result<int64_t> CountOpenScans(int64_t source_id);
  Status BeginScan(int64_t id, int64_t now_ms);
  /// Of the one that runs, if any; it never goes back.
  Status SetScanProgress(int64_t source_id, int hundredths);
  /// It waits again, to be run from the start by a later process.
  Status ReturnScan(int64_t id);
  struct ScanEnd {
    TaskStatus status = TaskStatus::kDone;
    std::string result;
    std::string error_json;
    int64_t now_ms = 0;
  };
  /// DONE also sets the source's updated_ms.
  Status EndScan(int64_t id, const ScanEnd& end);
  /// Those of the source that have not begun become FAILED.
  Status FailWaitingScans(int64_t source_id, const std::string& error_json, int64_t now_ms);

  // Asynchronous tasks. ----------------------------------------------------------------------

  struct Asked {
    int64_t id = 0;
    bool joined = false;  ///< a start or stop of the source that is in work already
  };
  Result<Asked> AddTask(const AsyncTask& task);
  /// Errors: kNotFound TASK_NOT_FOUND.
  Result<AsyncTask> GetTask(int64_t id);
  /// Newest first.
  Result<std::vector<AsyncTask>> ListTasks(int64_t source_id, const PageOf& page);
  /// The last one of this type.
  Result<std::optional<AsyncTask>> LastTask(int64_t source_id, AsyncType type);
  /// Of all sources.
  Result<int64_t> CountOpenTasks();
  struct TaskEnd {
    TaskStatus status = TaskStatus::kDone;
    std::string result;
    std::string error_json;
    std::optional<int64_t> object_id;
    int64_t now_ms = 0;
  };
  Status EndTask(int64_t id, const TaskEnd& end);

  // Networks: what networklinks name, but for direct:local. ------------------------------------

  /// Errors: kConflict NAME_EXISTS.
  Status AddNetwork(const NetworkProfile& network);
  /// Which secrets there are is known of what is got or listed; they stay sealed. Errors: kNotFound
  /// NETWORK_NOT_FOUND; so of all that take a name.
  Result<NetworkProfile> GetNetwork(const std::string& name);
  /// With its secrets. Errors: also those of vault.h.
  Result<NetworkProfile> UnsealNetwork(const std::string& name);
  /// In the order of names.
  Result<std::vector<NetworkProfile>> ListNetworks();
  /// Names of the data sources that are reached by it.
  Result<std::vector<std::string>> UsersOfNetwork(const std::string& name);
  /// Keeps the settings of one that was unsealed. Errors: kConflict SOURCE_STATE while a source has
  /// an instance that is reached by it.
  Status SaveNetwork(const NetworkProfile& network);
  /// Errors: kConflict NETWORK_IN_USE, naming its data sources.
  Status RemoveNetwork(const std::string& name);

  // The target: one for the folder. ------------------------------------------------------------

  Result<bool> HasTarget();
  /// Whether any was ever made, the deleted included.
  Result<bool> HasJobs();
  /// Whether a project of the target has schemas, as it was kept; nullopt = not known yet. Another
  /// endpoint forgets it.
  Result<std::optional<bool>> FindProjectSchemas(const std::string& project);
  Status KeepProjectSchemas(const std::string& project, bool has_schemas);
  /// Nothing set in it where there is none. Its secrets stay sealed.
  Result<Profile> GetTarget();
  /// With its secrets. Errors: also those of vault.h.
  Result<Profile> UnsealTarget();
  /// One that was unsealed.
  Status SaveTarget(const Profile& target);

  /// The price book; nothing set in it where there is none.
  Result<Profile> GetPrices();
  Status SavePrices(const Profile& prices);

  // Jobs, and their tasks (store_jobs.cc, store_job_tasks.cc). ---------------------------------

  struct NewTask {
    JobTask task;
    std::vector<std::string> values;  ///< of its partitions: as PartitionEntry::values
  };
  using AddJobTask = std::function<Status(const NewTask&)>;
  /// The job and all that `tasks` gives to its argument, or nothing. Errors: kNotFound
  /// SOURCE_NOT_FOUND; kConflict JOB_CONFLICT naming tables of which another job of the source has
  /// a task that waits or runs; kConflict JOB_COLLISION naming tables that would go where another
  /// job's go (TargetHolder); those of `tasks`. With it ends a timer's `firing`.
  Result<int64_t> AddJob(const Job& job, const std::function<Status(const AddJobTask& add)>& tasks,
                         const std::optional<TimerLogEnd>& firing = std::nullopt);
  /// Errors: kNotFound JOB_NOT_FOUND, also of one that was deleted; so of all that take a job's id.
  Result<Job> GetJob(int64_t id);
  /// Of GetJob its configuration alone, which costs the same however many tasks it has.
  Result<JobConfig> GetJobConfig(int64_t id);
  /// Jobs that have ended and whose evidence is not written since: what they have copied is not
  /// planned anew until it is (NextJobTask), or it would be told of another job.
  struct DueEvidence {
    int64_t job_id = 0;
    int64_t ends = 0;  ///< how often it has ended since
  };
  Result<std::vector<DueEvidence>> ListDueEvidence();
  /// Of one job; nullopt = none is due. Of a deleted one none is.
  Result<std::optional<DueEvidence>> FindDueEvidence(int64_t job_id);
  /// It is written, or there is nothing to tell. A job that has ended again meanwhile stays due.
  Status SetEvidenceKept(const DueEvidence& due);
  /// By jobs with tasks that wait for evidence: the jobs whose it is. `source_id` 0 = of all.
  using EvidenceWaits = std::map<int64_t, std::vector<int64_t>>;
  Result<EvidenceWaits> ListEvidenceWaits(int64_t source_id);
  /// Parts of names; "" and nullopt = all.
  struct JobFilter {
    int64_t source_id = 0;
    std::string name;
    std::string src_db;
    std::string src_table;
    std::string dst_db;
    std::string dst_table;
    std::optional<JobStatus> status;
    std::optional<bool> stopped;
    std::optional<int64_t> timer_id;
  };
  /// Newest first.
  Result<std::vector<Job>> ListJobs(const JobFilter& filter, const PageOf& page);
  Result<int64_t> CountJobs(const JobFilter& filter);
  /// Its tasks that wait do not begin, those that run end at the next border. `why` empty = a user
  /// wants it.
  Status StopJob(int64_t id, const StopCause& why = {});
  /// `others` replace those of its configuration of the same keys. Errors: kInvalidInput JOB_CONFIG
  /// for a key by which its tasks were made, or that no job has.
  Status StartJob(int64_t id, const std::map<std::string, std::string>& others = {});
  /// One with a task that waits or runs.
  struct OpenJob {
    int64_t id = 0;
    bool waits = false;  ///< some that may begin, now or later; false: all that wait are stopped
    bool running = false;
  };
  /// Costs little however many tasks they have.
  Result<std::vector<OpenJob>> ListOpenJobs();
  Result<JobUse> UseOfJob(int64_t id);
  /// Jobs of the source with a budget and tasks that wait or run and are not stopped.
  Result<std::vector<Job>> ListBudgeted(int64_t source_id);
  /// Of the last job of the source that has ended and copied something; of those made before
  /// `before_job`. nullopt = there is none.
  Result<std::optional<JobRate>> LastRate(int64_t source_id, int64_t before_job = INT64_MAX);
  /// Tables of the source (JobTask::table_name) of which a job has a task that waits or runs.
  Result<std::vector<std::string>> ListOpenTables(int64_t source_id);
  /// Who has a table at the target: a job of another data source until it is deleted, since what is
  /// copied there by another would replace its rows; one of the same while its task waits or runs.
  struct TargetHolder {
    std::string source;
    bool same_source = false;
    std::string table_name;  ///< as JobTask::table_name
    int64_t job_id = 0;      ///< the newest one that has it
    std::string job;
    int64_t jobs = 1;  ///< how many there are

    std::string ToString() const;
  };
  /// Of the table into which the task would go; nullopt = none but for jobs of its own table.
  Result<std::optional<TargetHolder>> FindTargetHolder(const JobTask& task);
  /// Also starts it. Returns how many failed tasks are to be tried again.
  Result<int64_t> RetryJob(int64_t id);
  /// Also starts it: what has been copied is compared once
  /// more, by `method` ("" = the job's own) this time. Returns how many tasks wait for it: those
  /// that are DONE or failed by comparing. Errors: kConflict JOB_CONFLICT, JOB_COLLISION; kConflict
  /// JOB_STATE when there are none, or the job copies no data.
  Result<int64_t> VerifyJob(int64_t id, const std::string& method, int64_t now_ms);
  /// It is listed no more, and its tasks are stopped.
  Status DeleteJob(int64_t id);

  struct TaskFilter {
    int64_t source_id = 0;
    int64_t job_id = 0;
    std::string job_name;
    std::string src_db;
    std::string src_table;
    std::string dst_db;
    std::string dst_table;
    std::string partition;  ///< part of a value's text
    std::optional<JobTaskStatus> status;
    std::optional<bool> running;
    bool failed = false;  ///< only those
    /// Only those that are DONE, and whose last comparison was refused.
    bool uncompared = false;
  };
  /// In the order of ids.
  Result<std::vector<JobTask>> ListJobTasks(const TaskFilter& filter, const PageOf& page);
  Result<int64_t> CountJobTasks(const TaskFilter& filter);
  /// Errors: kNotFound TASK_NOT_FOUND; so of all that take a task's id.
  Result<JobTask> GetJobTask(int64_t id);
  /// A stop, of it or its job, is wanted.
  Result<bool> IsJobTaskStopped(int64_t id);
  /// Values of its partitions. `visit` must not call the store.
  Status VisitTaskValues(int64_t id, const std::function<Status(std::string)>& visit);
  /// Of all tasks of the job's table that are not DONE. `visit` must not call the store.
  Status VisitTableValues(int64_t job_id, const std::string& table_name,
                          const std::function<Status(int64_t task, std::string value)>& visit);
  /// A failed one waits again: for its schema after SCHEMA_FAILED, else with it done. It goes
  /// first. Errors: kConflict TASK_STATE.
  Status RetryTask(int64_t id, int64_t now_ms);

  /// The next one to begin: of jobs that are not stopped, by eta, then oldest job, retried tasks
  /// first, tables in turn and of those the one whose task is largest. None of a table of which due
  /// evidence tells. `steady_ms`: of JobTaskEnd::not_before_ms.
  Result<std::optional<JobTask>> NextJobTask(int64_t source_id, int64_t steady_ms);
  /// As it then is. Errors: kConflict TASK_STATE.
  Result<JobTask> BeginJobTask(int64_t id, int64_t now_ms);
  struct TaskStep {
    int64_t id = 0;
    JobTaskStatus status = JobTaskStatus::kInit;
    std::string action;
    std::string message;
    int64_t now_ms = 0;
  };
  /// Its status and a line of its log. Errors: kConflict TASK_STATE when it does not run.
  Status StepJobTask(const TaskStep& step);
  /// A line of its log alone.
  Status LogJobTask(const TaskStep& line);
  struct Moved {
    int64_t rows = 0, bytes = 0;
    std::optional<migration::Traffic> traffic;  ///< as JobTask; so below
    std::optional<ShareTaken> share = {};       ///< nullopt = as it was; so below
    std::optional<int64_t> sql_ms = {};
  };
  /// Of those that run, by id.
  Status SetJobTaskProgress(const std::map<int64_t, Moved>& moved);
  struct JobTaskEnd {
    int64_t id = 0;
    JobTaskStatus status = JobTaskStatus::kDone;
    /// Instead of `status`: the one that it had before it was to be compared again.
    bool as_before = false;
    std::string error_json;
    std::optional<int64_t> rows_copied, bytes_copied;
    std::optional<migration::Traffic> traffic;
    std::optional<ShareTaken> share = {};
    std::optional<int64_t> sql_ms = {};
    int64_t now_ms = 0;
    /// Set: it has not failed for good, and waits until then, by the clock that nobody sets.
    int64_t not_before_ms = 0;
    std::string action;
    std::string message;
  };
  Status EndJobTask(const JobTaskEnd& end);
  struct JobTaskReturn {
    int64_t id = 0;
    std::optional<migration::Traffic> traffic;
    int64_t now_ms = 0;
    std::string message;
    std::optional<ShareTaken> share = {};
    std::optional<int64_t> sql_ms = {};
  };
  /// It was stopped, and waits to be gone on with.
  Status ReturnJobTask(const JobTaskReturn& returned);
  Result<std::vector<TaskLog>> ListTaskLogs(int64_t task_id);
  /// Any that runs, or may begin now or later.
  Result<bool> HasOpenJobTasks(int64_t source_id);

  // Stored mappings (store_mappings.cc). ------------------------------------------------------

  /// In the order of names, a schema's own before its tables'. `src_db` "" = of all.
  Result<std::vector<Mapping>> ListMappings(int64_t source_id, const std::string& src_db = "");
  /// Each takes the place of the one of the same schema and table, or takes it away when it says
  /// nothing; all or none. Errors: kNotFound SOURCE_NOT_FOUND.
  Status SaveMappings(int64_t source_id, const std::vector<Mapping>& mappings);

  // Migration timers (store_timers.cc). ---------------------------------------------------------

  /// Errors: kNotFound SOURCE_NOT_FOUND.
  Result<int64_t> AddTimer(const JobTimer& timer);
  /// Errors: kNotFound TIMER_NOT_FOUND; so of all that take a timer's id.
  Result<JobTimer> GetTimer(int64_t id);
  struct TimerFilter {
    int64_t source_id = 0;
    std::string name;  ///< part of it
    std::optional<bool> stopped;
  };
  Result<std::vector<JobTimer>> ListTimers(const TimerFilter& filter, const PageOf& page);
  Result<int64_t> CountTimers(const TimerFilter& filter);
  Status SaveTimer(const JobTimer& timer);
  Status RemoveTimer(int64_t id);
  /// For the owner of the folder to see.
  Status AskTrigger(int64_t id);
  /// The match, and what was asked for, are answered by a line of the log, whose id it returns:
  /// both or neither.
  Result<int64_t> AnswerTimer(int64_t match_ms, const TimerLog& log);
  Status SetTimerLogTask(int64_t id, int64_t async_id);
  Status EndTimerLog(const TimerLogEnd& end);
  /// Its process ends before the job is made: the line is FAILED and says so, and its timer is
  /// asked to fire again, unless it is stopped.
  Status ReturnTimerLog(int64_t id);
  /// Newest first.
  Result<std::vector<TimerLog>> ListTimerLogs(int64_t timer_id, const PageOf& page);
  /// Jobs of it with a task that waits or runs.
  Result<int64_t> CountOpenJobsOfTimer(int64_t timer_id);

  // Instances. -------------------------------------------------------------------------------

  Status Heartbeat(int64_t now_ms);
  Result<InstanceTotals> Totals(int64_t source_id, int64_t now_ms);
  Result<std::vector<InstanceUse>> ListUses(int64_t source_id, const PageOf& page);

  /// What a process that died left: spans end at their last heartbeat, STARTING, STARTED and
  /// STOPPING become STOPPED, scans that ran wait again, but for those that were interrupted
  /// `interruptions_max` times already: these have FAILED, as have asynchronous tasks. Tasks of
  /// jobs that ran wait to be gone on with. Timers whose job was being made are asked to fire
  /// again, but for those cut off that often one after the other. Scans and asynchronous tasks
  /// beyond the newest kRecordsKept of a source are dropped.
  static constexpr int64_t kRecordsKept = 1'000;
  Status Recover(int interruptions_max, int64_t now_ms);

 private:
  struct State;
  Store();
  std::unique_ptr<State> state_;
};

}  // namespace mms::service
