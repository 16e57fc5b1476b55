#include "base/http_server.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <boost/asio.hpp>
#include <boost/beast/http.hpp>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <condition_variable>
#include <cstring>
#include <mutex>
#include <optional>
#include <set>
#include <thread>
#include <tuple>

namespace mms {
namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using boost::system::error_code;
using Clock = std::chrono::steady_clock;

constexpr size_t kInputBytes = 256 * 1024;

Error PeerGone(std::string what) {
  return Error(ErrorKind::kUnavailable, "HTTP_PEER_GONE", std::move(what));
}

/// One connection's bytes. Async calls serve the coroutine (waiting for a header), blocking calls
/// the pool thread that runs the handler; the two never overlap.
class Transport {
 public:
  virtual ~Transport() = default;
  /// 0 = the peer closed or the connection was cut.
  virtual asio::awaitable<size_t> ReadSome(void* buffer, size_t size) = 0;
  virtual Result<size_t> Read(void* buffer, size_t size, int timeout_ms) = 0;
  virtual Status Write(iovec* parts, size_t count, int timeout_ms) = 0;
  /// Ends every pending and later call; from any thread.
  virtual void Cut() = 0;
};

class TcpTransport : public Transport {
 public:
  explicit TcpTransport(asio::ip::tcp::socket socket) : socket_(std::move(socket)) {
    error_code ignored;
    socket_.non_blocking(true, ignored);
  }

  asio::awaitable<size_t> ReadSome(void* buffer, size_t size) override {
    error_code ec;
    size_t got = co_await socket_.async_read_some(asio::buffer(buffer, size),
                                                  asio::redirect_error(asio::use_awaitable, ec));
    co_return ec ? 0 : got;
  }

  Result<size_t> Read(void* buffer, size_t size, int timeout_ms) override {
    while (true) {
      ssize_t got = ::recv(Handle(), buffer, size, 0);
      if (got > 0) return static_cast<size_t>(got);
      if (got == 0) return PeerGone("the client closed the connection in mid-body");
      if (errno == EINTR) continue;
      if (errno != EAGAIN && errno != EWOULDBLOCK) return PeerGone(std::strerror(errno));
      TRY_VOID(WaitFor(POLLIN, timeout_ms));
    }
  }

  Status Write(iovec* parts, size_t count, int timeout_ms) override {
    while (count > 0) {
      msghdr message{};
      message.msg_iov = parts;
      message.msg_iovlen = count;
      ssize_t sent = ::sendmsg(Handle(), &message, MSG_NOSIGNAL);
      if (sent < 0) {
        if (errno == EINTR) continue;
        if (errno != EAGAIN && errno != EWOULDBLOCK) return PeerGone(std::strerror(errno));
        TRY_VOID(WaitFor(POLLOUT, timeout_ms));
        continue;
      }
      auto left = static_cast<size_t>(sent);
      while (count > 0 && left >= parts->iov_len) {
        left -= parts->iov_len;
        ++parts;
        --count;
      }
      if (count > 0 && left > 0) {
        parts->iov_base = static_cast<char*>(parts->iov_base) + left;
        parts->iov_len -= left;
      }
    }
    return OkStatus();
  }

  void Cut() override { ::shutdown(Handle(), SHUT_RDWR); }

 private:
  int Handle() { return socket_.native_handle(); }

  Status WaitFor(short events, int timeout_ms) {
    pollfd wanted{Handle(), events, 0};
    int ready = ::poll(&wanted, 1, timeout_ms);
    if (ready == 0) return PeerGone("no data moved within the time limit");
    if (ready < 0 && errno != EINTR) return PeerGone(std::strerror(errno));
    return OkStatus();
  }

  asio::ip::tcp::socket socket_;
};

/// Unparsed input of a connection: what a request did not use belongs to the next one.
class Input {
 public:
  char* free_begin() { return bytes_.get() + end_; }
  size_t free_size() const { return kInputBytes - end_; }
  const char* begin() const { return bytes_.get() + begin_; }
  size_t size() const { return end_ - begin_; }
  void Added(size_t n) { end_ += n; }
  void Used(size_t n) {
    begin_ += n;
    if (begin_ == end_) begin_ = end_ = 0;
  }
  void Compact() {
    if (begin_ == 0) return;
    std::memmove(bytes_.get(), begin(), size());
    end_ -= begin_;
    begin_ = 0;
  }

