#include "clients/databricks/thrift_carrier.h"

#include <fmt/format.h>

#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "clients/databricks/answer.h"
#include "clients/databricks/sign_in.h"

namespace mms::databricks {
namespace {

constexpr size_t kShownMaxBytes = 200;
constexpr long kDefaultWaitMs = 1000;  // after 429 and 503 without Retry-After
constexpr char kStrictBinary = static_cast<char>(0x80);

/// Text of a peer for people: one line, printable.
std::string Shown(std::string_view text) {
  std::string shown(text.substr(0, kShownMaxBytes));
  for (char& c : shown) {
    if (static_cast<unsigned char>(c) < 0x20 || static_cast<unsigned char>(c) >= 0x7f) c = ' ';
  }
  return ScrubSecrets(shown);
}

/// What a server says about an HTTP error: in one of its headers, else in the body.
std::string Reason(const HttpResponse& response) {
  for (const char* header :
       {"x-thriftserver-error-message", "x-databricks-error-or-redirect-message",
        "x-databricks-reason-phrase"}) {
    const std::string text = response.Header(header);
    if (!text.empty()) return Shown(text);
  }
  return Shown(response.body);
}

Error NoThrift(const HttpResponse& response) {
  return Error(ErrorKind::kCorrupt, "SQL_ANSWER",
               fmt::format("the SQL server's answer is not Thrift ({}); is there a proxy or a "
                           "sign-in page in between, and is the HTTP path right?",
                           Shown(response.body)));
}

Error Refused(const HttpResponse& response, const std::string& token_remedy) {
  const int status = response.status;
  const std::string told = fmt::format("HTTP status {}, {}", status, Reason(response));
  if (RefusesToken(response)) {
    return Error(ErrorKind::kDenied, "DATABRICKS_TOKEN_INVALID",
                 "the SQL server does not accept the token (" + told + "); " + token_remedy);
  }
  if (status == 403) {
    return Error(ErrorKind::kDenied, "DATABRICKS_DENIED",
                 "the token may not use this cluster or warehouse (" + told +
                     "); its owner can give CAN ATTACH TO (cluster) or CAN USE (warehouse)");
  }
  if (status == 404) {
    return Error(ErrorKind::kNotFound, "SQL_PATH_NOT_FOUND",
                 "there is no SQL server at this path (" + told +
                     "); check the cluster id or the HTTP path");
  }
  if (status == 429 || status == 503) {
    return Error(ErrorKind::kThrottled, "DATABRICKS_THROTTLED",
                 "the SQL server takes no call now (" + told + ")");
  }
  if (status == 501 || status < 500) {
    return Error(ErrorKind::kInvalidInput, "SQL_REQUEST",
                 "the SQL server does not take the call (" + told + "); check the HTTP path");
  }
  return Error(ErrorKind::kUnavailable, "DATABRICKS_UNAVAILABLE",
               "the SQL server cannot answer now (" + told + ")");
}

/// Takes the body.
Result<std::string> ReadReply(HttpResponse& response, const std::string& token_remedy) {
  if (response.ok()) {
    if (!response.body.starts_with(kStrictBinary)) {
      return NoThrift(response).HttpStatus(response.status);
    }
    return std::move(response.body);
  }
  Error error = Refused(response, token_remedy);
  long wait_ms = response.RetryAfterMs();
  if (wait_ms == 0 && error.kind() == ErrorKind::kThrottled) wait_ms = kDefaultWaitMs;
  return std::move(error).HttpStatus(response.status).RetryAfter(wait_ms);
}

/// The failure of the exchange itself, in the words of this client. Not of TLS, proxy and the like,
/// which no repetition mends.
Error Unreachable(const Error& error) {
  if (error.kind() != ErrorKind::kUnavailable || error.http_status() != 0) return error;
  return Error(ErrorKind::kUnavailable, "DATABRICKS_UNREACHABLE",
               "the SQL server does not answer (" + error.message() +
                   "); check source.workspace, the proxy and the firewall");
}

bool MayRepeat(const Error& error, Repeat repeat, bool never_sent) {
  if (error.kind() == ErrorKind::kThrottled || never_sent) return true;
  if (error.kind() != ErrorKind::kUnavailable) return false;
  const int status = error.http_status();
  const bool lost = status == 0 || status == 502 || status == 504;
  return repeat == Repeat::kAlways || (lost && repeat == Repeat::kReplyLost);
}

}  // namespace

ThriftCarrier::ThriftCarrier(SqlEndpoint endpoint, std::shared_ptr<HttpClient> http,
                             Options options)
    : endpoint_(std::move(endpoint)), http_(std::move(http)), options_(std::move(options)) {}

std::string ThriftCarrier::Cookies() {
  std::lock_guard lock(mutex_);
  std::string line;
  for (const auto& [name, value] : cookies_) {
    line += (line.empty() ? "" : "; ") + name + "=" + value.Reveal();
  }
  return line;
}

/// A gateway keeps a client on one of its servers, or signed in, by cookies.
void ThriftCarrier::KeepCookies(const HttpResponse& response) {
  const std::string lines = response.Header("set-cookie");
  size_t start = 0;
  std::lock_guard lock(mutex_);
  while (start < lines.size()) {
    size_t end = lines.find('\n', start);
    if (end == lines.npos) end = lines.size();
    const std::string_view pair =
        std::string_view(lines).substr(start, lines.find_first_of(";\n", start) - start);
    const size_t equals = pair.find('=');
    if (equals != pair.npos) {
      cookies_[std::string(pair.substr(0, equals))] = Secret(std::string(pair.substr(equals + 1)));
    }
    start = end + 1;
  }
}

Result<HttpRequest> ThriftCarrier::MakeRequest(const ThriftCall& call, const std::string& message,
                                               bool renew) {
  TRY(const Secret token, endpoint_.token(renew));
  const std::string credentials = endpoint_.dialect == SqlDialect::kHive
                                      ? BasicAuthorization(endpoint_.user, token)
                                      : "Bearer " + token.Reveal();
  HttpRequest request;
  request.method = "POST";
  request.url = endpoint_.url;
  request.headers = {{"Authorization", credentials},
                     {"Content-Type", "application/x-thrift"},
                     {"Accept", "application/x-thrift"}};
  for (const auto& header : endpoint_.headers) request.headers.push_back(header);
  const std::string cookies = Cookies();
  if (!cookies.empty()) request.headers.emplace_back("Cookie", cookies);
  request.body = message;
  request.timeout_ms = call.timeout_ms;
  request.stall_timeout_s =
      call.timeout_ms / 1000 + 1;  // a server may think as long as it may take
  request.send_once = call.send_once;
  request.despite_cancel = call.farewell;
  request.stop = call.stop;
  return request;
}

Result<std::string> ThriftCarrier::Once(const ThriftCall& call, const std::string& message,
                                        bool renew) {
  TRY(const HttpRequest request, MakeRequest(call, message, renew));
  TRY(HttpResponse response, http_->Send(request));
  if (call.read) *call.read += static_cast<int64_t>(response.body.size());
  KeepCookies(response);
  return ReadReply(response, endpoint_.token.remedy());
}

Result<std::string> ThriftCarrier::Exchange(const ThriftCall& call, const std::string& message) {
  RetryPolicy throttled = options_.failures;
  throttled.throttled_deadline_ms = options_.throttled_deadline_ms;
  throttled.wait_max_ms = 60'000;
  throttled.cancelled = [&call, by_client = std::move(throttled.cancelled)] {
    return call.stop.stop_requested() || (by_client && by_client());
  };
  RetryPolicy unavailable = throttled;
  unavailable.throttled_deadline_ms = options_.unavailable_deadline_ms;
  Backoff after_429(throttled);
  Backoff after_rest(unavailable);
  bool renewed = false;
  bool renew = false;
  while (true) {
    Result<std::string> reply = Once(call, message, std::exchange(renew, false));
    if (reply || call.farewell) return reply;
    const bool never_sent = reply.error().code() == "HTTP_UNREACHABLE";
    Error error = Unreachable(reply.error());
    if (error.code() == "DATABRICKS_TOKEN_INVALID" && !std::exchange(renewed, true)) {
      renew = true;
      continue;
    }
    if (!MayRepeat(error, call.repeat, never_sent)) return error;
    Backoff& backoff = error.http_status() == 429 ? after_429 : after_rest;
    if (!backoff.Wait(error)) return error;
    const bool not_taken = never_sent || error.kind() == ErrorKind::kThrottled;
    if (call.taken_twice != nullptr && !not_taken) *call.taken_twice = true;
  }
}

}  // namespace mms::databricks
