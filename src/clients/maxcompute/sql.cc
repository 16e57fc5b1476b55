// SQL instances of Client: submit, poll, result.
#include <algorithm>
#include <chrono>
#include <nlohmann/json.hpp>
#include <optional>
#include <pugixml.hpp>
#include <sstream>
#include <utility>

#include "clients/maxcompute/client.h"
#include "clients/maxcompute/documents.h"
#include "clients/maxcompute/errors.h"
#include "clients/maxcompute/random_id.h"

namespace mms::maxcompute {
namespace {

constexpr const char* kTaskName = "AnonymousSQLTask";
constexpr long kFirstPollMs = 20;
constexpr long kCancelTimeoutMs = 15000;
constexpr std::chrono::minutes kMarkAge{15};  // the service's clock may differ from ours
constexpr int kInstancesLookedAtMax = 1000;
constexpr size_t kRowsMax = 10000;  // what a result document holds at most (help pages)

/// Set on every statement: project defaults differ, and must not decide what a type means.
std::string SettingsJson(const Options& options, const SqlOptions& of_statement) {
  nlohmann::json settings = {{"odps.sql.type.system.odps2", "true"},
                             {"odps.sql.decimal.odps2", "true"},
                             {"odps.sql.hive.compatible", "false"},
                             {"odps.sql.allow.fullscan", "true"}};
  if (UsesSchema(options)) {
    settings["odps.namespace.schema"] = "true";
    settings["odps.sql.allow.namespace.schema"] = "true";
    settings["odps.default.schema"] = options.schema;
  }
  for (const auto& [name, value] : options.sql_settings) settings[name] = value;
  for (const auto& [name, value] : of_statement.settings) settings[name] = value;
  return settings.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

void AddText(pugi::xml_node parent, const char* name, const std::string& text) {
  parent.append_child(name).text().set(text.c_str());
}

void AddProperty(pugi::xml_node config, const char* name, const std::string& value) {
  pugi::xml_node property = config.append_child("Property");
  AddText(property, "Name", name);
  AddText(property, "Value", value);
}

std::string Terminated(std::string statement) {
  while (!statement.empty() && std::isspace(static_cast<unsigned char>(statement.back())) != 0) {
    statement.pop_back();
  }
  if (!statement.ends_with(';')) statement += ';';
  return statement;
}

/// `mark` is an id of ours that the service gives back with the job's text.
std::string JobDocument(const std::string& settings, const std::string& statement,
                        const std::string& mark) {
  pugi::xml_document document;
  pugi::xml_node job = document.append_child("Instance").append_child("Job");
  AddText(job, "Priority", "9");
  pugi::xml_node sql = job.append_child("Tasks").append_child("SQL");
  AddText(sql, "Name", kTaskName);
  pugi::xml_node config = sql.append_child("Config");
  AddProperty(config, "settings", settings);
  AddProperty(config, "uuid", mark);
  AddText(sql, "Query", Terminated(statement));
  AddText(job.append_child("DAG"), "RunMode", "Sequence");
  std::ostringstream text;
  document.save(text, "", pugi::format_raw, pugi::encoding_utf8);
  return text.str();
}

}  // namespace

std::string StatementStart(const std::string& statement, size_t bytes_max) {
  size_t end = std::min(statement.size(), bytes_max);
  // Not in the middle of a UTF-8 sequence.
  while (end < statement.size() && end > 0 && (statement[end] & 0xC0) == 0x80) --end;
  std::string text = statement.substr(0, end);
  for (char& c : text) {
    if (static_cast<unsigned char>(c) < ' ') c = ' ';
  }
  return end < statement.size() ? text + "..." : text;
}

namespace {

/// What a statement is called in errors: its start.
std::string Shown(const std::string& statement) {
  constexpr size_t kShownBytes = 120;
  return "statement '" + StatementStart(statement, kShownBytes) + "'";
}

Result<SqlResult> ToResult(TaskResult task) {
  SqlResult result;
  if (!task.is_csv) {
    result.text = std::move(task.text);
    return result;
  }
  TRY_VOID(ParseCsv(task.text, result));
  result.truncated = task.truncated || result.rows.size() >= kRowsMax;
  return result;
}

Error Failed(const TaskResult& task) {
  if (task.status == "Cancelled") {
    return Error(ErrorKind::kConflict, "ODPS_SQL_CANCELLED",
                 "someone stopped the SQL instance; run again");
  }
  return FromTaskText(task.text);
}

std::string InstancePath(const Options& options, const std::string& instance_id) {
  return "/projects/" + JobProject(options) + "/instances/" + instance_id;
}

}  // namespace

/// A statement in the service.
struct Client::Instance {
  std::string id;
  std::string where;  ///< statement, instance and LogView, for errors
  std::string logview_url;
  std::optional<TaskResult> result;  ///< came with the submission: it has ended
};

Result<Client::Instance> Client::SubmitSql(const std::string& statement,
                                           const SqlOptions& options) {
  const std::string mark = RandomId();
  Call call{CallKind::kSubmitSql, "POST"};
  call.path = "/projects/" + JobProject(this->options()) + "/instances";
  call.headers = {{"Content-Type", "application/xml"}};
  call.body = JobDocument(SettingsJson(this->options(), options), statement, mark);
  Instance instance;
  Result<HttpResponse> answer = Perform(call);
  if (answer) {
    const std::string location = answer->Header("location");
    const std::string path = location.substr(0, location.find('?'));
    instance.id = path.substr(path.rfind('/') + 1);
    if (instance.id.empty()) {
      return UnreadableAnswer(*answer, "a submitted instance (no Location)").At(Shown(statement));
    }
  } else {
    const Error& error = answer.error();
    const bool lost = error.kind() == ErrorKind::kUnavailable && error.code() != "HTTP_UNREACHABLE";
    const Result<std::optional<std::string>> found =
        lost ? FindByMark(mark) : Result<std::optional<std::string>>(std::nullopt);
    if (!lost) return std::move(answer).error().At(Shown(statement));
    if (!found || !*found) {
      return Error(error.kind(), error.code(),
                   error.message() + "; no instance of it was found, but it may run all the same")
          .RetryAfter(error.retry_after_ms())
          .HttpStatus(error.http_status())
          .At(Shown(statement));
    }
    instance.id = **found;
  }
  instance.logview_url = LogviewUrl(instance.id);
  instance.where = Shown(statement) + " (instance " + instance.id +
                   (instance.logview_url.empty() ? "" : ", " + instance.logview_url) + ")";
  if (options.on_submitted) options.on_submitted({instance.id, instance.logview_url, statement});
  // A service may answer short statements at once.
  if (answer && answer->body.find("<Task") != std::string::npos) {
    TRY(instance.result, ParseTask(*answer));
  }
  return instance;
}

Result<std::optional<std::string>> Client::FindByMark(const std::string& mark) {
  const auto from = std::chrono::system_clock::now() - kMarkAge;
  Call list{CallKind::kListInstances};
  list.path = "/projects/" + JobProject(options()) + "/instances";
  std::string marker;
  int looked = 0;
  while (true) {
    list.query = {{"expectmarker", "true"},
                  {"onlyowner", "yes"},
                  {"daterange", std::to_string(std::chrono::system_clock::to_time_t(from)) + ":"}};
    if (!marker.empty()) list.query.emplace_back("marker", marker);
    TRY(const HttpResponse answer, Perform(list));
    TRY(InstancePage page, ParseInstancePage(answer));
    for (std::string& id : page.ids) {
      if (++looked > kInstancesLookedAtMax) return std::optional<std::string>();
      Call source{CallKind::kFetchInstanceSource};
      source.path = InstancePath(options(), id);
      source.query = {{"source", ""}};
      const Result<HttpResponse> text = Perform(source);
      // One that may not be read, or is gone by now, is none of ours.
      if (text && text->body.find(mark) != std::string::npos) return std::optional(std::move(id));
    }
    if (page.marker.empty() || page.marker == marker) return std::optional<std::string>();
    marker = std::move(page.marker);
  }
}

Status Client::AwaitSql(const std::string& instance_id, const SqlOptions& options) {
  using Clock = std::chrono::steady_clock;
  const Options& mine = this->options();
  const long timeout_ms = options.timeout_ms > 0 ? options.timeout_ms : mine.sql_timeout_ms;
  const auto deadline = Clock::now() + std::chrono::milliseconds(timeout_ms);
  RetryPolicy waiting = mine.retry;
  waiting.cancelled = [&] {
    return mine.retry.cancelled() || (options.cancelled && options.cancelled());
  };
  Call call{CallKind::kFetchInstance};
  call.path = InstancePath(mine, instance_id);
  long wait_ms = std::min(kFirstPollMs, mine.sql_poll_ms);
  while (true) {
    TRY(const HttpResponse answer, Perform(call));
    TRY(const std::string status, ParseInstanceStatus(answer));
    if (status == "Terminated") return OkStatus();
    if (Clock::now() >= deadline) {
      return Error(ErrorKind::kLimitReached, "ODPS_SQL_TIMEOUT",
                   "still " + status + " after " + std::to_string(timeout_ms) + " ms");
    }
    if (!WaitFor(waiting, wait_ms)) {
      return Error(ErrorKind::kCancelled, "CANCELLED", "stopped on request");
    }
    wait_ms = std::min(wait_ms * 2, mine.sql_poll_ms);
  }
}

Error Client::StopSql(const std::string& instance_id, const Error& reason) {
  const Status stopped = CancelSql(instance_id);
  const std::string outcome =
      stopped ? "; the instance was cancelled"
              : "; cancelling the instance failed, it may still run: " + stopped.error().message();
  return Error(reason.kind(), reason.code(), reason.message() + outcome);
}

Status Client::CancelSql(const std::string& instance_id) {
  Call call{CallKind::kCancelInstance, "PUT"};
  call.path = InstancePath(options(), instance_id);
  call.headers = {{"Content-Type", "application/xml"}};
  call.body = "<Instance><Status>Terminated</Status></Instance>";
  call.timeout_ms = kCancelTimeoutMs;
  call.despite_cancel = true;
  const Result<HttpResponse> answer = Perform(call);
  // A conflict: it has ended, by itself or by a cancel whose answer was lost.
  const bool ended = answer || answer.error().code() == "ODPS_CONFLICT";
  return ended ? OkStatus() : Status(answer.error());
}

/// The tasks of an ended instance have succeeded.
Status Client::CheckSql(const std::string& instance_id) {
  Call call{CallKind::kFetchTaskStatus};
  call.path = InstancePath(options(), instance_id);
  call.query = {{"taskstatus", ""}};
  TRY(const HttpResponse status_answer, Perform(call));
  TRY(TaskResult task, ParseTask(status_answer));
  if (task.status == "Success") return OkStatus();
  if (task.status == "Cancelled") return Failed(task);  // it may have no result to ask for
  call.kind = CallKind::kFetchTaskResult;
  call.query = {{"result", ""}};
  TRY(const HttpResponse answer, Perform(call));
  TRY(task, ParseTask(answer));
  return Failed(task);
}

Result<SqlResult> Client::FetchSqlResult(const std::string& instance_id) {
  Call call{CallKind::kFetchTaskResult};
  call.path = InstancePath(options(), instance_id);
  call.query = {{"result", ""}};
  TRY(const HttpResponse answer, Perform(call));
  TRY(TaskResult task, ParseTask(answer));
  TRY(SqlResult result, ToResult(std::move(task)));
  result.instance_id = instance_id;
  result.logview_url = LogviewUrl(instance_id);
  return result;
}

Result<Client::Instance> Client::FinishSql(const std::string& statement,
                                           const SqlOptions& options) {
  TRY(Instance instance, SubmitSql(statement, options));
  if (instance.result) {
    const std::string& status = instance.result->status;
    if (status == "Success") return instance;
    if (status == "Failed" || status == "Cancelled") {
      return Failed(*instance.result).At(instance.where);
    }
    instance.result.reset();
  }
  Status done = AwaitSql(instance.id, options);
  if (!done) {
    const ErrorKind kind = done.error().kind();
    const bool unwanted = kind == ErrorKind::kCancelled || kind == ErrorKind::kLimitReached;
    return (unwanted ? StopSql(instance.id, done.error()) : std::move(done).error())
        .At(instance.where);
  }
  Status succeeded = CheckSql(instance.id);
  if (!succeeded) return std::move(succeeded).error().At(instance.where);
  return instance;
}

Result<SqlResult> Client::RunSql(const std::string& statement, const SqlOptions& options) {
  TRY(Instance instance, FinishSql(statement, options));
  if (instance.result) {
    TRY(SqlResult result, ToResult(*std::move(instance.result)));
    result.instance_id = instance.id;
    result.logview_url = instance.logview_url;
    return result;
  }
  Result<SqlResult> result = FetchSqlResult(instance.id);
  if (!result) return std::move(result).error().At(instance.where);
  return result;
}

Result<std::string> Client::ExecuteSql(const std::string& statement, const SqlOptions& options) {
  TRY(const Instance instance, FinishSql(statement, options));
  return instance.id;
}

}  // namespace mms::maxcompute
