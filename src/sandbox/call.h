// One request to the sandbox, taken apart: path without the endpoint's /api prefix, decoded
// parameters. Flags are tested by presence, since clients write the same flag as "?uploads",
// "uploads=" and "uploads=1" (PyODPS 0.13 and odps-sdk-core 0.52); unknown parameters are ignored.
// Lives on the handler's thread.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/http_server.h"

namespace mms::sandbox {

struct Call {
  ServerRequest* http = nullptr;
  std::string request_id;
  std::string path;                   ///< decoded, begins with "/"
  std::vector<std::string> segments;  ///< of the path, each decoded
  std::map<std::string, std::string> parameters;
  int64_t initiating_ms = 0;  ///< wish of a fault rule: so long the session made is INITIATING

  bool Has(const std::string& name) const { return parameters.contains(name); }
  /// "" when absent.
  std::string Parameter(const std::string& name) const;
  bool IsMethod(std::string_view method) const { return http->method == method; }
};

/// A complete answer; streamed ones bypass it.
struct Answer {
  int status = 200;
  HttpHeaders headers;
  std::string body;
};

/// Errors: kInvalidInput InvalidURI.
Result<Call> ParseCall(ServerRequest* request);

/// %XX decoded; `plus_is_blank` for query values. Errors: kInvalidInput InvalidURI.
Result<std::string> PercentDecode(std::string_view text, bool plus_is_blank);

/// The whole body. Errors: kLimitReached InvalidArgument above `limit_bytes`.
Result<std::string> ReadAll(ByteSource* body, size_t limit_bytes);

/// "Mon, 23 Nov 2026 14:00:00 GMT".
std::string HttpDate(int64_t epoch_s);
/// Errors: kInvalidInput InvalidArgument.
Result<int64_t> ParseHttpDate(const std::string& text);

/// `bytes` random bytes in lower-case hex.
std::string RandomHex(size_t bytes);

/// The HTTP status of an error by its MaxCompute code, else by its kind.
int StatusOf(const Error& error);
/// The error in XML (REST) or JSON (tunnel), with the elements that official clients insist on.
Answer RestError(const Error& error, const std::string& request_id);
Answer TunnelError(const Error& error);

}  // namespace mms::sandbox
