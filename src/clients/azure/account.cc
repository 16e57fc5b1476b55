#include "clients/azure/account.h"

#include <fmt/format.h>

#include <chrono>
#include <utility>

#include "base/secret.h"

namespace mms::azure {
namespace {

/// Versions before 2012 answer a Range header in another way; this one is served by every Azure
/// cloud.
constexpr char kServiceVersion[] = "2021-12-02";

bool HasVersion(const HttpRequest& request) {
  for (const auto& [name, value] : request.headers) {
    if (name == "x-ms-version") return true;
  }
  return false;
}

HttpRequest Signed(HttpRequest request, const Credential& credential) {
  if (!HasVersion(request)) request.headers.emplace_back("x-ms-version", kServiceVersion);
  if (credential.kind == Credential::Kind::kBearer) {
    request.headers.emplace_back("Authorization", "Bearer " + credential.text.Reveal());
    return request;
  }
  request.url += request.url.find('?') == std::string::npos ? '?' : '&';
  request.url += credential.text.Reveal();
  return request;
}

bool IsRefusal(const HttpResponse& response) {
  return response.status == 401 || response.status == 403;
}

int64_t NowMs() {
  using namespace std::chrono;
  return duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count();
}

std::string ReasonOf(const HttpResponse& response) {
  std::string reason = ScrubSecrets(response.Header("x-ms-error-code"));
  return reason.empty() ? fmt::format("HTTP status {}", response.status) : reason;
}

Error Denied(const HttpResponse& response, const std::string& text, Credential::Kind kind) {
  const char* refused =
      kind == Credential::Kind::kBearer
          ? "the service principal ({}); give it the role Storage Blob Data Reader on the account "
            "or container, and see whether the account's firewall lets this machine in"
          : "the SAS ({}); check that it has not expired, belongs to this account and container, "
            "and has the rights read and list";
  return Error(ErrorKind::kDenied, "STORAGE_DENIED",
               "the storage refused " + fmt::format(fmt::runtime(refused), ReasonOf(response)))
      .At(text)
      .HttpStatus(response.status);
}

}  // namespace

Error FromAnswer(const HttpResponse& response, const std::string& text) {
  const std::string reason = ReasonOf(response);
  const auto error = [&](ErrorKind kind, const char* code, const std::string& message) {
    return Error(kind, code, message)
        .At(text)
        .HttpStatus(response.status)
        .RetryAfter(response.RetryAfterMs());
  };
  switch (response.status) {
    case 404:
      return error(
          ErrorKind::kNotFound, "STORAGE_NOT_FOUND",
          fmt::format("no such blob ({}); VACUUM may have removed a file that the planned version "
                      "names: plan again",
                      reason));
    case 416:
      return error(ErrorKind::kCorrupt, "STORAGE_SIZE",
                   "the blob is shorter than the Delta log says");
    case 429: return error(ErrorKind::kThrottled, "STORAGE_THROTTLED", reason);
    case 408:
    case 500:
    case 502:
    case 503:
    case 504:
      return error(ErrorKind::kUnavailable, "STORAGE_UNREACHABLE",
                   fmt::format("the storage cannot answer now ({})", reason));
    default:
      return error(
          ErrorKind::kDenied, "STORAGE_REFUSED",
          fmt::format("the storage does not accept the request ({}, HTTP status {}); check the "
                      "endpoint and the credentials",
                      reason, response.status));
  }
}

std::shared_ptr<Account> Account::Counted(ByteCount sent) const {
  auto counted = std::make_shared<Account>(http_, keeper_);
  counted->sent_ = std::move(sent);
  return counted;
}

Result<HttpResponse> Account::SendOnce(HttpRequest request) {
  if (sent_ && request.on_body) {
    request.on_body = [sent = sent_, take = std::move(request.on_body)](std::string_view bytes) {
      *sent += static_cast<int64_t>(bytes.size());
      return take(bytes);
    };
  }
  Result<HttpResponse> response = http_->Send(request);
  // What did not go to on_body.
  if (sent_ && response) *sent_ += static_cast<int64_t>(response->body.size());
  return response;
}

Result<HttpResponse> Account::Send(HttpRequest request, const std::string& text) {
  const auto send = [&](const Credential& credential) -> Result<HttpResponse> {
    Result<HttpResponse> response = SendOnce(Signed(request, credential));
    if (response || response.error().kind() != ErrorKind::kUnavailable) return response;
    return Error(ErrorKind::kUnavailable, "STORAGE_UNREACHABLE",
                 fmt::format("the storage does not answer ({}); check its host name, the proxy and "
                             "the firewall",
                             response.error().message()))
        .At(text);
  };
  TRY(Credential credential, keeper_->Get());
  Result<HttpResponse> response = send(credential);
  if (!response || !IsRefusal(*response)) return response;
  TRY(const bool replaced, keeper_->Replace(credential));
  if (replaced) {
    TRY(credential, keeper_->Get());
    response = send(credential);
    if (!response || !IsRefusal(*response)) return response;
  }
  // That it has lapsed says more than that it was refused.
  Status lapsed = CheckNotExpired(credential, NowMs());
  if (!lapsed) return std::move(lapsed).error().At(text);
  return Denied(*response, text, credential.kind);
}

}  // namespace mms::azure
