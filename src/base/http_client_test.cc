#include "base/http_client.h"

#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <future>
#include <mutex>
#include <stop_token>
#include <thread>

#include "base/loopback_server.h"
#include "base/secret.h"

namespace mms {
namespace {

/// A body of `size` letters in pieces of whatever is asked.
class Letters : public HttpUpload {
 public:
  explicit Letters(size_t size) : left_(size) {}
  Result<size_t> Read(std::span<char> buffer) override {
    const size_t size = std::min(buffer.size(), left_);
    std::fill_n(buffer.begin(), size, 'x');
    left_ -= size;
    return size;
  }

 private:
  size_t left_;
};

class BrokenSource : public HttpUpload {
 public:
  Result<size_t> Read(std::span<char> buffer) override {
    if (calls_++ == 0) {
      buffer[0] = 'x';
      return size_t{1};
    }
    return Error(ErrorKind::kCorrupt, "SOURCE_BROKE", "no more rows");
  }

 private:
  int calls_ = 0;
};

HttpRequest Get(const std::string& url) {
  HttpRequest request;
  request.url = url;
  return request;
}

TEST(HttpClient, GivesStatusHeadersAndBodyAsAValue) {
  LoopbackServer server([](const LoopbackRequest& request) {
    EXPECT_EQ(request.method, "GET");
    EXPECT_EQ(request.target, "/a?b=c%20d");
    EXPECT_EQ(request.headers.at("user-agent"), "open-mms/0.1");
    EXPECT_EQ(request.headers.at("x-one"), "1");
    EXPECT_TRUE(request.headers.contains("x-empty"));
    return Answer(404, "gone", "X-Odps-Request-Id:  id7 \r\n");
  });
  HttpClient client({});
  HttpRequest request = Get(server.url() + "/a?b=c%20d");
  request.headers = {{"x-one", "1"}, {"x-empty", ""}};
  Result<HttpResponse> answer = client.Send(request);
  ASSERT_TRUE(answer) << answer.error().ToString();
  EXPECT_EQ(answer->status, 404);
  EXPECT_EQ(answer->body, "gone");
  EXPECT_EQ(answer->Header("x-odps-request-id"), "id7");
  EXPECT_EQ(answer->Header("absent"), "");
}

TEST(HttpClient, SendsAnEmptyPostWithLengthZeroAndNoInventedHeaders) {
  LoopbackServer server([](const LoopbackRequest& request) {
    EXPECT_EQ(request.headers.at("content-length"), "0");
    EXPECT_FALSE(request.headers.contains("content-type"));
    EXPECT_FALSE(request.headers.contains("expect"));
    return Answer(201, "", "Location: http://x/instances/7\r\n");
  });
  HttpClient client({});
  HttpRequest request = Get(server.url());
  request.method = "POST";
  Result<HttpResponse> answer = client.Send(request);
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, 201);
  EXPECT_EQ(answer->Header("location"), "http://x/instances/7");
}

TEST(HttpClient, StreamsAnUploadInChunks) {
  const size_t size = 3'000'017;
  LoopbackServer server([size](const LoopbackRequest& request) {
    EXPECT_EQ(request.method, "PUT");
    EXPECT_EQ(request.headers.at("transfer-encoding"), "chunked");
    EXPECT_EQ(request.body, std::string(size, 'x'));
    return Answer(200, "");
  });
  HttpClient client({});
  HttpRequest request = Get(server.url());
  request.method = "PUT";
  Letters letters(size);
  request.upload = &letters;
  Result<HttpResponse> answer = client.Send(request);
  ASSERT_TRUE(answer) << answer.error().ToString();
  EXPECT_EQ(answer->status, 200);
}

TEST(HttpClient, AnErrorOfTheUploadEndsTheRequestAndIsReturned) {
  std::atomic<int> complete{0};
  LoopbackServer server([&complete](const LoopbackRequest&) {
    ++complete;
    return Answer(200, "");
  });
  HttpClient client({});
  HttpRequest request = Get(server.url());
  request.method = "PUT";
  BrokenSource source;
  request.upload = &source;
  Result<HttpResponse> answer = client.Send(request);
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code(), "SOURCE_BROKE");
  EXPECT_EQ(complete, 0) << "a cut body must not look whole to the peer";
}

