// Results behind links: the channel against a server whose files fail in every way.
#include <arrow/api.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <map>
#include <set>

#include "clients/databricks/fake_sql_server.h"
#include "clients/databricks/sql_channel.h"

namespace mms::databricks {
namespace {

constexpr int64_t kRowsALink = 10;

/// A result of `links` files of ten rows, `a_fetch` of them told at a time.
class LinkedResult {
 public:
  LinkedResult(int64_t links, int64_t a_fetch) : links_(links), a_fetch_(a_fetch) {
    server.on_metadata = [this](tcli::TGetResultSetMetadataResp& reply) {
      reply.__set_resultFormat(tcli::TSparkRowSetType::URL_BASED_SET);
      reply.__set_lz4Compressed(lz4);
      reply.__set_arrowSchema(ArrowSchemaMessage(*NumberBatch(0, 1)->schema()));
    };
    server.on_fetch = [this](const auto& request, auto& reply) { Fetch(request, reply); };
    server.on_get = [this](const LoopbackRequest& request) { return Get(request); };
  }

  std::unique_ptr<SqlChannel> Open(int64_t bytes_max = 64 << 20) {
    SqlChannel::Options options;
    options.endpoint.url = server.url();
    options.endpoint.token = [](bool) -> Result<Secret> { return Secret("dapiCANARY"); };
    options.failures.first_wait_ms = 1;
    options.failures.attempts_max = 3;
    options.bytes_max = bytes_max;
    const auto http = std::make_shared<HttpClient>(HttpClient::Options{});
    return std::make_unique<SqlChannel>(std::move(options), http, http);
  }

  bool lz4 = false;
  int64_t lifetime_ms = 3'600'000;
  int64_t announced_rows = kRowsALink;
  bool again = true;  ///< links asked for again are given again
  /// What a file's request gets, by its number and how often it was asked for; nullopt = the file.
  std::function<std::optional<LoopbackAnswer>(int64_t link, int asked)> on_file;
  std::atomic<int> authorizations{0};
  std::atomic<int> named_headers{0};
  std::map<int64_t, int> asked;  // guarded by mutex
  std::mutex mutex;
  std::vector<int64_t> offsets;  ///< of the fetches
  FakeSqlServer server;          // behind what its threads use

 private:
  void Fetch(const tcli::TFetchResultsReq& request, tcli::TFetchResultsResp& reply) {
    offsets.push_back(request.startRowOffset);
    int64_t link = request.startRowOffset / kRowsALink;
    if (!again && link < told_) link = told_;
    std::vector<tcli::TSparkArrowResultLink> told;
    for (; link < links_ && static_cast<int64_t>(told.size()) < a_fetch_; ++link) {
      tcli::TSparkArrowResultLink one;
      one.fileLink = server.origin() + "/file/" + std::to_string(link) + "?sig=linkCANARY";
      const auto now = std::chrono::system_clock::now().time_since_epoch();
      one.expiryTime =
          std::chrono::duration_cast<std::chrono::milliseconds>(now).count() + lifetime_ms;
      one.startRowOffset = link * kRowsALink;
      one.rowCount = announced_rows;
      one.bytesNum = 1000;
      one.__set_httpHeaders({{"x-named", "yes"}});
      told.push_back(one);
    }
    told_ = std::max(told_, link);
    reply.results.__set_resultLinks(told);
    reply.hasMoreRows = link < links_;
  }

  LoopbackAnswer Get(const LoopbackRequest& request) {
    const int64_t link = std::stoll(request.target.substr(6));
    authorizations += static_cast<int>(request.headers.count("authorization"));
    named_headers += static_cast<int>(request.headers.count("x-named"));
    int times = 0;
    {
      std::lock_guard lock(mutex);
      times = asked[link]++;
    }
    if (on_file) {
      if (auto answer = on_file(link, times)) return *answer;
    }
    const std::string stream = ArrowStream(*NumberBatch(link * kRowsALink, kRowsALink));
    return Answer(200, lz4 ? Lz4Frame(stream) : stream);
  }

