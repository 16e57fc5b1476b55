#include "clients/azure/service_principal.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/retry.h"

namespace mms::azure {
namespace {

constexpr char kPublicAuthority[] = "https://login.microsoftonline.com";
/// The same in every cloud.
constexpr char kScope[] = "https://storage.azure.com/.default";
constexpr size_t kShownMaxBytes = 200;
constexpr long kTimeoutMs = 30'000;
/// Every read waits for the token.
constexpr int kAttemptsMax = 4;
constexpr long kDeadlineMs = 45'000;

struct Remedy {
  const char* number;
  const char* text;
};

/// Microsoft's "Microsoft Entra authentication and authorization error codes".
constexpr Remedy kRemedies[] = {
    {"AADSTS7000215",
     "the client secret is wrong; source.storage.client_secret takes the secret's value, not its "
     "id"},
    {"AADSTS7000222",
     "the client secret has lapsed; make a new one and set "
     "source.storage.client_secret"},
    {"AADSTS700016",
     "the tenant has no such application; check source.storage.client_id and "
     "tenant_id"},
    {"AADSTS90002",
     "there is no such tenant; check source.storage.tenant_id, and "
     "source.storage.authority for a national cloud"},
    {"AADSTS900023", "source.storage.tenant_id is neither a tenant's id nor its domain"},
};

/// The first line, which has number and sentence; the others are ids of the request.
std::string Shown(const std::string& description) {
  return ScrubSecrets(
      description.substr(0, std::min(description.find_first_of("\r\n"), kShownMaxBytes)));
}

std::string TextOf(const nlohmann::json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : "";
}

Error Refused(const HttpResponse& response, const ServicePrincipal& principal) {
  const auto json = nlohmann::json::parse(response.body, nullptr, /*allow_exceptions=*/false);
  const std::string description = json.is_object() ? TextOf(json, "error_description") : "";
  std::string told = Shown(description);
  if (told.empty() && json.is_object()) told = Shown(TextOf(json, "error"));
  if (told.empty()) told = fmt::format("HTTP status {}", response.status);
  const auto error = [&](ErrorKind kind, const char* code, const std::string& message) {
    return Error(kind, code, message)
        .HttpStatus(response.status)
        .RetryAfter(response.RetryAfterMs());
  };
  if (response.status == 429) return error(ErrorKind::kThrottled, "AZURE_SIGN_IN_THROTTLED", told);
  if (response.status == 408 || response.status >= 500) {
    return error(ErrorKind::kUnavailable, "AZURE_SIGN_IN_UNREACHABLE",
                 fmt::format("Microsoft Entra ID cannot answer now ({})", told));
  }
  std::string remedy = "check source.storage.tenant_id, client_id and client_secret";
  for (const Remedy& known : kRemedies) {
    if (description.starts_with(std::string(known.number) + ":")) remedy = known.text;
  }
  return error(ErrorKind::kDenied, "AZURE_SIGN_IN",
               fmt::format("Microsoft Entra ID gives no token for application {} ({}); {}",
                           principal.client_id, told, remedy));
}

/// `asked_ms`: when the request left; the token's life counts from there.
Result<Credential> ReadToken(const HttpResponse& response, int64_t asked_ms) {
  const auto json = nlohmann::json::parse(response.body, nullptr, /*allow_exceptions=*/false);
  const std::string token = json.is_object() ? TextOf(json, "access_token") : "";
  if (token.empty()) {
    return Error(ErrorKind::kCorrupt, "AZURE_SIGN_IN_ANSWER",
                 "the answer of the sign-in address holds no access_token; check "
                 "source.storage.authority and the proxy");
  }
  Credential credential;
  credential.kind = Credential::Kind::kBearer;
  credential.text = Secret(token);
  const auto seconds = json.find("expires_in");
  if (seconds != json.end() && seconds->is_number_integer()) {
    credential.expires_ms = asked_ms + seconds->get<int64_t>() * 1000;
  }
  return credential;
}

int64_t NowMs() {
  using namespace std::chrono;
  return duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count();
}

Result<Credential> FetchToken(const ServicePrincipal& principal, HttpClient& http) {
  std::string authority = principal.authority.empty() ? kPublicAuthority : principal.authority;
  while (authority.ends_with('/')) authority.pop_back();
  HttpRequest request;
  request.method = "POST";
  request.url = authority + "/" + UrlEncode(principal.tenant_id) + "/oauth2/v2.0/token";
  request.headers = {{"Content-Type", "application/x-www-form-urlencoded"},
                     {"Accept", "application/json"}};
  request.body = fmt::format("grant_type=client_credentials&client_id={}&client_secret={}&scope={}",
                             UrlEncode(principal.client_id),
                             UrlEncode(principal.client_secret.Reveal()), UrlEncode(kScope));
  request.timeout_ms = kTimeoutMs;
  const int64_t asked_ms = NowMs();
  Result<HttpResponse> response = http.Send(request);
  if (!response) {
    Error error = std::move(response).error();
    if (error.kind() != ErrorKind::kUnavailable) return error;
    return Error(ErrorKind::kUnavailable, "AZURE_SIGN_IN_UNREACHABLE",
                 fmt::format("Microsoft Entra ID does not answer ({}); check "
                             "source.storage.authority, the proxy and the firewall",
                             error.message()));
  }
  if (!response->ok()) return Refused(*response, principal);
  return ReadToken(*response, asked_ms);
}

}  // namespace

CredentialProvider FromServicePrincipal(ServicePrincipal principal,
                                        std::shared_ptr<HttpClient> http) {
  return [principal = std::move(principal), http = std::move(http)]() -> Result<Credential> {
    RetryPolicy policy;
    policy.attempts_max = kAttemptsMax;
    policy.deadline_ms = kDeadlineMs;
    policy.throttled_deadline_ms = kDeadlineMs;
    policy.cancelled = [&] { return http->cancelled(); };
    return Retry(policy, [&] { return FetchToken(principal, *http); });
  };
}

}  // namespace mms::azure