TEST(HttpClient, StreamsOnlyBodiesOfSuccess) {
  LoopbackServer server([](const LoopbackRequest& request) {
    return request.target == "/good" ? Answer(200, "data") : Answer(500, "trouble");
  });
  HttpClient client({});
  std::string streamed;
  HttpRequest request = Get(server.url() + "/good");
  request.on_body = [&streamed](std::string_view bytes) {
    streamed += bytes;
    return OkStatus();
  };
  Result<HttpResponse> good = client.Send(request);
  ASSERT_TRUE(good);
  EXPECT_EQ(good->body, "");
  EXPECT_EQ(streamed, "data");
  request.url = server.url() + "/bad";
  Result<HttpResponse> bad = client.Send(request);
  ASSERT_TRUE(bad);
  EXPECT_EQ(bad->status, 500);
  EXPECT_EQ(bad->body, "trouble");
  EXPECT_EQ(streamed, "data");
}

TEST(HttpClient, AnErrorOfTheReaderEndsTheRequestAndIsReturned) {
  LoopbackServer server([](const LoopbackRequest&) { return Answer(200, "data"); });
  HttpClient client({});
  HttpRequest request = Get(server.url());
  request.on_body = [](std::string_view) -> Status {
    return Error(ErrorKind::kCorrupt, "READER_REFUSED", "bad bytes");
  };
  Result<HttpResponse> answer = client.Send(request);
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code(), "READER_REFUSED");
}

TEST(HttpClient, ACutBodyIsAnErrorAndNotAShortAnswer) {
  LoopbackServer server([](const LoopbackRequest&) {
    return LoopbackAnswer{"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf", true};
  });
  HttpClient client({});
  Result<HttpResponse> answer = client.Send(Get(server.url()));
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().kind(), ErrorKind::kUnavailable);
  EXPECT_EQ(answer.error().code(), "HTTP_BROKEN");
}

TEST(HttpClient, NobodyListeningIsUnreachable) {
  std::string url;
  {
    LoopbackServer server([](const LoopbackRequest&) { return Answer(200, ""); });
    url = server.url();
  }
  HttpClient client({});
  Result<HttpResponse> answer = client.Send(Get(url + "/path?sig=geheimnis"));
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().kind(), ErrorKind::kUnavailable);
  EXPECT_EQ(answer.error().code(), "HTTP_UNREACHABLE");
  EXPECT_NE(answer.error().message().find("GET " + url + "/path"), std::string::npos);
  EXPECT_EQ(answer.error().message().find("geheimnis"), std::string::npos);
}

TEST(HttpClient, ErrorsShowNeitherUserNorPasswordOfAnAddress) {
  HttpClient client({});
  Result<HttpResponse> answer = client.Send(Get("ftp://user:pass1234@host/x?y"));
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().kind(), ErrorKind::kInvalidInput);
  EXPECT_EQ(answer.error().code(), "HTTP_URL");
  EXPECT_EQ(answer.error().message().find("pass1234"), std::string::npos);
  EXPECT_NE(answer.error().message().find("ftp://host/x"), std::string::npos);
}

TEST(HttpClient, SilenceEndsAsATimeOut) {
  std::mutex answering;
  std::unique_lock hold(answering);
  LoopbackServer server([&answering](const LoopbackRequest&) {
    std::lock_guard wait(answering);
    return Answer(200, "late");
  });
  HttpClient client({});
  HttpRequest request = Get(server.url());
  request.timeout_ms = 50;
  Result<HttpResponse> answer = client.Send(request);
  hold.unlock();
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code(), "HTTP_TIMEOUT");
}

