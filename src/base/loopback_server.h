// A small HTTP/1.1 peer on 127.0.0.1 for tests of our clients: it reads whole requests off real
// sockets and answers with the bytes a handler gives, so that a test can also answer badly, late,
// or not at all.
//
// Threads: one per connection; the handler may run on several at once. The destructor closes every
// connection and joins. Not for production: no limits, no time-outs.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cctype>
#include <cstdlib>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "base/result.h"

namespace mms {

struct LoopbackRequest {
  std::string method;
  std::string target;                          ///< as on the wire
  std::map<std::string, std::string> headers;  ///< names in lower case
  std::string body;                            ///< chunks joined
  int connection = 0;                          ///< 0 for the first one accepted, ...
};

struct LoopbackAnswer {
  std::string bytes;   ///< the raw answer
  bool close = false;  ///< close the connection behind it
};

/// A well-formed answer.
inline LoopbackAnswer Answer(int status, std::string_view body, std::string_view headers = "") {
  return {"HTTP/1.1 " + std::to_string(status) + " Text\r\n" + std::string(headers) +
          "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + std::string(body)};
}

class LoopbackServer {
 public:
  using Handler = std::function<LoopbackAnswer(const LoopbackRequest&)>;

  explicit LoopbackServer(Handler handler) : handler_(std::move(handler)) {
    listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* generic = reinterpret_cast<sockaddr*>(&address);
    CHECK(listener_ >= 0 && ::bind(listener_, generic, size) == 0);
    CHECK(::listen(listener_, 64) == 0 && ::getsockname(listener_, generic, &size) == 0);
    port_ = ntohs(address.sin_port);
    acceptor_ = std::thread([this] { Accept(); });
  }

  ~LoopbackServer() {
    stopping_ = true;
    ::shutdown(listener_, SHUT_RDWR);
    acceptor_.join();
    ::close(listener_);
    {
      std::lock_guard lock(mutex_);
      for (const int connection : open_) ::shutdown(connection, SHUT_RDWR);
    }
    for (std::thread& thread : threads_) thread.join();
  }
  LoopbackServer(const LoopbackServer&) = delete;
  LoopbackServer& operator=(const LoopbackServer&) = delete;

  std::string url() const { return "http://127.0.0.1:" + std::to_string(port_); }
  int requests() const { return requests_; }

 private:
  struct Input {
    int socket;
    std::string bytes;

    bool More() {
      char buffer[65536];
      const ssize_t size = ::recv(socket, buffer, sizeof buffer, 0);
      if (size > 0) bytes.append(buffer, static_cast<size_t>(size));
      return size > 0;
    }
    bool TakeLine(std::string& line) {
      size_t end;
      while ((end = bytes.find("\r\n")) == bytes.npos) {
        if (!More()) return false;
      }
      line = bytes.substr(0, end);
      bytes.erase(0, end + 2);
      return true;
    }
    bool Take(size_t size, std::string& out) {
      while (bytes.size() < size) {
        if (!More()) return false;
      }
      out.append(bytes, 0, size);
      bytes.erase(0, size);
      return true;
    }
  };

  void Accept() {
    for (int number = 0; !stopping_; ++number) {
      const int connection = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
      if (connection < 0) return;
      std::lock_guard lock(mutex_);
      open_.push_back(connection);
      threads_.emplace_back([this, connection, number] { Serve(connection, number); });
    }
  }

  void Serve(int connection, int number) {
    Input input{connection, {}};
    bool go_on = true;
    while (go_on) {
      LoopbackRequest request;
      request.connection = number;
      if (!ReadRequest(input, request)) break;
      ++requests_;
      const LoopbackAnswer answer = handler_(request);
      std::string_view left = answer.bytes;
      while (!left.empty()) {
        const ssize_t sent = ::send(connection, left.data(), left.size(), MSG_NOSIGNAL);
        if (sent <= 0) break;
        left.remove_prefix(static_cast<size_t>(sent));
      }
      go_on = !answer.close && !answer.bytes.empty();
    }
    std::lock_guard lock(mutex_);
    open_.erase(std::find(open_.begin(), open_.end(), connection));
    ::close(connection);
  }

  static bool ReadRequest(Input& input, LoopbackRequest& request) {
    std::string line;
    if (!input.TakeLine(line)) return false;
    const size_t first = line.find(' ');
    const size_t second = line.find(' ', first + 1);
    request.method = line.substr(0, first);
    request.target = line.substr(first + 1, second - first - 1);
    while (input.TakeLine(line) && !line.empty()) {
      const size_t colon = line.find(':');
      std::string name = line.substr(0, colon);
      for (char& c : name) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
      const size_t value = line.find_first_not_of(' ', colon + 1);
      request.headers[name] = value == line.npos ? "" : line.substr(value);
    }
    if (request.headers["transfer-encoding"] != "chunked") {
      const std::string length = request.headers["content-length"];
      return input.Take(std::strtoul(length.c_str(), nullptr, 10), request.body);
    }
    while (input.TakeLine(line)) {
      const size_t size = std::strtoul(line.c_str(), nullptr, 16);
      if (!input.Take(size, request.body) || !input.TakeLine(line)) return false;
      if (size == 0) return true;
    }
    return false;
  }

  Handler handler_;
  int listener_ = -1;
  int port_ = 0;
  std::atomic<bool> stopping_{false};
  std::atomic<int> requests_{0};
  std::thread acceptor_;
  std::mutex mutex_;
  std::vector<int> open_;             // guarded by mutex_
  std::vector<std::thread> threads_;  // guarded by mutex_ until the acceptor has ended
};

}  // namespace mms
