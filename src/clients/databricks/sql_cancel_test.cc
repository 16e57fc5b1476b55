// Cancelling statements in every moment of theirs, while the server works, or is silent.
#include <arrow/api.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <thread>

#include "clients/databricks/fake_sql_server.h"
#include "clients/databricks/sql_channel.h"

namespace mms::databricks {
namespace {

using tcli::TOperationState;

std::unique_ptr<SqlChannel> Open(const FakeSqlServer& server) {
  SqlChannel::Options options;
  options.endpoint.url = server.url();
  options.endpoint.token = [](bool) -> Result<Secret> { return Secret("dapiCANARY"); };
  options.poll_first_ms = 1;
  options.poll_max_ms = 2;
  const auto http = std::make_shared<HttpClient>(HttpClient::Options{});
  return std::make_unique<SqlChannel>(std::move(options), http, http);
}

Status ReadAll(SqlChannel& channel) {
  TRY(const auto rows, channel.Execute("SELECT id FROM t"));
  while (true) {
    TRY(const auto batch, rows->Next());
    if (batch == nullptr) return OkStatus();
  }
}

/// An answer whose end never comes.
LoopbackAnswer Held() { return {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"}; }

TEST(SqlCancel, CancelEndsAStatementHereAndAtTheServer) {
  FakeSqlServer server;
  std::atomic<bool> running{false};
  server.on_status = [&](auto& reply) {
    reply.operationState = TOperationState::RUNNING;
    running = true;
  };
  const auto channel = Open(server);
  std::thread canceller([&] {
    while (!running) std::this_thread::yield();
    channel->Cancel();
  });
  Status read = ReadAll(*channel);
  canceller.join();
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().kind(), ErrorKind::kCancelled);
  EXPECT_GE(server.count("CancelOperation"), 1);
  EXPECT_EQ(server.count("CloseOperation"), 1);
}

TEST(SqlCancel, CancelEndsACallThatASilentServerHolds) {
  for (const std::string held : {"OpenSession", "ExecuteStatement", "GetOperationStatus",
                                 "GetResultSetMetadata", "FetchResults"}) {
    FakeSqlServer server;
    std::atomic<bool> holds{false};
    server.on_http = [&](const std::string& method, int64_t) -> std::optional<LoopbackAnswer> {
      if (method != held) return std::nullopt;
      holds = true;
      return Held();
    };
    auto channel = Open(server);
    std::chrono::steady_clock::time_point cancelled;
    std::thread canceller([&] {
      while (!holds) std::this_thread::yield();
      cancelled = std::chrono::steady_clock::now();
      channel->Cancel();
    });
    const Status read = ReadAll(*channel);
    canceller.join();
    ASSERT_FALSE(read) << held;
    EXPECT_EQ(read.error().kind(), ErrorKind::kCancelled) << held << read.error().ToString();
    EXPECT_LT(std::chrono::steady_clock::now() - cancelled, std::chrono::seconds(2)) << held;
    // What was named ends by its name; what may run without one, with its session.
    const bool named = held != "OpenSession" && held != "ExecuteStatement";
    if (held == "GetOperationStatus") {
      EXPECT_EQ(server.count("CancelOperation"), 1);
    }
    EXPECT_EQ(server.count("CloseOperation"), named) << held;
    EXPECT_EQ(server.count("CloseSession"), held == "ExecuteStatement") << held;
  }
}

TEST(SqlCancel, AServerThatDoesNotListenIsToldOnce) {
  FakeSqlServer server;
  std::atomic<bool> holds{false};
  server.on_http = [&](const std::string& method, int64_t) -> std::optional<LoopbackAnswer> {
    if (method == "OpenSession" || method == "ExecuteStatement") return std::nullopt;
    holds = true;
    return Held();
  };
  const auto begun = std::chrono::steady_clock::now();
  auto channel = Open(server);
  std::thread canceller([&] {
    while (!holds) std::this_thread::yield();
    channel->Cancel();
  });
  EXPECT_EQ(ReadAll(*channel).error().kind(), ErrorKind::kCancelled);
  canceller.join();
  channel.reset();
  EXPECT_LT(std::chrono::steady_clock::now() - begun, std::chrono::seconds(8));
  EXPECT_EQ(server.count("CloseSession!"), 0);
}

}  // namespace
}  // namespace mms::databricks
