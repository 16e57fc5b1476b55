// HttpClient, linked instead of base/http_client.cc: the world answers.
#include "base/http_client.h"
#include "link.h"
#include "migration/transfer/job.h"

namespace mms {

struct HttpClient::Pool {};

HttpClient::HttpClient(Options options) : options_(std::move(options)) {}
HttpClient::~HttpClient() = default;

Result<HttpResponse> HttpClient::Send(const HttpRequest& request) {
  const Error stopped(ErrorKind::kCancelled, "CANCELLED", "stopped on request");
  const auto ended = [&] { return cancelled() && !request.despite_cancel; };
  if (ended()) return stopped;
  const nlohmann::json answer = simulation::Link::Get().Ask(
      {{"call", "http"}, {"method", request.method}, {"url", request.url}, {"body", request.body}});
  if (ended()) return stopped;  // whatever the peer has done by then
  if (answer.contains("error")) return migration::ErrorFromJson(answer["error"]);
  HttpResponse response;
  response.status = answer.at("status");
  response.headers = answer.at("headers").get<std::map<std::string, std::string>>();
  response.body = answer.at("body");
  return response;
}

}  // namespace mms