TEST(HttpClient, CancelEndsRunningAndLaterCalls) {
  HttpClient client({});
  LoopbackServer server([&client](const LoopbackRequest&) {
    client.Cancel();
    return LoopbackAnswer{"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", false};
  });
  Result<HttpResponse> running = client.Send(Get(server.url()));
  ASSERT_FALSE(running);
  EXPECT_EQ(running.error().kind(), ErrorKind::kCancelled);
  Result<HttpResponse> later = client.Send(Get(server.url()));
  ASSERT_FALSE(later);
  EXPECT_EQ(later.error().kind(), ErrorKind::kCancelled);
  EXPECT_EQ(server.requests(), 1);
}

/// Whether `stop`, called once the request is with a peer that never answers, ends it long before
/// its time-out and within less than libcurl's own second.
void ExpectEndsAtOnce(HttpClient& client, HttpRequest request, const std::function<void()>& stop) {
  using Clock = std::chrono::steady_clock;
  std::promise<void> arrived;
  LoopbackServer server([&arrived](const LoopbackRequest&) {
    arrived.set_value();
    return LoopbackAnswer{"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", false};
  });
  request.url = server.url();
  Clock::time_point stopped;
  std::thread stopper([&] {
    arrived.get_future().wait();
    // By then Send waits for the socket in the one poll of a second.
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    stopped = Clock::now();
    stop();
  });
  Result<HttpResponse> answer = client.Send(request);
  const auto ended = Clock::now();
  stopper.join();
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().kind(), ErrorKind::kCancelled);
  EXPECT_LT(ended - stopped, std::chrono::milliseconds(500));
}

TEST(HttpClient, StoppingWakesARequestThatASilentPeerHolds) {
  HttpClient client({});
  std::stop_source stop;
  HttpRequest post;
  post.method = "POST";
  post.body = "held";
  post.stop = stop.get_token();
  ExpectEndsAtOnce(client, post, [&] { stop.request_stop(); });
  post.despite_cancel = true;
  EXPECT_EQ(client.Send(post).error().kind(), ErrorKind::kCancelled) << "not begun";
  EXPECT_FALSE(client.cancelled()) << "the request alone";
  ExpectEndsAtOnce(client, {}, [&] { client.Cancel(); });
}

TEST(HttpClient, AStoppedRequestLeavesTheOthersTheirConnections) {
  LoopbackServer server([](const LoopbackRequest& request) {
    if (request.target == "/held")
      return LoopbackAnswer{"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"};
    return Answer(200, std::to_string(request.connection));
  });
  HttpClient client({});
  EXPECT_EQ(client.Send(Get(server.url() + "/a"))->body, "0");
  std::stop_source stop;
  HttpRequest held = Get(server.url() + "/held");
  held.stop = stop.get_token();
  held.on_body = [](std::string_view) { return OkStatus(); };
  std::thread stopper([&] {
    while (server.requests() < 2) std::this_thread::yield();
    stop.request_stop();
  });
  EXPECT_EQ(client.Send(held).error().kind(), ErrorKind::kCancelled);
  stopper.join();
  // The held one went over connection 0, whose next answer would be the rest of its own.
  EXPECT_EQ(client.Send(Get(server.url() + "/b"))->body, "1");
}

TEST(HttpClient, RefusesHeadersThatWouldSmuggleALine) {
  LoopbackServer server([](const LoopbackRequest&) { return Answer(200, ""); });
  HttpClient client({});
  HttpRequest request = Get(server.url());
  request.headers = {{"x-token", "abc\r\nx-admin: 1"}};
  Result<HttpResponse> answer = client.Send(request);
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code(), "HTTP_HEADER");
  EXPECT_EQ(server.requests(), 0);
}

