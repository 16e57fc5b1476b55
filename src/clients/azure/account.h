// One storage account over HTTP, with the credential of whoever reads it: signs each request, and
// sends it once more when the storage refuses a credential that can be replaced. Blob reads and the
// Delta kernel's reads of the log both go through here. Thread-safe.
//
// Source: Azure Storage REST, "Authorize requests": a SAS is the query string, a token of Entra ID
// an Authorization header (x-ms-version from 2017-11-09 on).
#pragma once

#include <memory>
#include <string>

#include "base/byte_count.h"
#include "base/http_client.h"
#include "base/result.h"
#include "clients/azure/credential.h"

namespace mms::azure {

class Account {
 public:
  Account(std::shared_ptr<HttpClient> http, std::shared_ptr<CredentialKeeper> keeper)
      : http_(std::move(http)), keeper_(std::move(keeper)) {}

  /// `request` is unsigned; `text` names its object. Statuses are values, but what the credential
  /// is blamed for: kDenied STORAGE_DENIED, STORAGE_SAS_EXPIRED. Other errors: the credential's
  /// provider's; kUnavailable STORAGE_UNREACHABLE; those of HttpClient::Send. on_body sees the one
  /// answer that counts.
  Result<HttpResponse> Send(HttpRequest request, const std::string& text);

  bool cancelled() const { return http_->cancelled(); }

  /// The same account and credential; what it sends to this one's callers is added to `sent`.
  std::shared_ptr<Account> Counted(ByteCount sent) const;

 private:
  /// With what arrives counted.
  Result<HttpResponse> SendOnce(HttpRequest request);

  const std::shared_ptr<HttpClient> http_;
  const std::shared_ptr<CredentialKeeper> keeper_;
  ByteCount sent_;
};

/// The error of an answer that is no success, from its status and x-ms-error-code. `text` names the
/// object.
Error FromAnswer(const HttpResponse& response, const std::string& text);

}  // namespace mms::azure