 private:
  // Not zeroed: an idle connection touches a page or two of it.
  std::unique_ptr<char[]> bytes_ = std::make_unique_for_overwrite<char[]>(kInputBytes);
  size_t begin_ = 0;
  size_t end_ = 0;
};

using Parser = http::request_parser<http::buffer_body>;

}  // namespace

/// One client connection: the parser's state between header and body, and the answer being written.
class Connection : public ByteSource, public HttpResponder {
 public:
  Connection(std::unique_ptr<Transport> transport, const HttpServerOptions& options)
      : transport_(std::move(transport)), options_(options) {}

  /// Reads up to the end of a request header. False = nothing more to serve on this connection.
  asio::awaitable<bool> ReadHeader(asio::steady_timer& timer) {
    parser_.emplace();
    parser_->body_limit(boost::none);
    parser_->header_limit(static_cast<std::uint32_t>(options_.header_limit_bytes));
    parser_->eager(false);
    responding_ = finished_ = aborted_ = continue_sent_ = false;
    body_failed_ = false;
    SetDeadline(timer, options_.idle_timeout_ms);
    bool begun = false;
    while (!parser_->is_header_done()) {
      if (input_.size() == 0 || need_more_) {
        input_.Compact();
        if (input_.free_size() == 0) co_return RefuseHeader(431);
        size_t got = co_await transport_->ReadSome(input_.free_begin(), input_.free_size());
        if (got == 0) co_return false;
        input_.Added(got);
        if (!begun) SetDeadline(timer, options_.header_timeout_ms);
        begun = true;
      }
      error_code ec;
      input_.Used(parser_->put(asio::const_buffer(input_.begin(), input_.size()), ec));
      need_more_ = ec == http::error::need_more;
      if (ec && !need_more_) {
        co_return RefuseHeader(ec == http::error::header_limit ? 431 : 400);
      }
    }
    need_more_ = false;
    parser_->eager(true);
    timer.cancel();
    co_return true;
  }

  /// Runs on a pool thread: handler, then what is left of the body.
  void Handle(const HttpHandler& handler, const std::string& peer) {
    ServerRequest request;
    auto& message = parser_->get();
    request.method = std::string(message.method_string());
    request.target = std::string(message.target());
    request.peer = peer;
    request.body = this;
    for (const auto& field : message) {
      std::string name(field.name_string());
      std::transform(name.begin(), name.end(), name.begin(), [](char c) {
        return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
      });
      request.headers.emplace_back(std::move(name), std::string(field.value()));
    }
    head_only_ = request.method == "HEAD";
    expects_continue_ = boost::beast::iequals(message[http::field::expect], "100-continue");
    keep_alive_ = parser_->keep_alive();
    handler(request, *this);
    if (!responding_) (void)Send(500, {}, "the request was not answered\n");
    if (!finished_ || aborted_) keep_alive_ = false;
    DrainBody();
  }

  bool keep_alive() const { return keep_alive_; }
  Transport& transport() { return *transport_; }

  Result<size_t> Read(void* buffer, size_t size) override {
    if (body_failed_) return PeerGone("the body was already cut");
    auto result = ReadBody(buffer, size);
    if (!result) body_failed_ = true;
    return result;
  }

  Status Send(int status, const HttpHeaders& headers, std::string_view body) override {
    CHECK(!responding_);
    responding_ = true;
    HttpHeaders all = headers;
    all.emplace_back("Content-Length", std::to_string(body.size()));
    std::string head = Head(status, all);
    if (head_only_) body = {};
    std::array<iovec, 2> parts{iovec{head.data(), head.size()},
                               iovec{const_cast<char*>(body.data()), body.size()}};
    auto status_of_write = WriteAll(parts.data(), body.empty() ? 1 : 2);
    finished_ = status_of_write.has_value();
    return status_of_write;
  }

