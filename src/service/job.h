// A migration job and what comes of it, in the words of the MMS API (CreateMmsJob, Job, Task,
// TaskLog). Value types.
//
// A job names what is to be copied of one source schema; its creation decides the tasks, each of
// them one table without partitions, or some partitions of one table. What a task copies is fixed
// when it is made; at which version, when the first task of its table begins.
#pragma once

#include <cstdint>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "migration/inspect/table_settings.h"
#include "migration/workflow/progress.h"

namespace mms::service {

/// Never renumber: these are on disk.
enum class JobType { kDatabase = 0, kTables = 1, kPartitions = 2 };
/// "Database", "Tables", "Partitions".
std::string_view TypeName(JobType type);

/// The states of MMS's task machine. Never renumber.
enum class JobTaskStatus {
  kInit = 0,
  kSchemaDoing = 1,  ///< planned at a version, table and partitions made
  kSchemaDone = 2,
  kSchemaFailed = 3,
  kDataDoing = 4,
  kDataDone = 5,
  kDataFailed = 6,
  kVerificationDoing = 7,
  kVerificationDone = 8,
  kVerificationFailed = 9,
  kDone = 10,
};
/// "INIT", "SCHEMA_DOING", ... as the MMS API has them.
std::string_view StatusName(JobTaskStatus status);
bool HasFailed(JobTaskStatus status);

enum class JobStatus { kInit, kDoing, kDone, kFailed };
/// "INIT", "DOING", "DONE", "FAILED".
std::string_view StatusName(JobStatus status);

/// What CreateMmsJob takes beside names; kept as JSON.
struct JobConfig {
  std::vector<std::string> tables;                       ///< of the schema; empty = a database job
  std::vector<int64_t> partitions;                       ///< ids of the metadata
  std::map<std::string, std::string> partition_filters;  ///< table -> expression
  std::vector<std::string> table_whitelist;              ///< of a database job
  std::vector<std::string> table_blacklist;              ///< both given: only this one counts
  std::map<std::string, std::string> table_mapping;      ///< source -> destination table
  std::map<std::string, std::string> column_mapping;     ///< of all tables of the job
  bool schema_migration = true;
  bool data_migration = true;
  bool verification = true;
  bool increment = true;                      ///< only what is new or changed; else all in scope
  std::map<std::string, std::string> others;  ///< settings of the source for this job alone

