#include "service/job.h"

#include <nlohmann/json.hpp>

#include "base/lower_ascii.h"

namespace mms::service {
namespace {

using nlohmann::json;

Error Invalid(const std::string& key, const char* form) {
  return Error(ErrorKind::kInvalidInput, "JOB_CONFIG", key + " must be " + form);
}

template <class Value>
Status Read(const json& document, const char* key, const char* form, Value* to) {
  const auto found = document.find(key);
  if (found == document.end() || found->is_null()) return OkStatus();
  try {
    found->get_to(*to);
  } catch (const json::exception&) {
    return Invalid(key, form);
  }
  return OkStatus();
}

constexpr const char* kNames = "a list of names";
constexpr const char* kMap = "a map of names to texts";
constexpr const char* kFlag = "true or false";

}  // namespace

std::string_view TypeName(JobType type) {
  constexpr std::string_view kTypes[] = {"Database", "Tables", "Partitions"};
  return kTypes[static_cast<size_t>(type)];
}

std::string_view StatusName(JobTaskStatus status) {
  constexpr std::string_view kStatuses[] = {
      "INIT",      "SCHEMA_DOING", "SCHEMA_DONE",        "SCHEMA_FAILED",     "DATA_DOING",
      "DATA_DONE", "DATA_FAILED",  "VERIFICATION_DOING", "VERIFICATION_DONE", "VERIFICATION_FAILED",
      "DONE"};
  return kStatuses[static_cast<size_t>(status)];
}

bool HasFailed(JobTaskStatus status) {
  return status == JobTaskStatus::kSchemaFailed || status == JobTaskStatus::kDataFailed ||
         status == JobTaskStatus::kVerificationFailed;
}

std::string_view StatusName(JobStatus status) {
  constexpr std::string_view kStatuses[] = {"INIT", "DOING", "DONE", "FAILED"};
  return kStatuses[static_cast<size_t>(status)];
}

JobStatus StatusOf(const Job& job) {
  const TaskCounts& tasks = job.tasks;
  if (tasks.running > 0) return JobStatus::kDoing;
  if (tasks.waiting > 0) {
    const bool begun = tasks.waiting < tasks.total;
    return begun ? JobStatus::kDoing : JobStatus::kInit;
  }
  return tasks.failed > 0 ? JobStatus::kFailed : JobStatus::kDone;
}

json ToJson(const JobConfig& config) {
  return {{"tables", config.tables},
          {"partitions", config.partitions},
          {"partitionFilters", config.partition_filters},
          {"tableWhiteList", config.table_whitelist},
          {"tableBlackList", config.table_blacklist},
          {"tableMapping", config.table_mapping},
          {"columnMapping", config.column_mapping},
          {"enableSchemaMigration", config.schema_migration},
          {"enableDataMigration", config.data_migration},
          {"enableVerification", config.verification},
          {"increment", config.increment},
          {"others", config.others}};
}

Result<VerificationMethod> MethodOf(const JobConfig& config, bool compare_alone) {
  auto found = compare_alone ? config.others.find(kOnceMethod) : config.others.end();
  if (found == config.others.end()) found = config.others.find("verification.method");
  if (found == config.others.end() || found->second == "checksum") {
    return VerificationMethod::kChecksum;
  }
  if (found->second == "count") return VerificationMethod::kCount;
  if (found->second == "count_both") return VerificationMethod::kCountBoth;
  return Error(
      ErrorKind::kInvalidInput, "JOB_CONFIG",
      "others.verification.method must be checksum, count or count_both; it is " + found->second);
}

Result<bool> WantsViews(const JobConfig& config) {
  const auto found = config.others.find("views");
  if (found == config.others.end() || found->second == "false") return false;
  if (found->second == "true") return true;
  return Error(ErrorKind::kInvalidInput, "JOB_CONFIG",
               "others.views must be true or false; it is " + found->second);
}

Result<std::optional<int>> LevelsOf(const JobConfig& config) {
  const auto found = config.others.find("max_partition_level");
  if (found == config.others.end()) return std::optional<int>();
  const std::string& text = found->second;
  if (text.size() == 1 && text[0] >= '0' && text[0] <= '6') return std::optional(text[0] - '0');
  return Error(ErrorKind::kInvalidInput, "JOB_CONFIG",
               "others.max_partition_level must be from 0 to 6; it is " + text);
}

bool NamesTable(const std::string& entry, const std::string& schema, const std::string& table) {
  const std::string lower = LowerAscii(entry);
  const size_t dot = lower.find('.');
  if (dot == lower.npos) return lower == LowerAscii(table);
  const std::string named = lower.substr(0, dot);
  return (named == "*" || named == LowerAscii(schema)) &&
         lower.substr(dot + 1) == LowerAscii(table);
}

bool MeansWholeTables(const JobConfig& config) {
  return config.partitions.empty() && config.partition_filters.empty();
}

Result<migration::DroppedPartition> DroppedOf(const JobConfig& config) {
  using enum migration::DroppedPartition;
  const auto found = config.others.find("on_dropped_partition");
  if (found == config.others.end()) return kReport;
  for (const auto what : {kReport, kEmpty, kDrop}) {
    if (found->second == migration::DroppedText(what)) return what;
  }
  return Error(ErrorKind::kInvalidInput, "JOB_CONFIG",
               "others.on_dropped_partition must be report, empty or drop; it is " + found->second);
}

Result<bool> AddsColumns(const JobConfig& config) {
  const auto found = config.others.find("on_extra_column");
  if (found == config.others.end()) return config.schema_migration;
  if (found->second == "add") return true;
  if (found->second == "stop") return false;
  return Error(ErrorKind::kInvalidInput, "JOB_CONFIG",
               "others.on_extra_column must be add or stop; it is " + found->second +
                   " (a job leaves no column out: move the table by a migration file for that)");
}

Result<JobConfig> JobConfigFromJson(const json& document) {
  if (!document.is_object()) return Invalid("config", "an object");
  JobConfig config;
  TRY_VOID(Read(document, "tables", kNames, &config.tables));
  TRY_VOID(Read(document, "partitions", "a list of ids", &config.partitions));
  TRY_VOID(Read(document, "partitionFilters", kMap, &config.partition_filters));
  TRY_VOID(Read(document, "tableWhiteList", kNames, &config.table_whitelist));
  TRY_VOID(Read(document, "tableBlackList", kNames, &config.table_blacklist));
  TRY_VOID(Read(document, "tableMapping", kMap, &config.table_mapping));
  TRY_VOID(Read(document, "columnMapping", kMap, &config.column_mapping));
  TRY_VOID(Read(document, "enableSchemaMigration", kFlag, &config.schema_migration));
  TRY_VOID(Read(document, "enableDataMigration", kFlag, &config.data_migration));
  TRY_VOID(Read(document, "enableVerification", kFlag, &config.verification));
  TRY_VOID(Read(document, "increment", kFlag, &config.increment));
  TRY_VOID(Read(document, "others", kMap, &config.others));
  return config;
}

}  // namespace mms::service