  Status Start(int status, const HttpHeaders& headers) override {
    CHECK(!responding_);
    responding_ = true;
    HttpHeaders all = headers;
    all.emplace_back("Transfer-Encoding", "chunked");
    std::string head = Head(status, all);
    iovec part{head.data(), head.size()};
    return WriteAll(&part, 1);
  }

  Status Write(const void* data, size_t size) override {
    if (size == 0) return OkStatus();
    std::array<char, 20> line{};
    auto end = std::to_chars(line.data(), line.data() + 16, size, 16).ptr;
    *end++ = '\r';
    *end++ = '\n';
    static char crlf[] = "\r\n";
    std::array<iovec, 3> parts{iovec{line.data(), static_cast<size_t>(end - line.data())},
                               iovec{const_cast<void*>(data), size}, iovec{crlf, 2}};
    return WriteAll(parts.data(), parts.size());
  }

  Status Finish() override {
    static char last[] = "0\r\n\r\n";
    iovec part{last, 5};
    TRY_VOID(WriteAll(&part, 1));
    finished_ = true;
    return OkStatus();
  }

  void Abort() override {
    aborted_ = true;
    transport_->Cut();
  }

  bool started() const override { return responding_; }

 private:
  Result<size_t> ReadBody(void* buffer, size_t size) {
    if (expects_continue_ && !continue_sent_ && !parser_->is_done() && input_.size() == 0) {
      continue_sent_ = true;
      static char text[] = "HTTP/1.1 100 Continue\r\n\r\n";
      iovec part{text, sizeof text - 1};
      TRY_VOID(WriteAll(&part, 1));
    }
    bool need_more = false;
    while (!parser_->is_done()) {
      if (input_.size() == 0 || need_more) {
        input_.Compact();
        if (input_.free_size() == 0) return Malformed("chunk header too long");
        TRY(size_t got, transport_->Read(input_.free_begin(), input_.free_size(),
                                         options_.transfer_timeout_ms));
        input_.Added(got);
      }
      auto& body = parser_->get().body();
      body.data = buffer;
      body.size = size;
      error_code ec;
      input_.Used(parser_->put(asio::const_buffer(input_.begin(), input_.size()), ec));
      size_t read = size - body.size;
      need_more = ec == http::error::need_more;
      if (ec && !need_more && ec != http::error::need_buffer) return Malformed(ec.message());
      if (read > 0) return read;
    }
    return size_t{0};
  }

  static Error Malformed(const std::string& what) {
    return Error(ErrorKind::kInvalidInput, "HTTP_BODY_MALFORMED",
                 "the request body is not valid HTTP: " + what);
  }

  /// A client that is still sending would not see the answer if we closed at once: swallow a while.
  void DrainBody() {
    if (body_failed_ || aborted_) {
      keep_alive_ = false;
      return;
    }
    if (expects_continue_ && !continue_sent_ && !parser_->is_done()) {
      keep_alive_ = false;  // the client may or may not send the body now: the border is lost
      return;
    }
    std::vector<char> waste(64 * 1024);
    auto until = Clock::now() + std::chrono::milliseconds(options_.unread_body_timeout_ms);
    while (!parser_->is_done()) {
      auto read = Read(waste.data(), waste.size());
      if (!read || Clock::now() > until) {
        keep_alive_ = false;
        return;
      }
    }
  }

  std::string Head(int status, const HttpHeaders& headers) const {
    std::string head = "HTTP/1.1 " + std::to_string(status) + " ";
    head.append(HttpReason(status)).append("\r\n");
    for (const auto& [name, value] : headers) {
      head.append(name).append(": ");
      // A line break inside a value would start a header of the attacker's choice.
      for (char c : value) head.push_back(c == '\r' || c == '\n' ? ' ' : c);
      head.append("\r\n");
    }
    if (!keep_alive_) head.append("Connection: close\r\n");
    head.append("\r\n");
    return head;
  }

