// The one HTTP client: every call of ours to the outside goes through it (libcurl), so that proxy,
// CA bundle, time-outs and scrubbing are in one place. Retrying is the caller's (retry.h), since
// only it knows what may be repeated.
//
// Threads: Send may be called from many threads; each call takes a pooled libcurl handle (with its
// live connections) and blocks its thread. Stopping wakes it, so that nobody waits for a silent
// peer. Back-pressure is therefore the callers' number of threads.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/bandwidth_limit.h"
#include "base/result.h"
#include "base/secret.h"

namespace mms {

/// A request body made while it is sent (chunked transfer).
class HttpUpload {
 public:
  virtual ~HttpUpload() = default;
  /// Fills up to buffer.size() bytes; 0 = end. An error ends the request and is what Send returns.
  virtual Result<size_t> Read(std::span<char> buffer) = 0;
};

struct HttpResponse {
  int status = 0;
  std::map<std::string, std::string> headers;  ///< names in lower case
  std::string body;

  bool ok() const { return status >= 200 && status < 300; }
  /// Value of a header (lower-case name), or "" when absent.
  std::string Header(const std::string& name) const;
  /// Retry-After in ms, from seconds or from a date (counted from the answer's own Date, or from
  /// now); 0 when absent.
  long RetryAfterMs() const;
};

struct HttpRequest {
  std::string method = "GET";
  std::string url;  ///< complete and percent-encoded
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;              ///< sent with Content-Length, when `upload` is null
  HttpUpload* upload = nullptr;  ///< not owned; lives until Send returns
  /// When set with `on_body`: called before the first of those bytes with status and headers.
  std::function<Status(const HttpResponse&)> on_head;
  /// When set, bytes of a 2xx answer go here instead of HttpResponse::body; an error ends the
  /// request.
  std::function<Status(std::string_view)> on_body;
  long timeout_ms = 120000;    ///< whole request; 0 = no limit (streams)
  long stall_timeout_s = 120;  ///< no byte moved for so long = kUnavailable
  /// True for what must not run twice: sent on a new connection, since libcurl sends a request
  /// again by itself when a kept connection turns out to be closed.
  bool send_once = false;
  /// Ends this request alone, running or not yet begun, as kCancelled; from any thread.
  std::stop_token stop = {};
  /// Sent although Cancel was called: the word to a peer that what it does for us is to end. Give
  /// it a short timeout.
  bool despite_cancel = false;
};

class HttpClient {
 public:
  struct Options {
    std::string user_agent = "open-mms/0.1";
    /// http://, https:// or socks5h://host:port; "" = environment (http_proxy, https_proxy,
    /// all_proxy). Hosts of no_proxy are reached without it.
    std::string proxy;
    std::string proxy_user;
    Secret proxy_password;
    std::string ca_file;  ///< PEM bundle; "" = system
    long connect_timeout_ms = 15000;
    /// Where hosts are connected to instead of what DNS says: host to "ip", "ip:port" or
    /// "[ip]:port". Certificates are still checked against the host, a proxy is asked for the
    /// address.
    std::map<std::string, std::string> addresses;
    /// Of all bodies together, both ways.
    Bandwidth bandwidth;
  };

  explicit HttpClient(Options options);
  ~HttpClient();
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;

  /// One exchange. Any HTTP status is a value. Errors: kUnavailable HTTP_UNREACHABLE / HTTP_TIMEOUT
  /// / HTTP_BROKEN, kInvalidInput HTTP_URL / HTTP_HEADER / HTTP_TLS (certificate refused), kDenied
  /// HTTP_PROXY_DENIED, kLimitReached HTTP_BODY_TOO_LARGE, kCancelled, or the error of `upload` /
  /// `on_body`.
  /// HTTP_UNREACHABLE was never sent; after the others nothing is known about what the peer did.
  /// Messages name scheme, host and path, no query.
  Result<HttpResponse> Send(const HttpRequest& request);

  /// Makes running and later calls return kCancelled, at once whatever their peers do.
  void Cancel() { cancel_.request_stop(); }
  bool cancelled() const { return cancel_.stop_requested(); }

 private:
  struct Handle;
  std::unique_ptr<Handle> Take();
  void Give(std::unique_ptr<Handle> handle);

  struct Pool;
  const Options options_;
  std::unique_ptr<Pool> pool_;
  std::optional<BandwidthLimit> bandwidth_;
  std::stop_source cancel_;
};

/// Percent-encodes everything but unreserved characters (RFC 3986 §2.3).
std::string UrlEncode(std::string_view text);
/// UrlEncode of what stands between the slashes.
std::string EncodePath(std::string_view path);
/// Decodes %XX once; '+' stays '+'. Malformed escapes stay as they are.
std::string UrlDecode(std::string_view text);

/// The time of a Date header (RFC 9110 §5.6.7; the older forms too).
std::optional<std::chrono::system_clock::time_point> ParseHttpDate(const std::string& text);

}  // namespace mms
