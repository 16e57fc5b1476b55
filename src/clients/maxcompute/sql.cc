// SQL instances of Client: submit, poll, result.
#include <algorithm>
#include <chrono>
#include <nlohmann/json.hpp>
#include <pugixml.hpp>
#include <random>
#include <sstream>
#include <utility>

#include "clients/maxcompute/client.h"
#include "clients/maxcompute/documents.h"
#include "clients/maxcompute/errors.h"

namespace mms::maxcompute {
namespace {

constexpr const char* kTaskName = "AnonymousSQLTask";
constexpr long kFirstPollMs = 20;
constexpr size_t kRowsMax = 10000;  // what a result document holds at most (help pages)

/// Set on every statement: project defaults differ, and must not decide what a type means.
std::string SettingsJson(const Options& options) {
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
  return settings.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

std::string RandomId() {
  std::random_device random;
  std::ostringstream text;
  for (int i = 0; i < 4; ++i) text << std::hex << random();
  return text.str();
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

std::string JobDocument(const Options& options, const std::string& statement) {
  pugi::xml_document document;
  pugi::xml_node job = document.append_child("Instance").append_child("Job");
  AddText(job, "Priority", "9");
  pugi::xml_node sql = job.append_child("Tasks").append_child("SQL");
  AddText(sql, "Name", kTaskName);
  pugi::xml_node config = sql.append_child("Config");
  AddProperty(config, "settings", SettingsJson(options));
  AddProperty(config, "uuid", RandomId());
  AddText(sql, "Query", Terminated(statement));
  AddText(job.append_child("DAG"), "RunMode", "Sequence");
  std::ostringstream text;
  document.save(text, "", pugi::format_raw, pugi::encoding_utf8);
  return text.str();
}

/// What a statement is called in errors: its start.
std::string Shown(const std::string& statement) {
  constexpr size_t kShownBytes = 120;
  std::string text = statement.substr(0, kShownBytes);
  for (char& c : text) {
    if (static_cast<unsigned char>(c) < ' ') c = ' ';
  }
  return "statement '" + text + (statement.size() > kShownBytes ? "...'" : "'");
}

Result<SqlResult> ToResult(TaskResult task, std::string instance_id) {
  SqlResult result;
  result.instance_id = std::move(instance_id);
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
  return "/projects/" + options.project + "/instances/" + instance_id;
}

}  // namespace

Result<HttpResponse> Client::SubmitSql(const std::string& statement) {
  Call call;
  call.method = "POST";
  call.path = "/projects/" + options().project + "/instances";
  call.headers = {{"Content-Type", "application/xml"}};
  call.body = JobDocument(options(), statement);
  call.send_once = true;
  Backoff backoff(options().retry);
  while (true) {
    Result<HttpResponse> answer = Exchange(call, "ODPS_PROJECT_NOT_FOUND");
    if (answer) return answer;
    const Error& error = answer.error();
    // Only what certainly did not run is sent again: refused for now, or never on the wire.
    const bool not_run =
        error.kind() == ErrorKind::kThrottled || error.code() == "HTTP_UNREACHABLE";
    if (!not_run || !backoff.Wait(error)) return answer;
  }
}

Status Client::AwaitSql(const std::string& instance_id) {
  using Clock = std::chrono::steady_clock;
  const auto deadline = Clock::now() + std::chrono::milliseconds(options().sql_timeout_ms);
  Call call;
  call.path = InstancePath(options(), instance_id);
  long wait_ms = std::min(kFirstPollMs, options().sql_poll_ms);
  while (true) {
    TRY(const HttpResponse answer, Fetch(call, "ODPS_INSTANCE_NOT_FOUND"));
    TRY(const std::string status, ParseInstanceStatus(answer));
    if (status == "Terminated") return OkStatus();
    if (Clock::now() >= deadline) {
      call.method = "PUT";
      call.headers = {{"Content-Type", "application/xml"}};
      call.body = "<Instance><Status>Terminated</Status></Instance>";
      const bool stopped = Exchange(call, "ODPS_INSTANCE_NOT_FOUND").has_value();
      return Error(ErrorKind::kLimitReached, "ODPS_SQL_TIMEOUT",
                   "still " + status + " after " + std::to_string(options().sql_timeout_ms) +
                       (stopped ? " ms; it was cancelled" : " ms, and cancelling it failed"));
    }
    if (!WaitFor(options().retry, wait_ms)) {
      return Error(ErrorKind::kCancelled, "CANCELLED", "stopped on request; it may still run");
    }
    wait_ms = std::min(wait_ms * 2, options().sql_poll_ms);
  }
}

Result<SqlResult> Client::FetchSqlResult(const std::string& instance_id) {
  Call call;
  call.path = InstancePath(options(), instance_id);
  call.query = {{"taskstatus", ""}};
  TRY(const HttpResponse status_answer, Fetch(call, "ODPS_INSTANCE_NOT_FOUND"));
  TRY(const TaskResult status, ParseTask(status_answer));
  if (status.status == "Cancelled") return Failed(status);  // it may have no result to ask for
  call.query = {{"result", ""}};
  TRY(const HttpResponse answer, Fetch(call, "ODPS_INSTANCE_NOT_FOUND"));
  TRY(TaskResult task, ParseTask(answer));
  task.status = status.status;
  if (task.status != "Success") return Failed(task);
  return ToResult(std::move(task), instance_id);
}

Result<SqlResult> Client::RunSql(const std::string& statement) {
  Result<HttpResponse> answer = SubmitSql(statement);
  if (!answer) return std::move(answer).error().At(Shown(statement));
  const std::string location = answer->Header("location");
  const std::string path = location.substr(0, location.find('?'));
  const std::string instance_id = path.substr(path.rfind('/') + 1);
  if (instance_id.empty()) {
    return UnreadableAnswer(*answer, "a submitted instance (no Location)").At(Shown(statement));
  }
  const std::string where = Shown(statement) + " (instance " + instance_id + ")";
  const bool finished = answer->body.find("<Task") != std::string::npos;
  if (finished) {  // a service that answers short statements at once
    TRY(TaskResult task, ParseTask(*answer));
    if (task.status == "Success") return ToResult(std::move(task), instance_id);
    if (task.status == "Failed" || task.status == "Cancelled") return Failed(task).At(where);
  }
  Status done = AwaitSql(instance_id);
  if (!done) return std::move(done).error().At(where);
  Result<SqlResult> result = FetchSqlResult(instance_id);
  if (!result) return std::move(result).error().At(where);
  return result;
}

}  // namespace mms::maxcompute
