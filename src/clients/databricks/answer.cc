#include "clients/databricks/answer.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string_view>

#include "base/secret.h"

namespace mms::databricks {
namespace {

constexpr size_t kShownMaxBytes = 200;
constexpr long kDefaultWaitMs = 1000;  // what the SDK waits after 429 without Retry-After

struct Refusal {
  bool json = false;
  std::string code;
  std::string message;

  std::string Told() const { return code.empty() ? message : code + ": " + message; }
};

bool SaysTokenIsInvalid(std::string_view text) {
  return text.find("nvalid access token") != text.npos;
}

/// The first bytes of a body for people: one line, no control characters, whole UTF-8 only if it
/// is.
std::string Shown(const std::string& body) {
  std::string text = body.substr(0, kShownMaxBytes);
  for (char& c : text) {
    if (static_cast<unsigned char>(c) < 0x20 || static_cast<unsigned char>(c) >= 0x7f) c = ' ';
  }
  return ScrubSecrets(text);
}

std::string TextOf(const nlohmann::json& object, const char* key) {
  const auto found = object.find(key);
  if (found == object.end()) return "";
  return found->is_string() ? found->get<std::string>() : found->dump();
}

Refusal ParseRefusal(const std::string& body) {
  const nlohmann::json json = nlohmann::json::parse(body, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object()) return {false, "", Shown(body)};
  return {true, TextOf(json, "error_code"), ScrubSecrets(TextOf(json, "message"))};
}

bool LooksMissing(int status, const Refusal& refusal) {
  if (status == 404)
    return refusal.code != "ENDPOINT_NOT_FOUND" && refusal.code != "FEATURE_DISABLED";
  return status == 400 && (refusal.code.ends_with("DOES_NOT_EXIST") ||
                           refusal.message.find("does not exist") != std::string::npos);
}

Error NoWorkspace(int status, const std::string& shown) {
  return Error(
      ErrorKind::kInvalidInput, "DATABRICKS_WORKSPACE",
      fmt::format(
          "the host does not answer like a Databricks workspace (HTTP status {}: {}); check "
          "source.workspace and the proxy",
          status, shown));
}

Error Denied(const Refusal& refusal, const Question& question) {
  std::string message = fmt::format("no right to read {} ({})", question.object, refusal.message);
  if (!question.grant.empty()) message += "; an owner can give it: " + question.grant;
  return Error(ErrorKind::kDenied, "DATABRICKS_DENIED", message);
}

Error Refused(const HttpResponse& response, const Question& question) {
  const Refusal refusal = ParseRefusal(response.body);
  const int status = response.status;
  const std::string told = refusal.Told();
  if (status == 403) return Denied(refusal, question);
  if (status == 429) return Error(ErrorKind::kThrottled, "DATABRICKS_THROTTLED", told);
  if (status == 503 && response.RetryAfterMs() > 0) {
    return Error(ErrorKind::kThrottled, "DATABRICKS_THROTTLED", told);
  }
  if (status == 408 || status == 409 || status >= 500) {
    return Error(ErrorKind::kUnavailable, "DATABRICKS_UNAVAILABLE",
                 fmt::format("the workspace cannot answer now (HTTP status {}, {})", status, told));
  }
  if (!refusal.json) return NoWorkspace(status, refusal.message);
  if (LooksMissing(status, refusal)) {
    return Error(
        ErrorKind::kNotFound, question.not_found_code,
        fmt::format("{} does not exist, or the token may not see it ({})", question.object, told));
  }
  return Error(ErrorKind::kInvalidInput, "DATABRICKS_REQUEST",
               fmt::format("the workspace refuses the request for {} (HTTP status {}, {})",
                           question.object, status, told));
}

}  // namespace

bool RefusesToken(const HttpResponse& response) {
  return response.status == 401 || (response.status == 403 && SaysTokenIsInvalid(response.body));
}

Error TokenRefused(const HttpResponse& response, const std::string& remedy) {
  return Error(ErrorKind::kDenied, "DATABRICKS_TOKEN_INVALID",
               fmt::format("the workspace does not accept the token ({}); it may have expired or "
                           "belong to another workspace: {}",
                           ParseRefusal(response.body).Told(), remedy))
      .HttpStatus(response.status);
}

Error NoAnswer(Error error) {
  // One of ours already: that of the sign-in before the call.
  const bool named = error.code().starts_with("DATABRICKS_");
  if (named || error.kind() != ErrorKind::kUnavailable) return error;
  return Error(ErrorKind::kUnavailable, "DATABRICKS_UNREACHABLE",
               fmt::format("the workspace does not answer ({}); check source.workspace, the proxy "
                           "and the firewall",
                           error.message()));
}

Result<std::string> ReadAnswer(const HttpResponse& response, const Question& question) {
  if (response.ok()) {
    const size_t first = response.body.find_first_not_of(" \t\r\n");
    if (first == std::string::npos || response.body[first] != '{') {
      return NoWorkspace(response.status, Shown(response.body)).HttpStatus(response.status);
    }
    return response.body;
  }
  Error error = Refused(response, question);
  long wait_ms = response.RetryAfterMs();
  if (wait_ms == 0 && error.kind() == ErrorKind::kThrottled) wait_ms = kDefaultWaitMs;
  return std::move(error).HttpStatus(response.status).RetryAfter(wait_ms);
}

bool LacksEndpoint(const Error& error) {
  const bool refused =
      error.code() == "DATABRICKS_WORKSPACE" || error.code() == "DATABRICKS_REQUEST";
  return refused && (error.http_status() == 404 || error.http_status() == 405);
}

}  // namespace mms::databricks
