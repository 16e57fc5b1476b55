// LogView of Client: the web page that shows an SQL instance.
//
// Source: the address that PyODPS 0.13 (models/project.py) and odps-sdk-core 0.52 build, from a
// host and a token that the service gives.
#include <nlohmann/json.hpp>
#include <pugixml.hpp>

#include "clients/maxcompute/client.h"
#include "clients/maxcompute/client_state.h"
#include "clients/maxcompute/errors.h"

namespace mms::maxcompute {
namespace {

bool IsAddress(const std::string& text) {
  return (text.starts_with("http://") || text.starts_with("https://")) && text.size() < 300 &&
         text.find_first_of(" \t\r\n<>\"'?#@") == text.npos;
}

}  // namespace

std::string Client::LogviewHost() {
  const std::string& configured = state_->options.logview_host;
  if (!configured.empty()) return configured;
  std::lock_guard lock(state_->mutex);
  if (state_->logview_host) return *state_->logview_host;
  Call call{CallKind::kFindLogview};
  call.path = "/logview/host";
  call.timeout_ms = 10000;
  const Result<HttpResponse> answer = Perform(call);
  // Not every service tells it, and no statement fails for want of a link.
  if (!answer && IsTransient(answer.error().kind())) return "";
  std::string host = answer ? answer->body : "";
  host.erase(host.find_last_not_of("/ \t\r\n") + 1);
  state_->logview_host = IsAddress(host) ? host : "";
  return *state_->logview_host;
}

std::string Client::LogviewUrl(const std::string& instance_id) {
  const std::string host = LogviewHost();
  if (host.empty()) return "";
  const Options& options = state_->options;
  return host + "/logview/?h=" + options.endpoint + "&p=" + UrlEncode(JobProject(options)) +
         "&i=" + UrlEncode(instance_id);
}

Result<Secret> Client::FetchLogviewUrl(const std::string& instance_id, int hours) {
  const std::string url = LogviewUrl(instance_id);
  if (url.empty()) {
    return Error(ErrorKind::kUnsupported, "ODPS_LOGVIEW",
                 "the service tells no LogView host; set target.logview_host");
  }
  const std::string& project = JobProject(state_->options);
  const nlohmann::json policy = {
      {"Statement",
       {{{"Action", {"odps:Read"}},
         {"Effect", "Allow"},
         {"Resource", "acs:odps:*:projects/" + project + "/instances/" + instance_id}}}},
      {"Version", "1"}};
  Call call{CallKind::kMakeLogviewToken, "POST"};
  call.path = "/projects/" + project + "/authorization";
  call.query = {{"sign_bearer_token", ""}};
  call.headers = {{"Content-Type", "application/json"}};
  call.body = nlohmann::json{{"expires_in_hours", hours}, {"policy", policy}}.dump();
  Result<HttpResponse> answer = Perform(call);
  if (!answer) return std::move(answer).error().At("LogView of instance " + instance_id);
  pugi::xml_document document;
  const bool read = document.load_buffer(answer->body.data(), answer->body.size());
  Secret token(document.child("Authorization").child_value("Result"));
  if (!read || token.empty()) {
    // Without the answer's text, which may hold a token all the same.
    return Error(ErrorKind::kCorrupt, "ODPS_ANSWER", "the service's answer holds no LogView token");
  }
  return Secret(url + "&token=" + UrlEncode(token.Reveal()));
}

}  // namespace mms::maxcompute