  const int64_t links_;
  const int64_t a_fetch_;
  int64_t told_ = 0;
};

Result<std::vector<int64_t>> ReadIds(SqlChannel& channel) {
  TRY(const auto rows, channel.Execute("SELECT id FROM t"));
  std::vector<int64_t> ids;
  while (true) {
    TRY(const auto batch, rows->Next());
    if (batch == nullptr) return ids;
    const auto& column = static_cast<const arrow::Int64Array&>(*batch->column(0));
    for (int64_t i = 0; i < column.length(); ++i) ids.push_back(column.Value(i));
  }
}

void ExpectAll(const Result<std::vector<int64_t>>& ids, int64_t rows) {
  ASSERT_TRUE(ids) << ids.error().ToString();
  ASSERT_EQ(static_cast<int64_t>(ids->size()), rows);
  for (int64_t i = 0; i < rows; ++i) EXPECT_EQ((*ids)[static_cast<size_t>(i)], i);
}

TEST(SqlLinks, RowsComeInOrderWithoutOurToken) {
  for (const bool lz4 : {false, true}) {
    LinkedResult result(23, 5);
    result.lz4 = lz4;
    ExpectAll(ReadIds(*result.Open()), 230);
    EXPECT_EQ(result.authorizations, 0) << "a signed address must not get the token";
    EXPECT_EQ(result.named_headers, 23);
  }
}

TEST(SqlLinks, WhatFilesAndAnswersTakeIsCounted) {
  const auto read = [](bool lz4, int failures) {
    LinkedResult result(4, 4);
    result.lz4 = lz4;
    result.on_file = [failures](int64_t, int asked) -> std::optional<LoopbackAnswer> {
      return asked < failures ? std::optional(Answer(500, std::string(300, 'x'))) : std::nullopt;
    };
    const auto channel = result.Open();
    StatementOptions options;
    options.read = MakeByteCount();
    const auto rows = channel->Execute("SELECT id FROM t", options);
    EXPECT_TRUE(rows);
    while (rows && *(*rows)->Next()) continue;
    return options.read->load();
  };
  int64_t files = 0, packed = 0;
  for (int64_t link = 0; link < 4; ++link) {
    const std::string file = ArrowStream(*NumberBatch(link * kRowsALink, kRowsALink));
    files += static_cast<int64_t>(file.size());
    packed += static_cast<int64_t>(Lz4Frame(file).size());
  }
  const int64_t answers = read(false, 0) - files;  // which tell the links
  EXPECT_GT(answers, 0);
  EXPECT_EQ(read(true, 0), packed + answers) << "as they came";
  EXPECT_EQ(read(false, 1), files + answers + 4 * 300) << "what failed was sent too";
}

TEST(SqlLinks, ATinyBudgetOnlyMakesItSlower) {
  LinkedResult result(9, 9);
  ExpectAll(ReadIds(*result.Open(/*bytes_max=*/10)), 90);
}

TEST(SqlLinks, ARefusedLinkIsAskedForAgainByItsFirstRow) {
  LinkedResult result(6, 3);
  result.on_file = [](int64_t link, int asked) -> std::optional<LoopbackAnswer> {
    if (link != 4 || asked > 0) return std::nullopt;
    return Answer(403, "<Error>expired</Error>");
  };
  ExpectAll(ReadIds(*result.Open()), 60);
  EXPECT_EQ(std::count(result.offsets.begin(), result.offsets.end(), 40), 1);
}

TEST(SqlLinks, ALinkPastItsEndIsAskedForAgainBeforeItIsTried) {
  LinkedResult result(2, 2);
  result.lifetime_ms = -1000;  // also those given again: our clock may be wrong
  ExpectAll(ReadIds(*result.Open()), 20);
  EXPECT_EQ(result.asked.at(0), 1);
}

TEST(SqlLinks, LinksRefusedForEverEndInAnErrorWithoutTheAddress) {
  LinkedResult result(3, 3);
  result.on_file = [](int64_t link, int) -> std::optional<LoopbackAnswer> {
    if (link != 1) return std::nullopt;
    return Answer(403, "no");
  };
  auto ids = ReadIds(*result.Open());
  ASSERT_FALSE(ids);
  EXPECT_EQ(ids.error().code(), "SQL_LINK_REFUSED");
  EXPECT_EQ(ids.error().ToString().find("CANARY"), std::string::npos);
}

TEST(SqlLinks, AServerThatDoesNotGiveLinksAgainIsCaught) {
  LinkedResult result(3, 3);
  result.again = false;
  result.on_file = [](int64_t link, int) -> std::optional<LoopbackAnswer> {
    if (link != 1) return std::nullopt;
    return Answer(403, "no");
  };
  auto ids = ReadIds(*result.Open());
  ASSERT_FALSE(ids) << "rows would be missing";
  EXPECT_EQ(ids.error().code(), "SQL_RESULT_LOST");
}

TEST(SqlLinks, FailuresThatPassAreWaitedOut) {
  LinkedResult result(4, 4);
  result.on_file = [](int64_t link, int asked) -> std::optional<LoopbackAnswer> {
    if (asked > 0) return std::nullopt;
    switch (link) {
      case 0: return Answer(500, "x");
      case 1: return LoopbackAnswer{"", true};
      case 2: return LoopbackAnswer{"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\nhalf", true};
      default: return std::nullopt;
    }
  };
  ExpectAll(ReadIds(*result.Open()), 40);
}

TEST(SqlLinks, BrokenBytesAreFetchedAgainAndThenRefused) {
  const std::string whole = ArrowStream(*NumberBatch(0, kRowsALink));
  for (const bool lz4 : {false, true}) {
    const std::string sent = lz4 ? Lz4Frame(whole) : whole;
    for (const std::string& bad : {sent.substr(0, sent.size() / 2), std::string("<html>")}) {
      LinkedResult healed(1, 1);
      healed.lz4 = lz4;
      healed.on_file = [&](int64_t, int asked) -> std::optional<LoopbackAnswer> {
        if (asked > 0) return std::nullopt;
        return Answer(200, bad);
      };
      ExpectAll(ReadIds(*healed.Open()), 10);
      LinkedResult broken(1, 1);
      broken.lz4 = lz4;
      broken.on_file = [&](int64_t, int) { return Answer(200, bad); };
      auto ids = ReadIds(*broken.Open());
      ASSERT_FALSE(ids);
      EXPECT_EQ(ids.error().code(), "SQL_ARROW_BYTES");
    }
  }
}

TEST(SqlLinks, OtherRowsThanAnnouncedAreHandedOnByNobody) {
  LinkedResult result(1, 1);
  result.announced_rows = 9;
  const auto channel = result.Open();
  auto rows = channel->Execute("SELECT id FROM t");
  ASSERT_TRUE(rows);
  auto batch = (*rows)->Next();
  ASSERT_FALSE(batch);
  EXPECT_EQ(batch.error().code(), "SQL_ROWS_DIFFER");
}

TEST(SqlLinks, AnAbandonedResultEndsItsDownloads) {
  LinkedResult result(8, 8);
  const auto channel = result.Open();
  auto rows = channel->Execute("SELECT id FROM t");
  ASSERT_TRUE(rows);
  ASSERT_TRUE((*rows)->Next());
  rows->reset();
  EXPECT_EQ(result.server.count("CloseOperation"), 1);
}

TEST(SqlLinks, CancelEndsADownloadThatTheStorageHolds) {
  LinkedResult result(3, 3);
  std::atomic<bool> holds{false};
  result.on_file = [&](int64_t link, int) -> std::optional<LoopbackAnswer> {
    if (link != 1) return std::nullopt;
    holds = true;
    return LoopbackAnswer{"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", false};
  };
  const auto channel = result.Open();
  auto rows = channel->Execute("SELECT id FROM t");
  ASSERT_TRUE(rows) << rows.error().ToString();
  const auto first = (*rows)->Next();
  ASSERT_TRUE(first) << first.error().ToString();
  std::thread canceller([&] {
    while (!holds) std::this_thread::yield();
    channel->Cancel();
  });
  const auto begun = std::chrono::steady_clock::now();
  const auto second = (*rows)->Next();
  canceller.join();
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().kind(), ErrorKind::kCancelled) << second.error().ToString();
  EXPECT_LT(std::chrono::steady_clock::now() - begun, std::chrono::seconds(5));
}

}  // namespace
}  // namespace mms::databricks