  bool RefuseHeader(int status) {
    keep_alive_ = false;
    HttpHeaders headers{{"Content-Type", "text/plain"}};
    std::string body =
        "the request's header is " + std::string(status == 431 ? "too long\n" : "malformed\n");
    if (options_.refusal) std::tie(headers, body) = options_.refusal(status);
    headers.emplace_back("Content-Length", std::to_string(body.size()));
    std::string text = Head(status, headers) + body;
    iovec part{text.data(), text.size()};
    (void)transport_->Write(&part, 1, 1000);  // the connection ends anyway
    return false;
  }

  Status WriteAll(iovec* parts, size_t count) {
    auto status = transport_->Write(parts, count, options_.transfer_timeout_ms);
    if (!status) keep_alive_ = false;
    return status;
  }

  void SetDeadline(asio::steady_timer& timer, int timeout_ms) {
    timer.expires_after(std::chrono::milliseconds(timeout_ms));
    timer.async_wait([this](error_code ec) {
      if (!ec) transport_->Cut();
    });
  }

  std::unique_ptr<Transport> transport_;
  const HttpServerOptions& options_;
  Input input_;
  std::optional<Parser> parser_;
  bool need_more_ = false;
  bool keep_alive_ = false;
  bool head_only_ = false;
  bool expects_continue_ = false;
  bool continue_sent_ = false;
  bool body_failed_ = false;
  bool responding_ = false;
  bool finished_ = false;
  bool aborted_ = false;
};

class HttpServer::Impl {
 public:
  Impl(HttpServerOptions options, HttpHandler handler)
      : options_(std::move(options)),
        handler_(std::move(handler)),
        pool_(static_cast<size_t>(options_.handler_threads)),
        work_(asio::make_work_guard(io_)),
        acceptor_(io_) {}

  Status Listen() {
    try {
      asio::ip::tcp::resolver resolver(io_);
      auto found = resolver.resolve(options_.host, std::to_string(options_.port),
                                    asio::ip::resolver_base::numeric_service);
      asio::ip::tcp::endpoint endpoint = found.begin()->endpoint();
      acceptor_.open(endpoint.protocol());
      acceptor_.set_option(asio::socket_base::reuse_address(true));
      acceptor_.bind(endpoint);
      acceptor_.listen(1024);
      port_ = acceptor_.local_endpoint().port();
    } catch (const std::exception& e) {
      return Error(ErrorKind::kUnavailable, "HTTP_LISTEN_FAILED",
                   "cannot listen on " + options_.host + ":" + std::to_string(options_.port) +
                       ": " + e.what() + "; choose another port, or 0 for a free one");
    }
    asio::co_spawn(io_, Accept(), asio::detached);
    thread_ = std::thread([this] { io_.run(); });
    return OkStatus();
  }

  uint16_t port() const { return port_; }

  void Stop(int drain_ms) {
    if (stopped_.exchange(true)) return;
    asio::post(io_, [this] {
      error_code ignored;
      acceptor_.close(ignored);
    });
    std::unique_lock lock(mutex_);
    for (Connection* idle : idle_) idle->transport().Cut();
    drained_.wait_for(lock, std::chrono::milliseconds(drain_ms),
                      [this] { return idle_.empty() && busy_.empty(); });
    for (Connection* busy : busy_) busy->transport().Cut();
    // A connection that went from busy to idle while we waited has been cut by SetBusy.
    drained_.wait(lock, [this] { return idle_.empty() && busy_.empty(); });
    lock.unlock();
    pool_.join();
    work_.reset();
    io_.stop();
    thread_.join();
  }

 private:
  asio::awaitable<void> Accept() {
    while (!stopped_) {
      error_code ec;
      asio::ip::tcp::socket socket =
          co_await acceptor_.async_accept(asio::redirect_error(asio::use_awaitable, ec));
      if (ec == asio::error::operation_aborted || ec == asio::error::bad_descriptor) co_return;
      if (ec) {  // out of file descriptors: let some close
        asio::steady_timer pause(io_, std::chrono::milliseconds(50));
        co_await pause.async_wait(asio::redirect_error(asio::use_awaitable, ec));
        continue;
      }
      socket.set_option(asio::ip::tcp::no_delay(true), ec);
      asio::co_spawn(io_, Serve(std::move(socket)), asio::detached);
    }
  }

