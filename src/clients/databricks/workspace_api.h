// Calls to the REST API of one workspace: signed, within its limit, with a new token once when one
// was refused. Repeating is the caller's. Thread-safe; every call blocks.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/http_client.h"
#include "base/result.h"
#include "clients/databricks/answer.h"
#include "clients/databricks/call_limit.h"
#include "clients/databricks/sql_endpoint.h"

namespace mms::databricks {

class WorkspaceApi {
 public:
  /// `workspace`: https URL; a missing scheme is https, path and query are dropped. `limit` is
  /// shared with other clients of the same workspace; null = one of its own.
  WorkspaceApi(std::string_view workspace, TokenSource token, std::shared_ptr<HttpClient> http,
               std::shared_ptr<CallLimit> limit = nullptr);

  /// The url of `request` is its path and query. No token, no Authorization. Errors: those of the
  /// HTTP client and of the token source; kDenied DATABRICKS_TOKEN_INVALID; kCancelled.
  Result<HttpResponse> Send(HttpRequest request);
  /// The same, judged: errors as unity_catalog.h lists them.
  Result<std::string> Ask(HttpRequest request, const Question& question);

  /// Whether the HTTP client was, for retry policies; lives as long as that.
  std::function<bool()> cancelled() const;

 private:
  Result<HttpResponse> SendWith(const Secret& token, HttpRequest request);

  const std::string origin_;
  const TokenSource token_;
  const std::shared_ptr<HttpClient> http_;
  const std::shared_ptr<CallLimit> limit_;
};

/// "https://host[:port]" of any spelling of a workspace: without scheme, with path, query or slash.
std::string WorkspaceOrigin(std::string_view workspace);

}  // namespace mms::databricks