TEST(HttpClient, KeepsConnectionsExceptForWhatIsSentOnce) {
  std::mutex mutex;
  std::vector<int> connections;
  LoopbackServer server([&](const LoopbackRequest& request) {
    std::lock_guard lock(mutex);
    connections.push_back(request.connection);
    return Answer(200, "");
  });
  HttpClient client({});
  HttpRequest request = Get(server.url());
  ASSERT_TRUE(client.Send(request));
  ASSERT_TRUE(client.Send(request));
  request.send_once = true;
  ASSERT_TRUE(client.Send(request));
  EXPECT_EQ(connections, (std::vector<int>{0, 0, 1}));
}

TEST(HttpClient, WhatIsSentOnceReachesThePeerOnce) {
  // The peer takes the request on a kept connection and closes without a word.
  LoopbackServer server([](const LoopbackRequest& request) {
    return request.method == "GET" ? Answer(200, "") : LoopbackAnswer{"", true};
  });
  HttpClient client({});
  ASSERT_TRUE(client.Send(Get(server.url())));
  HttpRequest request = Get(server.url());
  request.method = "POST";
  request.send_once = true;
  Result<HttpResponse> answer = client.Send(request);
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code(), "HTTP_BROKEN");
  EXPECT_EQ(server.requests(), 2);
}

TEST(HttpClient, AnUploadIsNeverRestartedInTheMiddle) {
  LoopbackServer server([](const LoopbackRequest& request) {
    return request.method == "GET" ? Answer(200, "") : LoopbackAnswer{"", true};
  });
  HttpClient client({});
  ASSERT_TRUE(client.Send(Get(server.url())));
  HttpRequest request = Get(server.url());
  request.method = "PUT";
  Letters letters(1000);
  request.upload = &letters;
  Result<HttpResponse> answer = client.Send(request);
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().kind(), ErrorKind::kUnavailable);
  EXPECT_EQ(server.requests(), 2);
}

TEST(HttpClient, TellsTheHeadBeforeTheBody) {
  LoopbackServer server([](const LoopbackRequest& request) {
    return request.target == "/good" ? Answer(200, "data", "x-form: 2\r\n") : Answer(500, "no");
  });
  HttpClient client({});
  std::string seen;
  HttpRequest request = Get(server.url() + "/good");
  request.on_head = [&seen](const HttpResponse& head) {
    seen += head.Header("x-form") + ":";
    return OkStatus();
  };
  request.on_body = [&seen](std::string_view bytes) {
    seen += bytes;
    return OkStatus();
  };
  ASSERT_TRUE(client.Send(request));
  EXPECT_EQ(seen, "2:data");
  request.url = server.url() + "/bad";
  ASSERT_TRUE(client.Send(request));
  EXPECT_EQ(seen, "2:data");
  request.url = server.url() + "/good";
  request.on_head = [](const HttpResponse&) -> Status {
    return Error(ErrorKind::kUnsupported, "HEAD_REFUSED", "another form");
  };
  EXPECT_EQ(client.Send(request).error().code(), "HEAD_REFUSED");
  EXPECT_EQ(seen, "2:data");
}

TEST(HttpClient, ACallDespiteCancelIsSent) {
  LoopbackServer server([](const LoopbackRequest&) { return Answer(200, "stopped"); });
  HttpClient client({});
  client.Cancel();
  HttpRequest request = Get(server.url());
  request.despite_cancel = true;
  Result<HttpResponse> answer = client.Send(request);
  ASSERT_TRUE(answer) << answer.error().ToString();
  EXPECT_EQ(answer->body, "stopped");
}

TEST(HttpClient, AProxyIsAskedForWhatItMayReach) {
  LoopbackServer proxy([](const LoopbackRequest& request) {
    if (request.method == "CONNECT") {
      EXPECT_EQ(request.target, "peer.invalid:443");
      return Answer(407, "");
    }
    EXPECT_EQ(request.target, "http://peer.invalid/a");
    EXPECT_EQ(request.headers.at("proxy-authorization"), "Basic dXNlcjpwcm94eS1jYW5hcnk=");
    return Answer(200, "through");
  });
  HttpClient::Options options;
  options.proxy = proxy.url();
  options.proxy_user = "user";
  options.proxy_password = Secret("proxy-canary");
  HttpClient client(options);
  Result<HttpResponse> answer = client.Send(Get("http://peer.invalid/a"));
  ASSERT_TRUE(answer) << answer.error().ToString();
  EXPECT_EQ(answer->body, "through");
  Result<HttpResponse> denied = client.Send(Get("https://peer.invalid/a?sig=geheimnis"));
  ASSERT_FALSE(denied);
  EXPECT_EQ(denied.error().code(), "HTTP_PROXY_DENIED");
  EXPECT_EQ(denied.error().message().find("geheimnis"), std::string::npos);
}

