#include "base/http_server.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstring>
#include <thread>

namespace mms {
namespace {

/// A plain client socket: the tests say byte by byte what goes over the wire.
class RawClient {
 public:
  explicit RawClient(uint16_t port) : fd_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    ::inet_pton(AF_INET, "127.0.0.1", &address.sin_addr);
    connected_ = ::connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
    timeval limit{10, 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  }
  ~RawClient() { ::close(fd_); }
  RawClient(const RawClient&) = delete;
  RawClient& operator=(const RawClient&) = delete;

  bool connected() const { return connected_; }
  void Send(std::string_view text) { ::send(fd_, text.data(), text.size(), MSG_NOSIGNAL); }
  void EndSending() { ::shutdown(fd_, SHUT_WR); }

  /// Reads until `end` was seen or the server closed.
  std::string ReceiveUntil(std::string_view end) {
    while (received_.find(end) == std::string::npos) {
      char piece[4096];
      ssize_t got = ::recv(fd_, piece, sizeof piece, 0);
      if (got <= 0) break;
      received_.append(piece, static_cast<size_t>(got));
    }
    size_t at = received_.find(end);
    size_t size = at == std::string::npos ? received_.size() : at + end.size();
    std::string taken = received_.substr(0, size);
    received_.erase(0, size);
    return taken;
  }
  std::string ReceiveAll() { return ReceiveUntil("\x01never\x01"); }

