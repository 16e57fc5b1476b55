#include "terminal/job_view.h"

#include <fmt/format.h>

#include "terminal/source_view.h"
#include "terminal/table_report.h"
#include "terminal/text.h"

namespace mms::terminal {
namespace {

using service::Job;
using service::JobTask;
using service::JobTimer;
using service::TaskLog;

template <class Value>
Json OrNull(const std::optional<Value>& value) {
  return value ? Json(*value) : Json();
}

Json TextOrNull(const std::string& text) { return text.empty() ? Json() : Json(text); }

Json TimeOrNull(const std::optional<int64_t>& ms) { return ms ? Json(TimeText(ms)) : Json(); }

Json ErrorFields(const std::string& error_json) {
  const auto document = nlohmann::json::parse(error_json, nullptr, false);
  return error_json.empty() || document.is_discarded() ? Json() : Json::parse(error_json);
}

}  // namespace

Result<std::map<std::string, std::string>> ReadPairs(const std::vector<std::string>& texts,
                                                     const char* flag) {
  std::map<std::string, std::string> pairs;
  for (const std::string& text : texts) {
    const size_t equals = text.find('=');
    if (equals == 0 || equals == text.npos || equals + 1 == text.size()) {
      return Error(ErrorKind::kInvalidInput, "JOB_CONFIG",
                   fmt::format("{} takes NAME=VALUE; it is {}", flag, text));
    }
    pairs[text.substr(0, equals)] = text.substr(equals + 1);
  }
  return pairs;
}

Result<service::JobConfig> ReadJobConfig(const JobFlags& flags) {
  service::JobConfig config;
  config.tables = flags.tables;
  config.partitions = flags.partitions;
  TRY(config.partition_filters, ReadPairs(flags.filters, "--filter"));
  config.table_whitelist = flags.whitelist;
  config.table_blacklist = flags.blacklist;
  TRY(config.table_mapping, ReadPairs(flags.table_names, "--as"));
  TRY(config.column_mapping, ReadPairs(flags.column_names, "--column-as"));
  config.schema_migration = !flags.no_schema;
  config.data_migration = !flags.schema_only;
  config.verification = !flags.no_verify;
  config.increment = !flags.all;
  TRY(config.others, ReadPairs(flags.settings, "--set"));
  if (flags.views) config.others["views"] = "true";
  if (!flags.method.empty()) config.others["verification.method"] = flags.method;
  return config;
}

Result<service::NewJob> ReadNewJob(service::Store& store, const JobFlags& flags) {
  service::NewJob wanted;
  TRY(const service::DataSource source, store.FindSource(flags.source));
  wanted.source_id = source.id;
  wanted.name = flags.name;
  wanted.src_db = flags.schema;
  wanted.dst_project = flags.project;
  wanted.dst_schema = flags.target_schema;
  wanted.eta = flags.eta;
  TRY(wanted.config, ReadJobConfig(flags));
  return wanted;
}

std::string StateOf(const Job& job) {
  const service::JobStatus status = service::StatusOf(job);
  const bool stopped = job.stopped && status != service::JobStatus::kDone;
  return std::string(service::StatusName(status)) + (stopped ? " (stopped)" : "");
}

std::string ErrorOf(const JobTask& task) {
  const std::optional<Error> error = ErrorOfLedger(task.error_json);
  return error ? error->ToString() : "";
}

Json JobFields(const Job& job) {
  return {{"id", job.id},
          {"name", job.name},
          {"source_id", job.source_id},
          {"src_db", job.src_db},
          {"dst_project", job.dst_project},
          {"dst_schema", TextOrNull(job.dst_schema)},
          {"job_type", service::TypeName(job.type)},
          {"status", service::StatusName(service::StatusOf(job))},
          {"stopped", job.stopped},
          {"stop_reason", TextOrNull(job.stop_reason)},
          {"remedy", TextOrNull(job.stop_remedy)},
          {"eta", TextOrNull(job.eta)},
          {"timer_id", OrNull(job.timer_id)},
          {"tasks", job.tasks.total},
          {"tasks_waiting", job.tasks.waiting},
          {"tasks_running", job.tasks.running},
          {"tasks_done", job.tasks.done},
          {"tasks_failed", job.tasks.failed},
          {"created", TimeText(job.created_ms)},
          {"ended", TimeOrNull(job.ended_ms)},
          {"config", Json::parse(ToJson(job.config).dump())}};
}

Json JobTaskFields(const JobTask& task) {
  return {{"id", task.id},
          {"job_id", task.job_id},
          {"table", task.table_name},
          {"dst_project", task.dst_project},
          {"dst_schema", TextOrNull(task.dst_schema)},
          {"dst_table", task.dst_table},
          {"status", service::StatusName(task.status)},
          {"running", task.running},
          {"stopped", task.stopped},
          {"whole_table", task.whole_table},
          {"partitions", task.partitions},
          {"bytes", OrNull(task.bytes)},
          {"rows", OrNull(task.rows)},
          {"rows_copied", OrNull(task.rows_copied)},
          {"bytes_copied", OrNull(task.bytes_copied)},
          {"bytes_read", task.traffic ? Json(task.traffic->bytes_read) : Json(nullptr)},
          {"bytes_sent", task.traffic ? Json(task.traffic->bytes_sent) : Json(nullptr)},
          {"unit_ms", OrNull(task.unit_ms)},
          {"compare_alone", task.compare_alone},
          {"retried", task.retried},
          {"attempts", task.attempts},
          {"created", TimeText(task.created_ms)},
          {"started", TimeOrNull(task.started_ms)},
          {"ended", TimeOrNull(task.ended_ms)},
          {"started_ms", OrNull(task.started_ms)},
          {"ended_ms", OrNull(task.ended_ms)},
          {"error", ErrorFields(task.error_json)}};
}

Json TaskLogFields(const TaskLog& log) {
  return {{"id", log.id},
          {"task_id", log.task_id},
          {"time", TimeText(log.created_ms)},
          {"status", service::StatusName(log.status)},
          {"action", log.action},
          {"message", log.message}};
}

Json TimerFields(const JobTimer& timer) {
  return {{"id", timer.id},
          {"name", timer.name},
          {"source_id", timer.source_id},
          {"src_db", timer.src_db},
          {"schedule", timer.schedule},
          {"value", timer.value},
          {"zone", timer.zone},
          {"refresh", timer.refresh},
          {"stopped", timer.stopped},
          {"created", TimeText(timer.created_ms)},
          {"last_match", TimeOrNull(timer.match_ms)},
          {"config", Json::parse(ToJson(timer.config).dump())}};
}

void PrintJob(const Job& job, const std::optional<std::vector<service::KeptBundle>>& kept,
              Output& output) {
  if (output.json()) {
    Json fields = JobFields(job);
    fields["evidence"] = kept ? Json::array() : Json(nullptr);
    if (kept) {
      for (const auto& bundle : *kept) fields["evidence"].push_back(bundle.path);
    }
    output.Object("job", fields);
    return;
  }
  std::string text = fmt::format(
      "job {} {}: {}\n  {} of schema {} into project {}{}\n  {} of {} tasks done, {} running, {} "
      "waiting, {} failed\n",
      job.id, job.name, StateOf(job), service::TypeName(job.type), job.src_db, job.dst_project,
      job.dst_schema.empty() ? "" : " schema " + job.dst_schema, job.tasks.done, job.tasks.total,
      job.tasks.running, job.tasks.waiting, job.tasks.failed);
  if (!job.stop_reason.empty()) {
    const bool done = service::StatusOf(job) == service::JobStatus::kDone;
    text += fmt::format("  {} its budget, {}\n", done ? "past" : "stopped by", job.stop_reason);
    if (!done && !job.stop_remedy.empty())
      text += fmt::format("  go on with: {}\n", job.stop_remedy);
  }
  text += fmt::format("  created {}, ended {}\n", TimeText(job.created_ms), TimeText(job.ended_ms));
  if (kept && !kept->empty()) {
    text += fmt::format("  evidence {}, the newest of {}\n", kept->back().path,
                        Counted(static_cast<int64_t>(kept->size()), "bundle"));
  }
  output.Result(text);
}

}  // namespace mms::terminal