  bool operator==(const JobConfig&) const = default;
};
/// Keys as in the API's Job.config.
nlohmann::json ToJson(const JobConfig& config);
/// Errors: kInvalidInput JOB_CONFIG naming the key.
Result<JobConfig> JobConfigFromJson(const nlohmann::json& document);

/// How a job's copies are compared: `verification.method` of its `others`.
enum class VerificationMethod {
  kChecksum,   ///< "checksum": rows, columns and rows as wholes; the default
  kCount,      ///< "count": the rows copied against COUNT(*) at the target
  kCountBoth,  ///< "count_both": COUNT(*) on both sides, as MMS does
};
/// Where it is compared alone, by the method of that comparison if it has one of its own: a copy
/// that comes after it is compared as the job says. Errors: kInvalidInput JOB_CONFIG.
Result<VerificationMethod> MethodOf(const JobConfig& config, bool compare_alone = false);
/// Key in `others` of the last comparison's own method.
inline constexpr const char* kOnceMethod = "verification.once";

/// Whether views are copied too, by SQL: `views` of its `others`, "true" or "false" (the default).
/// Errors: kInvalidInput JOB_CONFIG.
Result<bool> WantsViews(const JobConfig& config);
/// How many partition columns stay such, those beyond becoming ordinary columns of the target:
/// `max_partition_level` of its `others`, from 0 (a table without partitions); nullopt = all.
/// Errors: kInvalidInput JOB_CONFIG.
Result<std::optional<int>> LevelsOf(const JobConfig& config);
/// Whether `entry` names the table: `table`, `schema.table` or `*.table`, without case.
bool NamesTable(const std::string& entry, const std::string& schema, const std::string& table);
/// Whether it means all of its tables, so that what has left the source is its business.
bool MeansWholeTables(const JobConfig& config);
/// `on_dropped_partition` of its `others`: "report" (the default), "empty" or "drop". Errors:
/// kInvalidInput JOB_CONFIG.
Result<migration::DroppedPartition> DroppedOf(const JobConfig& config);

/// Whether a column of the source that the existing target lacks is added there (ALTER TABLE), or
/// its table is refused: `on_extra_column` of its `others`, "add" or "stop". The default is "add",
/// and "stop" where the job is not to make tables. Errors: kInvalidInput JOB_CONFIG.
Result<bool> AddsColumns(const JobConfig& config);

/// How many of a job's tasks are in which state.
struct TaskCounts {
  int64_t total = 0, waiting = 0, running = 0, done = 0, failed = 0;
};

struct Job {
  int64_t id = 0;
  int64_t source_id = 0;
  std::string name;
  std::string src_db;  ///< source schema
  std::string dst_project;
  std::string dst_schema;  ///< "" = the default one, or a project without schemas
  JobType type = JobType::kDatabase;
  JobConfig config;
  std::string eta;  ///< `YYYY-MM-DD HH:MM:SS`, wanted end; sooner goes first; "" = last
  bool stopped = false;
  std::string stop_reason;          ///< of a stop that no user asked for; "" = none
  std::string stop_remedy;          ///< what is to be done then; "" = none
  std::optional<int64_t> timer_id;  ///< that made it
  int64_t created_ms = 0;
  std::optional<int64_t> ended_ms;  ///< of its last task, once none waits or runs
  TaskCounts tasks;                 ///< as they are when it is read
};
/// INIT before the first task begins, DOING while one waits or runs; else FAILED if one failed;
/// else DONE.
JobStatus StatusOf(const Job& job);

struct JobTask {
  int64_t id = 0;
  int64_t job_id = 0;
  int64_t source_id = 0;
  std::string job_name;
  std::string src_db;
  std::string src_table;   ///< without catalog and schema
  std::string table_name;  ///< of the metadata: `main.sales.orders`
  std::string dst_project;
  std::string dst_schema;
  std::string dst_table;
  bool whole_table = true;             ///< of a table without partitions, or only its schema
  int64_t partitions = 0;              ///< how many it has; their values are read apart
  std::optional<int64_t> bytes, rows;  ///< as the metadata had them when it was made
  JobTaskStatus status = JobTaskStatus::kInit;
  bool running = false;
  bool stopped = false;
  int64_t retried = 0;        ///< by a user
  int64_t attempts = 0;       ///< of its own accord and by users
  int64_t not_before_ms = 0;  ///< waits until then to try again; 0 = does not
  int64_t turn = 0;           ///< which of its table's tasks it is: the first of all tables first
  int64_t created_ms = 0;
  std::optional<int64_t> started_ms, ended_ms;
  std::optional<int64_t> rows_copied, bytes_copied;  ///< of what it did
  /// Of all its tries; a kill may lose that of its last second. nullopt = it began before this was
  /// counted.
  std::optional<migration::Traffic> traffic = migration::Traffic{};
  /// What it took of the source's instance (instance_share.h), as `traffic`: milliseconds times
  /// compute units.
  std::optional<int64_t> unit_ms = 0;
  /// How long SQL of the source may have run for it, in all its tries; nullopt = none did.
  std::optional<int64_t> sql_ms = {};
  std::string error_json;      ///< "" = none
  bool compare_alone = false;  ///< waits or runs to be compared again, and nothing else
};

/// TaskLog::action of a statement that MaxCompute has taken: a job's bill counts them.
inline constexpr const char* kStatementAction = "statement";

struct TaskLog {
  int64_t id = 0;
  int64_t task_id = 0;
  JobTaskStatus status = JobTaskStatus::kInit;
  std::string action;  ///< statement or step
  std::string message;
  int64_t created_ms = 0;
};

/// A migration timer (CreateMmsTimer): makes an incremental job at each match.
struct JobTimer {
  int64_t id = 0;
  int64_t source_id = 0;
  std::string name;
  std::string src_db;
  JobConfig config;
  std::string schedule;  ///< "Daily", "Hourly"
  std::string value;     ///< `HH:MM`, `MM`
  std::string zone = "UTC";
  bool refresh = true;  ///< the metadata of its scope first
  bool stopped = false;
  int64_t created_ms = 0;
  std::optional<int64_t> updated_ms;
  std::optional<int64_t> match_ms;  ///< the last one answered, or when it was set
  bool trigger_asked = false;
};

struct TimerLog {
  int64_t id = 0;
  int64_t timer_id = 0;
  std::string action, message;
  JobStatus status = JobStatus::kInit;
  int64_t created_ms = 0;
  std::optional<int64_t> async_id = {};  ///< of the asynchronous task that makes the job
};
/// What a line that is DOING comes to.
struct TimerLogEnd {
  int64_t id = 0;
  JobStatus status = JobStatus::kDone;
  std::string message;
};

}  // namespace mms::service