 private:
  int fd_;
  bool connected_ = false;
  std::string received_;
};

std::string ReadBody(ByteSource* body, size_t piece = 64 * 1024) {
  std::string text;
  std::vector<char> buffer(piece);
  while (true) {
    auto got = body->Read(buffer.data(), buffer.size());
    if (!got) return "error " + got.error().code();
    if (*got == 0) return text;
    text.append(buffer.data(), *got);
  }
}

/// Answers with method, target and body.
void Echo(ServerRequest& request, HttpResponder& responder) {
  std::string body = ReadBody(request.body);
  (void)responder.Send(200, {}, request.method + " " + request.target + " [" + body + "]");
}

std::unique_ptr<HttpServer> Serve(HttpHandler handler, HttpServerOptions options = {}) {
  auto server = HttpServer::Start(std::move(options), std::move(handler));
  EXPECT_TRUE(server.has_value());
  return std::move(*server);
}

TEST(HttpServer, AnswersSeveralRequestsOnOneConnection) {
  auto server = Serve(Echo);
  RawClient client(server->port());
  for (int i = 0; i < 3; ++i) {
    client.Send("PUT /a?b=%20c HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nhi");
    std::string answer = client.ReceiveUntil("]");
    EXPECT_EQ(answer.substr(0, 15), "HTTP/1.1 200 OK");
    EXPECT_TRUE(answer.ends_with("PUT /a?b=%20c [hi]")) << answer;
  }
}

TEST(HttpServer, AnswersPipelinedRequestsInOrder) {
  auto server = Serve(Echo);
  RawClient client(server->port());
  client.Send("GET /1 HTTP/1.1\r\nHost: x\r\n\r\nGET /2 HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_TRUE(client.ReceiveUntil("]").ends_with("GET /1 []"));
  EXPECT_TRUE(client.ReceiveUntil("]").ends_with("GET /2 []"));
}

TEST(HttpServer, ReadsChunkedBodiesHoweverTheyArrive) {
  auto server = Serve(Echo);
  const std::string request =
      "PUT /c HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
      "3\r\nabc\r\n1;note=x\r\nd\r\n0\r\n\r\n";
  RawClient whole(server->port());
  whole.Send(request);
  EXPECT_TRUE(whole.ReceiveUntil("]").ends_with("PUT /c [abcd]"));
  RawClient dripping(server->port());
  for (char c : request) dripping.Send(std::string_view(&c, 1));
  EXPECT_TRUE(dripping.ReceiveUntil("]").ends_with("PUT /c [abcd]"));
}

TEST(HttpServer, CarriesALargeBodyUnchangedInBothDirections) {
  std::string big(5'000'000, '\0');
  for (size_t i = 0; i < big.size(); ++i) big[i] = static_cast<char>(i * 31 % 251);
  std::string seen;
  auto server = Serve([&](ServerRequest& request, HttpResponder& responder) {
    seen = ReadBody(request.body);
    (void)responder.Start(200, {});
    for (size_t at = 0; at < seen.size(); at += 700'000) {
      (void)responder.Write(seen.data() + at, std::min<size_t>(700'000, seen.size() - at));
    }
    (void)responder.Finish();
  });
  RawClient client(server->port());
  std::thread sender([&] {
    client.Send("PUT / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
    for (size_t at = 0; at < big.size(); at += 65'536) {
      std::string piece = big.substr(at, 65'536);
      char size[20];
      std::snprintf(size, sizeof size, "%zx\r\n", piece.size());
      client.Send(size + piece + "\r\n");
    }
    client.Send("0\r\n\r\n");
  });
  std::string answer = client.ReceiveUntil("\r\n0\r\n\r\n");
  sender.join();
  EXPECT_EQ(seen, big);
  EXPECT_GT(answer.size(), big.size());
}

TEST(HttpServer, SendsContinueWhenTheHandlerWantsTheBody) {
  auto server = Serve(Echo);
  RawClient client(server->port());
  client.Send("PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n");
  EXPECT_EQ(client.ReceiveUntil("\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
  client.Send("ok");
  EXPECT_TRUE(client.ReceiveUntil("]").ends_with("[ok]"));
}

TEST(HttpServer, AnswersBeforeTheBodyWasReadAndKeepsTheConnection) {
  auto server = Serve([](ServerRequest& request, HttpResponder& responder) {
    if (request.method == "PUT") {
      (void)responder.Send(400, {}, "no]");
    } else {
      Echo(request, responder);
    }
  });
  RawClient client(server->port());
  client.Send("PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 300000\r\n\r\n" +
              std::string(300'000, 'x'));
  EXPECT_EQ(client.ReceiveUntil("]").substr(0, 12), "HTTP/1.1 400");
  client.Send("GET /next HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_TRUE(client.ReceiveUntil("]").ends_with("GET /next []"));
}

TEST(HttpServer, TellsTheHandlerThatABodyWasCut) {
  std::atomic<bool> cut = false;
  auto server = Serve([&](ServerRequest& request, HttpResponder& responder) {
    cut = ReadBody(request.body) == "error HTTP_PEER_GONE";
    (void)responder.Send(400, {}, "cut");
  });
  for (std::string start :
       {"Content-Length: 10\r\n\r\nabc", "Transfer-Encoding: chunked\r\n\r\n5\r\nab"}) {
    cut = false;
    RawClient client(server->port());
    client.Send("PUT / HTTP/1.1\r\nHost: x\r\n" + start);
    client.EndSending();
    client.ReceiveAll();
    EXPECT_TRUE(cut) << start;
  }
}

TEST(HttpServer, RefusesMalformedAndAmbiguousRequests) {
  std::atomic<int> handled = 0;
  auto server = Serve([&](ServerRequest& request, HttpResponder& responder) {
    std::string body = ReadBody(request.body);
    if (!body.starts_with("error")) ++handled;
    (void)responder.Send(200, {}, "");
  });
  for (std::string request :
       {"nonsense\r\n\r\n", "GET / HTTP/9.9\r\n\r\n",
        "PUT / HTTP/1.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "PUT / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        "PUT / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n\r\n"}) {
    RawClient client(server->port());
    client.Send(request);
    client.EndSending();
    client.ReceiveAll();
  }
  EXPECT_EQ(handled, 0);
}

TEST(HttpServer, RefusesAHeaderAboveItsLimit) {
  auto server = Serve(Echo);
  RawClient client(server->port());
  client.Send("GET / HTTP/1.1\r\nX: " + std::string(100'000, 'a') + "\r\n\r\n");
  std::string answer = client.ReceiveAll();
  EXPECT_EQ(answer.substr(0, 12), "HTTP/1.1 431");
  EXPECT_TRUE(answer.ends_with("\r\n\r\nthe request's header is too long\n")) << answer;
}

TEST(HttpServer, SaysWhyAHeaderIsRefusedInTheServicesOwnForm) {
  HttpServerOptions options;
  options.refusal = [](int status) -> std::pair<HttpHeaders, std::string> {
    return {{{"Content-Type", "x/y"}}, "no " + std::to_string(status)};
  };
  auto server = Serve(Echo, options);
  RawClient client(server->port());
  client.Send("GET / HTTP/1.1\r\nbroken header\r\n\r\n");
  std::string answer = client.ReceiveAll();
  EXPECT_EQ(answer.substr(0, 12), "HTTP/1.1 400");
  EXPECT_NE(answer.find("Content-Type: x/y\r\n"), std::string::npos) << answer;
  EXPECT_TRUE(answer.ends_with("\r\n\r\nno 400")) << answer;
}

TEST(HttpServer, DropsAClientThatDoesNotFinishItsHeader) {
  HttpServerOptions options;
  options.header_timeout_ms = 100;
  auto server = Serve(Echo, options);
  RawClient client(server->port());
  client.Send("GET / HT");
  auto begin = std::chrono::steady_clock::now();
  EXPECT_EQ(client.ReceiveAll(), "");
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(8));
}

TEST(HttpServer, AbortLeavesABodyWithoutItsEnd) {
  auto server = Serve([](ServerRequest&, HttpResponder& responder) {
    (void)responder.Start(200, {});
    (void)responder.Write("abc", 3);
    responder.Abort();
  });
  RawClient client(server->port());
  client.Send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_EQ(client.ReceiveAll().find("0\r\n\r\n"), std::string::npos);
}

TEST(HttpServer, LetsARequestInHandFinishWhenItStops) {
  std::atomic<bool> inside = false;
  auto server = Serve([&](ServerRequest&, HttpResponder& responder) {
    inside = true;
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
    (void)responder.Send(200, {}, "finished]");
  });
  RawClient idle(server->port());
  RawClient client(server->port());
  client.Send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  while (!inside) std::this_thread::yield();
  uint16_t port = server->port();
  server->Stop(5'000);
  EXPECT_TRUE(client.ReceiveUntil("]").ends_with("finished]"));
  EXPECT_EQ(idle.ReceiveAll(), "");
  EXPECT_FALSE(RawClient(port).connected());
}

TEST(HttpServer, CutsARequestThatOutlivesTheDrain) {
  std::atomic<bool> inside = false;
  auto server = Serve([&](ServerRequest& request, HttpResponder& responder) {
    inside = true;
    (void)ReadBody(request.body);  // the client never sends it
    (void)responder.Send(200, {}, "");
  });
  RawClient client(server->port());
  client.Send("PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n");
  while (!inside) std::this_thread::yield();
  auto begin = std::chrono::steady_clock::now();
  server->Stop(50);
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(8));
}

TEST(HttpServer, KeepsLineBreaksOutOfHeaderValues) {
  auto server = Serve([](ServerRequest&, HttpResponder& responder) {
    (void)responder.Send(200, {{"X-Text", "a\r\nInjected: 1"}}, "]");
  });
  RawClient client(server->port());
  client.Send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_EQ(client.ReceiveUntil("]").find("\nInjected"), std::string::npos);
}

TEST(HttpServer, SaysWhyItCannotListen) {
  auto server = Serve(Echo);
  HttpServerOptions options;
  options.port = server->port();
  auto second = HttpServer::Start(options, Echo);
  ASSERT_FALSE(second.has_value());
  EXPECT_EQ(second.error().code(), "HTTP_LISTEN_FAILED");
}

TEST(ParseHostPort, ReadsNamesNumbersAndIpv6) {
  EXPECT_EQ(ParseHostPort("127.0.0.1:80").value(),
            (std::pair<std::string, uint16_t>("127.0.0.1", 80)));
  EXPECT_EQ(ParseHostPort("[::1]:0").value(), (std::pair<std::string, uint16_t>("::1", 0)));
  for (std::string text : {"", ":80", "host", "host:", "host:x", "host:70000", "host:1x"}) {
    EXPECT_FALSE(ParseHostPort(text).has_value()) << text;
  }
}

}  // namespace
}  // namespace mms