/// Takes one connection: opens it as a SOCKS 5 proxy does (RFC 1928, no login), then answers the
/// HTTP request that comes through it, as if it were the peer.
class SocksProxy {
 public:
  SocksProxy() {
    listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* generic = reinterpret_cast<sockaddr*>(&address);
    CHECK(::bind(listener_, generic, size) == 0 && ::listen(listener_, 1) == 0);
    CHECK(::getsockname(listener_, generic, &size) == 0);
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { Serve(); });
  }
  ~SocksProxy() {
    ::shutdown(listener_, SHUT_RDWR);
    thread_.join();
    ::close(listener_);
  }
  std::string url() const { return "socks5h://127.0.0.1:" + std::to_string(port_); }
  /// Host name that was asked for; read it after the answer.
  std::string host;

 private:
  std::string Take(size_t size) const {
    std::string bytes(size, '\0');
    if (::recv(connection_, bytes.data(), size, MSG_WAITALL) != static_cast<ssize_t>(size))
      return "";
    return bytes;
  }
  void Give(std::string_view bytes) const {
    CHECK(::send(connection_, bytes.data(), bytes.size(), MSG_NOSIGNAL) >= 0);
  }
  void Serve() {
    connection_ = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (connection_ < 0) return;
    const std::string greeting = Take(2);  // version, number of login methods
    CHECK(greeting.size() == 2);
    Take(static_cast<unsigned char>(greeting[1]));
    Give(std::string_view("\5\0", 2));
    const std::string request = Take(5);  // version, connect, 0, 3 = a name, its length
    CHECK(request.substr(0, 4) == std::string_view("\5\1\0\3", 4));
    host = Take(static_cast<unsigned char>(request[4]));
    Take(2);
    Give(std::string_view("\5\0\0\1\0\0\0\0\0\0", 10));
    std::string head;
    while (!head.ends_with("\r\n\r\n")) {
      const std::string byte = Take(1);
      if (byte.empty()) break;
      head += byte;
    }
    Give(Answer(200, "through").bytes);
    ::close(connection_);
  }

  int listener_ = -1;
  int connection_ = -1;
  int port_ = 0;
  std::thread thread_;
};

TEST(HttpClient, ASocksProxyResolvesTheName) {
  std::optional<Result<HttpResponse>> answer;
  std::string host;
  {
    SocksProxy proxy;
    HttpClient::Options options;
    options.proxy = proxy.url();
    HttpClient client(options);
    answer.emplace(client.Send(Get("http://peer.invalid/a")));
    host = proxy.host;
  }
  ASSERT_TRUE(*answer) << answer->error().ToString();
  EXPECT_EQ((*answer)->body, "through");
  EXPECT_EQ(host, "peer.invalid");
}

TEST(HttpClient, ACaFileThatIsNoneIsAnErrorOfTheSettings) {
  LoopbackServer server([](const LoopbackRequest&) { return Answer(200, ""); });
  HttpClient::Options options;
  options.ca_file = "/no/such/file.pem";
  HttpClient client(options);
  Result<HttpResponse> answer = client.Send(Get("https" + server.url().substr(4)));
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code(), "HTTP_TLS") << answer.error().ToString();
}

