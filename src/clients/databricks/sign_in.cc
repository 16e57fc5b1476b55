#include "clients/databricks/sign_in.h"

#include <fmt/format.h>
#include <openssl/evp.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <mutex>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/retry.h"
#include "clients/databricks/answer.h"
#include "clients/databricks/workspace_api.h"

namespace mms::databricks {
namespace {

constexpr char kForm[] = "grant_type=client_credentials&scope=all-apis";
constexpr size_t kShownMaxBytes = 200;
constexpr long kTimeoutMs = 30'000;
/// Every call waits for the token.
constexpr int kAttemptsMax = 4;
constexpr long kDeadlineMs = 45'000;

using Clock = std::chrono::steady_clock;

struct Token {
  Secret text;
  Clock::time_point renew_at;
  Clock::time_point ends_at;
};

std::string TextOf(const nlohmann::json& object, const char* key) {
  if (!object.is_object()) return "";
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : "";
}

Error Refused(const HttpResponse& response, const std::string& client_id) {
  const auto json = nlohmann::json::parse(response.body, nullptr, /*allow_exceptions=*/false);
  std::string told = TextOf(json, "error_description");
  if (told.empty()) told = TextOf(json, "error");
  told = ScrubSecrets(told.substr(0, kShownMaxBytes));
  const std::string seen =
      fmt::format("HTTP status {}{}{}", response.status, told.empty() ? "" : ", ", told);
  const auto error = [&](ErrorKind kind, const char* code, const std::string& message) {
    return Error(kind, code, message)
        .HttpStatus(response.status)
        .RetryAfter(response.RetryAfterMs());
  };
  if (response.status == 429) return error(ErrorKind::kThrottled, "DATABRICKS_THROTTLED", seen);
  if (response.status == 408 || response.status >= 500) {
    return error(ErrorKind::kUnavailable, "DATABRICKS_UNAVAILABLE",
                 fmt::format("the workspace cannot give a token now ({})", seen));
  }
  return error(ErrorKind::kDenied, "DATABRICKS_SIGN_IN",
               fmt::format("the workspace gives no token to the service principal {} ({}); check "
                           "source.oauth.client_id and client_secret (a secret made for it in "
                           "Databricks, not in Azure), that the secret has not lapsed, and that "
                           "the principal belongs to this workspace",
                           client_id, seen));
}

Result<Token> ReadToken(const HttpResponse& response, Clock::time_point asked) {
  const auto json = nlohmann::json::parse(response.body, nullptr, /*allow_exceptions=*/false);
  Token token;
  token.text = Secret(TextOf(json, "access_token"));
  const auto life = json.is_object() ? json.find("expires_in") : json.end();
  if (token.text.empty() || life == json.end() || !life->is_number_integer()) {
    return Error(ErrorKind::kCorrupt, "DATABRICKS_ANSWER",
                 "the workspace's answer to the sign-in holds no access_token and expires_in; "
                 "check source.workspace and the proxy");
  }
  const std::chrono::seconds seconds(std::max<int64_t>(0, life->get<int64_t>()));
  token.ends_at = asked + seconds;
  token.renew_at = asked + seconds * 4 / 5;
  return token;
}

Result<Token> FetchToken(const SignIn& sign_in, const std::string& workspace, HttpClient& http) {
  HttpRequest request;
  request.method = "POST";
  request.url = workspace + "/oidc/v1/token";
  request.headers = {
      {"Authorization", BasicAuthorization(sign_in.client_id, sign_in.client_secret)},
      {"Content-Type", "application/x-www-form-urlencoded"},
      {"Accept", "application/json"}};
  request.body = kForm;
  request.timeout_ms = kTimeoutMs;
  const auto asked = Clock::now();
  Result<HttpResponse> response = http.Send(request);
  if (!response) return NoAnswer(std::move(response).error());
  if (!response->ok()) return Refused(*response, sign_in.client_id);
  return ReadToken(*response, asked);
}

}  // namespace

class TokenKeeper {
 public:
  Result<Secret> FromFile(const SignIn& sign_in, bool rejected) {
    namespace fs = std::filesystem;
    std::lock_guard lock(mutex_);
    std::error_code failed;
    const fs::file_time_type changed = fs::last_write_time(sign_in.token_file, failed);
    if (failed || changed != changed_ || rejected || token_.text.empty()) {
      TRY(token_.text, ResolveSecret("file:" + sign_in.token_file, "source.token"));
      changed_ = changed;
    }
    return token_.text;
  }

  Result<Secret> FromWorkspace(const SignIn& sign_in, const std::string& workspace,
                               HttpClient& http, bool rejected) {
    std::lock_guard lock(mutex_);
    if (!rejected && !token_.text.empty() && Clock::now() < token_.renew_at) return token_.text;
    RetryPolicy policy;
    policy.attempts_max = kAttemptsMax;
    policy.deadline_ms = kDeadlineMs;
    policy.throttled_deadline_ms = kDeadlineMs;
    policy.cancelled = [&] { return http.cancelled(); };
    Result<Token> fresh = Retry(policy, [&] { return FetchToken(sign_in, workspace, http); });
    if (fresh) {
      token_ = *std::move(fresh);
      return token_.text;
    }
    const bool usable = !rejected && !token_.text.empty() && Clock::now() < token_.ends_at;
    if (!usable || !IsTransient(fresh.error().kind())) return std::move(fresh).error();
    return token_.text;
  }

 private:
  std::mutex mutex_;
  Token token_;                                // guarded by mutex_
  std::filesystem::file_time_type changed_{};  // guarded by mutex_
};

std::shared_ptr<TokenKeeper> NewTokenKeeper() { return std::make_shared<TokenKeeper>(); }

TokenSource TokensOf(SignIn sign_in, const std::string& workspace,
                     std::shared_ptr<HttpClient> http) {
  if (!sign_in.client_id.empty()) {
    const auto give = [sign_in = std::move(sign_in), origin = WorkspaceOrigin(workspace),
                       http = std::move(http)](bool rejected) {
      return sign_in.keeper->FromWorkspace(sign_in, origin, *http, rejected);
    };
    return {give,
            "check source.oauth.client_id and source.oauth.client_secret, and that the principal "
            "belongs to this workspace"};
  }
  if (sign_in.token_file.empty()) return FixedToken(std::move(sign_in.token));
  return [sign_in = std::move(sign_in)](bool rejected) {
    return sign_in.keeper->FromFile(sign_in, rejected);
  };
}

TokenSource FixedToken(Secret token) {
  return [token = std::move(token)](bool) -> Result<Secret> { return token; };
}

std::string BasicAuthorization(const std::string& user, const Secret& password) {
  const std::string text = user + ":" + password.Reveal();
  std::string out(4 * ((text.size() + 2) / 3) + 1, '\0');
  const int size = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(out.data()),
                                   reinterpret_cast<const unsigned char*>(text.data()),
                                   static_cast<int>(text.size()));
  out.resize(static_cast<size_t>(size));
  return "Basic " + out;
}

}  // namespace mms::databricks
