// HTTP/1.1 server for our own services: streaming bodies both ways, keep-alive, time-outs, drain on
// stop.
//
// Boost.Asio coroutines wait for connections and request headers, so idle connections cost no
// thread; a request whose header is complete is given to a pool thread, where the handler may block
// in body reads and response writes. Boost.Beast serves as parser only (its async templates cost
// minutes of compile time). The socket hides behind a type-erased Transport, so TLS can join
// without touching the rest.
//
// Threads: Start and Stop from one thread; the handler runs on many at once. A request and its
// responder belong to the handler call and die with it. Errors: kUnavailable HTTP_PEER_GONE (peer
// closed, time-out), kInvalidInput HTTP_BODY_MALFORMED, kUnavailable HTTP_LISTEN_FAILED. Protocol:
// RFC 9110, RFC 9112.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace mms {

/// Bytes of a message body as they arrive, transfer coding removed.
class ByteSource {
 public:
  virtual ~ByteSource() = default;
  /// At least one byte, at most `size`; 0 = the body ended as announced. A cut body is an error.
  virtual Result<size_t> Read(void* buffer, size_t size) = 0;
};

/// Where bytes of a streamed body go.
class ByteSink {
 public:
  virtual ~ByteSink() = default;
  virtual Status Write(const void* data, size_t size) = 0;
};

using HttpHeaders = std::vector<std::pair<std::string, std::string>>;

struct ServerRequest {
  std::string method;   ///< as sent, upper case by convention
  std::string target;   ///< path and query as on the wire, still percent-encoded
  HttpHeaders headers;  ///< names in lower case, order of arrival
  std::string peer;     ///< "address:port" of the client, for logs
  ByteSource* body = nullptr;

  /// The first header of that (lower-case) name; nullptr = absent.
  const std::string* FindHeader(std::string_view name) const;
};

/// The answer to one request: either Send once, or Start, Write..., Finish.
class HttpResponder : public ByteSink {
 public:
  /// A whole answer with Content-Length.
  virtual Status Send(int status, const HttpHeaders& headers, std::string_view body) = 0;
  /// Begins an answer of unknown length (chunked).
  virtual Status Start(int status, const HttpHeaders& headers) = 0;
  /// Ends a streamed answer. A handler that cannot finish calls Abort, so that the client sees a
  /// cut body and not a short one.
  virtual Status Finish() = 0;
  virtual void Abort() = 0;
  virtual bool started() const = 0;
};

using HttpHandler = std::function<void(ServerRequest&, HttpResponder&)>;

/// Headers and body of an answer that no handler gives, by its status.
using HttpRefusal = std::function<std::pair<HttpHeaders, std::string>(int status)>;

struct HttpServerOptions {
  std::string host = "127.0.0.1";
  uint16_t port = 0;         ///< 0 = the system picks a free one
  int handler_threads = 64;  ///< requests being handled at once; more wait
  size_t header_limit_bytes = 64 * 1024;
  int idle_timeout_ms = 120'000;        ///< between two requests of a connection
  int header_timeout_ms = 30'000;       ///< from the first byte to the end of the header
  int transfer_timeout_ms = 120'000;    ///< one read or write that makes no progress
  int unread_body_timeout_ms = 10'000;  ///< how long an unread body is drained after the answer
  /// Of a header that cannot be read: 400 malformed, 431 too long. Not set = a line of plain text.
  HttpRefusal refusal;
};

class HttpServer {
 public:
  /// Binds, listens and serves until Stop.
  static Result<std::unique_ptr<HttpServer>> Start(HttpServerOptions options, HttpHandler handler);
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  uint16_t port() const;

  /// Stops accepting, closes idle connections, lets requests in hand finish for `drain_ms`, then
  /// cuts the rest. Returns when every thread has ended. Idempotent.
  void Stop(int drain_ms);

 private:
  class Impl;
  explicit HttpServer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

/// The standard reason phrase ("Not Found"); "Unknown" for a code outside RFC 9110.
std::string_view HttpReason(int status);

/// Splits "HOST:PORT" ("[::1]:80" for IPv6). Errors: kInvalidInput HTTP_ADDRESS.
Result<std::pair<std::string, uint16_t>> ParseHostPort(std::string_view text);

}  // namespace mms