TEST(HttpClient, AHostIsConnectedToWhereItsAddressSays) {
  std::string host;
  LoopbackServer server([&](const LoopbackRequest& request) {
    host = request.headers.at("host");
    return Answer(200, "");
  });
  const std::string port = server.url().substr(server.url().rfind(':') + 1);
  HttpClient::Options options;
  options.addresses = {{"with-port.invalid", "127.0.0.1:" + port}, {"host.invalid", "127.0.0.1"}};
  HttpClient client(options);
  Result<HttpResponse> answer = client.Send(Get("http://with-port.invalid/a"));
  ASSERT_TRUE(answer) << answer.error().ToString();
  EXPECT_EQ(host, "with-port.invalid");
  answer = client.Send(Get("http://host.invalid:" + port + "/a"));
  ASSERT_TRUE(answer) << answer.error().ToString();
  EXPECT_EQ(host, "host.invalid:" + port);
  EXPECT_FALSE(client.Send(Get("http://other.invalid/a")));
}

TEST(HttpClient, BodiesBothWaysKeepToTheBandwidth) {
  LoopbackServer server([](const LoopbackRequest& request) { return Answer(200, request.body); });
  HttpClient::Options options;
  options.bandwidth.bytes_per_second = 2'000'000;
  HttpClient client(options);
  HttpRequest request = Get(server.url());
  request.method = "PUT";
  Letters letters(300'000);
  request.upload = &letters;
  const auto start = std::chrono::steady_clock::now();
  Result<HttpResponse> answer = client.Send(request);
  ASSERT_TRUE(answer) << answer.error().ToString();
  EXPECT_EQ(answer->body.size(), 300'000u);
  // 600,000 bytes, 200,000 of them at once.
  EXPECT_GE(std::chrono::steady_clock::now() - start, std::chrono::milliseconds(195));
}

TEST(HttpResponse, ReadsRetryAfterInSecondsAndAsADate) {
  HttpResponse answer;
  EXPECT_EQ(answer.RetryAfterMs(), 0);
  answer.headers["retry-after"] = "7";
  EXPECT_EQ(answer.RetryAfterMs(), 7000);
  answer.headers["date"] = "Sun, 22 Nov 2026 17:59:30 GMT";
  answer.headers["retry-after"] = "Sun, 22 Nov 2026 18:00:00 GMT";
  EXPECT_EQ(answer.RetryAfterMs(), 30'000);
  answer.headers["date"] = "Sun, 22 Nov 2026 19:00:00 GMT";
  EXPECT_EQ(answer.RetryAfterMs(), 0);
  answer.headers["retry-after"] = "-3";
  EXPECT_EQ(answer.RetryAfterMs(), 0);
}

TEST(UrlEncode, KeepsUnreservedBytesOnly) {
  EXPECT_EQ(UrlEncode("aZ09-_.~"), "aZ09-_.~");
  EXPECT_EQ(UrlEncode("a b+c/(1,2)=\xC3\xA9"), "a%20b%2Bc%2F%281%2C2%29%3D%C3%A9");
}

TEST(EncodePath, KeepsSlashes) {
  EXPECT_EQ(EncodePath("/a b/c%/"), "/a%20b/c%25/");
  EXPECT_EQ(EncodePath("a"), "a");
  EXPECT_EQ(EncodePath(""), "");
}

TEST(ParseHttpDate, ReadsDatesOnly) {
  EXPECT_EQ(ParseHttpDate("Thu, 01 Jan 1970 00:01:00 GMT"),
            std::chrono::system_clock::from_time_t(60));
  for (const char* text : {"", "120", "soon"}) EXPECT_FALSE(ParseHttpDate(text)) << text;
}

TEST(UrlDecode, DecodesOnceAndLeavesPlusAndMalformedEscapes) {
  EXPECT_EQ(UrlDecode("a%20b+%2541"), "a b+%41");
  EXPECT_EQ(UrlDecode("%4"), "%4");
  EXPECT_EQ(UrlDecode("%zz%"), "%zz%");
  EXPECT_EQ(UrlDecode("%C3%a9"), "\xC3\xA9");
}

}  // namespace
}  // namespace mms
