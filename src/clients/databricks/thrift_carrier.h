// Carries Thrift messages to a SQL server: one HTTP POST each, over our HTTP client. Knows which
// calls may be repeated, and when. Thread-safe; every call blocks its thread.
//
// Source: databricks-sql-connector 4.9 and databricks-jdbc (2025): strict TBinaryProtocol in an
// application/x-thrift body; every logical failure is HTTP 200 with a status inside; a body-less
// error tells its reason in a header. 429 and 503 mean that the call was not taken, so any call may
// follow; after a lost reply or a 5xx only what is idempotent may.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <stop_token>
#include <string>

#include "base/byte_count.h"
#include "base/http_client.h"
#include "base/result.h"
#include "base/retry.h"
#include "base/secret.h"
#include "clients/databricks/sql_endpoint.h"

namespace mms::databricks {

/// After which failures a call may be sent again. 429, 503, and a connection that was never made
/// always allow it.
enum class Repeat {
  kNotTaken,   ///< only then
  kReplyLost,  ///< and when the connection broke, the wait was too long, a gateway failed (502,
               ///< 504)
  kAlways,     ///< and after 500
};

struct ThriftCall {
  const char* method;
  Repeat repeat = Repeat::kNotTaken;
  long timeout_ms = 0;
  /// Sent although the HTTP client was cancelled, and only once: the word that work is to end.
  bool farewell = false;
  /// On a connection of its own: libcurl repeats a request by itself when a kept one was closed.
  bool send_once = false;
  /// Set when the call was sent again though an earlier one may have been taken.
  bool* taken_twice = nullptr;
  /// Ends the call, on its way or waiting to be repeated, as kCancelled.
  std::stop_token stop = {};
  ByteCount read = {};  ///< every answer that came to its end is added to it
};

class ThriftCarrier {
 public:
  struct Options {
    long throttled_deadline_ms = 120'000;    ///< of 429
    long unavailable_deadline_ms = 900'000;  ///< of 503
    RetryPolicy failures;                    ///< of what may be repeated after a failure
  };

  ThriftCarrier(SqlEndpoint endpoint, std::shared_ptr<HttpClient> http, Options options);

  /// The reply's bytes, which look like Thrift. Errors: kDenied DATABRICKS_TOKEN_INVALID,
  /// DATABRICKS_DENIED; kNotFound SQL_PATH_NOT_FOUND (404); kInvalidInput SQL_REQUEST; kThrottled
  /// DATABRICKS_THROTTLED; kUnavailable DATABRICKS_UNAVAILABLE (5xx), DATABRICKS_UNREACHABLE (no
  /// connection, or no whole reply); kCorrupt SQL_ANSWER (no Thrift); those of the HTTP client.
  Result<std::string> Exchange(const ThriftCall& call, const std::string& message);

 private:
  Result<std::string> Once(const ThriftCall& call, const std::string& message, bool renew);
  Result<HttpRequest> MakeRequest(const ThriftCall& call, const std::string& message, bool renew);
  void KeepCookies(const HttpResponse& response);
  std::string Cookies();

  const SqlEndpoint endpoint_;
  const std::shared_ptr<HttpClient> http_;
  const Options options_;
  std::mutex mutex_;
  std::map<std::string, Secret> cookies_;  // guarded by mutex_
};

}  // namespace mms::databricks
