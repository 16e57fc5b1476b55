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
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "migration/ledger/state_folder.h"
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
enum class AsyncType { kSourceStart = 0, kSourceStop = 1, kConfigTest = 2, kConfigUpdate = 3 };
/// "SOURCE_START", "SOURCE_STOP", "CONFIG_TEST", "CONFIG_UPDATE".
std::string_view TypeName(AsyncType type);

/// It begins when it is asked for, so it is DOING, DONE or FAILED.
struct AsyncTask {
  int64_t id = 0;
  int64_t source_id = 0;
  AsyncType type = AsyncType::kSourceStart;
  std::string cause;  ///< "user", "scan", "idle"
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

  // Instances. -------------------------------------------------------------------------------

  Status Heartbeat(int64_t now_ms);
  Result<InstanceTotals> Totals(int64_t source_id, int64_t now_ms);
  Result<std::vector<InstanceUse>> ListUses(int64_t source_id, const PageOf& page);

  /// What a process that died left: spans end at their last heartbeat, STARTING, STARTED and
  /// STOPPING become STOPPED, scans that ran wait again, but for those that were interrupted
  /// `interruptions_max` times already: these have FAILED, as have asynchronous tasks.
  Status Recover(int interruptions_max, int64_t now_ms);

 private:
  struct State;
  Store();
  std::unique_ptr<State> state_;
};

}  // namespace mms::service