  asio::awaitable<void> Serve(asio::ip::tcp::socket socket) {
    error_code ec;
    auto remote = socket.remote_endpoint(ec);
    std::string peer =
        ec ? "?" : remote.address().to_string() + ":" + std::to_string(remote.port());
    auto connection =
        std::make_unique<Connection>(std::make_unique<TcpTransport>(std::move(socket)), options_);
    asio::steady_timer timer(io_);
    while (true) {
      if (!SetBusy(connection.get(), false)) break;
      if (!co_await connection->ReadHeader(timer)) break;
      timer.cancel();
      if (!SetBusy(connection.get(), true)) break;
      co_await OnPool([&] { connection->Handle(handler_, peer); });
      if (!connection->keep_alive()) break;
    }
    timer.cancel();
    // The timer's callback, if already queued, must find the connection alive: run it before we go.
    co_await asio::post(io_, asio::use_awaitable);
    std::lock_guard lock(mutex_);
    idle_.erase(connection.get());
    busy_.erase(connection.get());
    connection.reset();
    drained_.notify_all();
  }

  /// Runs `work` on a pool thread and comes back to the io thread.
  template <class Work>
  asio::awaitable<void> OnPool(Work work) {
    auto token = asio::use_awaitable;
    co_await asio::async_initiate<decltype(token), void()>(
        [this, &work](auto done) {
          asio::post(pool_, [this, &work, done = std::move(done)]() mutable {
            work();
            asio::post(io_, std::move(done));
          });
        },
        token);
  }

  /// False once the server stops: no new request is begun.
  bool SetBusy(Connection* connection, bool busy) {
    std::lock_guard lock(mutex_);
    idle_.erase(connection);
    busy_.erase(connection);
    (busy ? busy_ : idle_).insert(connection);
    return !stopped_;
  }

  HttpServerOptions options_;
  HttpHandler handler_;
  asio::io_context io_{1};
  asio::thread_pool pool_;
  asio::executor_work_guard<asio::io_context::executor_type> work_;
  asio::ip::tcp::acceptor acceptor_;
  std::thread thread_;
  uint16_t port_ = 0;
  std::atomic<bool> stopped_ = false;
  std::mutex mutex_;
  std::condition_variable drained_;
  std::set<Connection*> idle_;
  std::set<Connection*> busy_;
};

HttpServer::HttpServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
HttpServer::~HttpServer() { Stop(0); }
uint16_t HttpServer::port() const { return impl_->port(); }
void HttpServer::Stop(int drain_ms) { impl_->Stop(drain_ms); }

Result<std::unique_ptr<HttpServer>> HttpServer::Start(HttpServerOptions options,
                                                      HttpHandler handler) {
  auto impl = std::make_unique<Impl>(std::move(options), std::move(handler));
  TRY_VOID(impl->Listen());
  return std::unique_ptr<HttpServer>(new HttpServer(std::move(impl)));
}

const std::string* ServerRequest::FindHeader(std::string_view name) const {
  for (const auto& [key, value] : headers) {
    if (key == name) return &value;
  }
  return nullptr;
}

std::string_view HttpReason(int status) {
  auto reason = http::obsolete_reason(static_cast<http::status>(status));
  return reason == "<unknown-status>" ? std::string_view("Unknown")
                                      : std::string_view(reason.data(), reason.size());
}

Result<std::pair<std::string, uint16_t>> ParseHostPort(std::string_view text) {
  auto refuse = [&] {
    return Error(ErrorKind::kInvalidInput, "HTTP_ADDRESS",
                 "'" + std::string(text) + "' is not HOST:PORT, for example 127.0.0.1:8080");
  };
  size_t colon = text.rfind(':');
  if (colon == std::string_view::npos || colon == 0) return refuse();
  std::string host(text.substr(0, colon));
  if (host.front() == '[' && host.back() == ']') host = host.substr(1, host.size() - 2);
  std::string_view digits = text.substr(colon + 1);
  uint16_t port = 0;
  auto parsed = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  if (digits.empty() || parsed.ec != std::errc() || parsed.ptr != digits.data() + digits.size()) {
    return refuse();
  }
  return std::make_pair(std::move(host), port);
}

}  // namespace mms
