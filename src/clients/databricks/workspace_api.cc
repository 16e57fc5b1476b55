#include "clients/databricks/workspace_api.h"

#include <utility>

namespace mms::databricks {

std::string WorkspaceOrigin(std::string_view workspace) {
  const size_t first = workspace.find_first_not_of(" \t\r\n");
  if (first == workspace.npos) return "";
  workspace = workspace.substr(first, workspace.find_last_not_of(" \t\r\n") - first + 1);
  std::string scheme = "https://";
  const size_t separator = workspace.find("://");
  if (separator != workspace.npos) {
    scheme = workspace.substr(0, separator + 3);
    workspace.remove_prefix(separator + 3);
  }
  return scheme + std::string(workspace.substr(0, workspace.find_first_of("/?#")));
}

WorkspaceApi::WorkspaceApi(std::string_view workspace, TokenSource token,
                           std::shared_ptr<HttpClient> http, std::shared_ptr<CallLimit> limit)
    : origin_(WorkspaceOrigin(workspace)),
      token_(std::move(token)),
      http_(std::move(http)),
      limit_(limit ? std::move(limit) : std::make_shared<CallLimit>(CallLimit::Options{})) {}

std::function<bool()> WorkspaceApi::cancelled() const {
  return [client = http_.get()] { return client->cancelled(); };
}

Result<HttpResponse> WorkspaceApi::SendWith(const Secret& token, HttpRequest request) {
  if (!token.empty()) {
    request.headers.emplace_back("Authorization", "Bearer " + token.Reveal());
  }
  TRY(const CallLimit::Turn turn, limit_->Await(cancelled()));
  TRY(HttpResponse response, http_->Send(request));
  if (response.status == 429) limit_->NoteThrottled();
  return response;
}

Result<HttpResponse> WorkspaceApi::Send(HttpRequest request) {
  request.url = origin_ + request.url;
  request.headers.emplace_back("Accept", "application/json");
  if (!request.body.empty()) request.headers.emplace_back("Content-Type", "application/json");
  TRY(const Secret token, token_(/*rejected=*/false));
  TRY(HttpResponse response, SendWith(token, request));
  if (!RefusesToken(response)) return response;
  TRY(const Secret renewed, token_(/*rejected=*/true));
  if (renewed.Reveal() != token.Reveal()) {
    TRY(response, SendWith(renewed, std::move(request)));
    if (!RefusesToken(response)) return response;
  }
  return TokenRefused(response, token_.remedy());
}

Result<std::string> WorkspaceApi::Ask(HttpRequest request, const Question& question) {
  Result<HttpResponse> response = Send(std::move(request));
  if (!response) return NoAnswer(std::move(response).error());
  return ReadAnswer(*response, question);
}

}  // namespace mms::databricks
