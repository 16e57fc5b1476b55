#include "clients/maxcompute/tunnel.h"

#include <arrow/api.h>
#include <gtest/gtest.h>

#include <mutex>

#include "base/loopback_server.h"
#include "clients/maxcompute/arrow_frame.h"
#include "clients/maxcompute/pacer.h"
#include "clients/maxcompute/record_block.h"

namespace mms::maxcompute {
namespace {

using Batch = std::shared_ptr<arrow::RecordBatch>;

Batch Numbers(int64_t from, int64_t count) {
  arrow::Int64Builder builder;
  for (int64_t i = 0; i < count; ++i) EXPECT_TRUE(builder.Append(from + i).ok());
  const auto schema = arrow::schema({arrow::field("a", arrow::int64())});
  return arrow::RecordBatch::Make(schema, count, {*builder.Finish()});
}

class Batches : public BatchSource {
 public:
  explicit Batches(std::vector<Batch> batches) : batches_(std::move(batches)) {}
  Result<Batch> Next() override {
    if (at_ == batches_.size()) return Batch();
    return batches_[at_++];
  }

 private:
  std::vector<Batch> batches_;
  size_t at_ = 0;
};

std::string Encode(std::vector<Batch> batches, uint32_t chunk_size = kChunkSizeBytes) {
  Batches source(std::move(batches));
  ArrowFrameEncoder encoder(&source, chunk_size);
  std::string body(1 << 20, '\0');
  const Result<size_t> size = encoder.Read(body);
  EXPECT_TRUE(size && *size < body.size());
  body.resize(*size);
  return body;
}

bool Has(const LoopbackRequest& request, const std::string& text) {
  return request.target.find(text) != std::string::npos;
}

std::string Session(const std::string& status, const std::string& ids = "") {
  std::string list;
  for (const char id : ids) {
    list += (list.empty() ? "{\"BlockID\":" : ",{\"BlockID\":") + std::string(1, id) + "}";
  }
  return "{\"UploadID\":\"U1\",\"Status\":\"" + status +
         "\",\"Schema\":{\"columns\":[{\"name\":\"a\",\"type\":\"bigint\",\"nullable\":\"true\"}],"
         "\"partitionKeys\":[{\"name\":\"ds\",\"type\":\"string\"}]},\"UploadedBlockList\":[" +
         list + "]}";
}

std::string Download(const std::string& status) {
  return "{\"DownloadID\":\"D1\",\"Status\":\"" + status +
         "\",\"RecordCount\":30,\"Schema\":{\"columns\":[{\"name\":\"a\",\"type\":\"bigint\"}]}}";
}

LoopbackAnswer Refusal(int status, const std::string& code) {
  return Answer(status, "{\"Code\":\"" + code + "\",\"Message\":\"m\"}");
}

/// A client and its Tunnel before a scripted service.
struct Peer {
  explicit Peer(LoopbackServer::Handler handler, const std::string& schema = "")
      : server(std::move(handler)), client(Make(server, schema)), tunnel(&client) {}

  static Client Make(const LoopbackServer& server, const std::string& schema) {
    Options options;
    options.endpoint = server.url() + "/api";
    options.tunnel_endpoint = server.url();
    options.project = "p1";
    options.schema = schema;
    options.credentials = {"testid", Secret("testsecret-canary"), Secret(), ""};
    options.retry.first_wait_ms = 1;
    options.retry.throttled_first_wait_ms = 1;
    options.retry.attempts_max = 4;
    return Client(options, std::make_shared<HttpClient>(HttpClient::Options{}));
  }

  LoopbackServer server;
  Client client;
  Tunnel tunnel;
};

const Tunnel::Target kTarget{"t1", {{"ds", "2026 01"}}};

TEST(Tunnel, CreateUploadSaysPartitionOverwriteAndHeaders) {
  Peer peer([](const LoopbackRequest& request) {
    EXPECT_EQ(request.method, "POST");
    EXPECT_TRUE(request.target.starts_with("/projects/p1/tables/t1?")) << request.target;
    EXPECT_TRUE(Has(request, "partition=ds%3D2026%2001"));
    EXPECT_TRUE(Has(request, "&uploads&overwrite=true&create_partition=true"));
    EXPECT_EQ(request.headers.at("content-length"), "0");
    EXPECT_EQ(request.headers.at("x-odps-tunnel-version"), "6");
    EXPECT_EQ(request.headers.at("odps-tunnel-date-transform"), "v1");
    EXPECT_EQ(request.headers.at("odps-tunnel-sdk-support-schema-evolution"), "true");
    return Answer(201, Session("normal"));
  });
  Result<UploadSession> session = peer.tunnel.CreateUpload(kTarget, {true, true});
  ASSERT_TRUE(session) << session.error().ToString();
  EXPECT_EQ(session->id, "U1");
  EXPECT_EQ(session->state, SessionState::kNormal);
  EXPECT_EQ(session->schema.columns.size(), 1u);
  EXPECT_EQ(session->schema.partition_columns.size(), 1u);
}

TEST(Tunnel, RepeatsOfASessionCallAreMarkedForTheServicesLogs) {
  std::vector<std::string> marks;
  Peer peer([&marks](const LoopbackRequest& request) {
    marks.push_back(request.headers.at("odps-tunnel-retry-trace-id"));
    EXPECT_EQ(request.headers.at("odps-tunnel-retry-index"), std::to_string(marks.size() - 1));
    if (marks.size() == 1) return Refusal(429, "FlowExceeded");
    return marks.size() == 2 ? Answer(308, "") : Answer(201, Session("normal"));
  });
  ASSERT_TRUE(peer.tunnel.CreateUpload(kTarget, {}));
  ASSERT_EQ(marks.size(), 3u);
  EXPECT_EQ(marks[0].size(), 36u);
  EXPECT_EQ(marks[0], marks[2]);
}

TEST(Tunnel, SessionsAndCommitsWaitForTheirTurn) {
  Peer peer([](const LoopbackRequest& request) {
    if (Has(request, "downloads")) return Answer(200, Download("normal"));
    return Answer(
        200, Session(request.method == "POST" && !Has(request, "uploads") ? "closed" : "normal"));
  });
  Options options = peer.client.options();
  options.pacer = std::make_shared<Pacer>();
  Client client(options, peer.client.http());
  Tunnel tunnel(&client);
  ASSERT_TRUE(tunnel.CreateUpload(kTarget, {}));
  ASSERT_TRUE(tunnel.Commit(kTarget, "U1", {}));
  ASSERT_TRUE(tunnel.CreateDownload(kTarget));
  ASSERT_TRUE(tunnel.CreateInstanceDownload("i1"));
  for (const Limit limit : {Limit::kUploadSessions, Limit::kCommits, Limit::kDownloadSessions,
                            Limit::kInstanceDownloads}) {
    EXPECT_EQ(options.pacer->waits(limit).granted, 1) << LimitName(limit);
  }
}

TEST(Tunnel, PathsNameTheSchemaWhenOneIsSet) {
  Peer peer(
      [](const LoopbackRequest& request) {
        EXPECT_TRUE(request.target.starts_with("/projects/p1/schemas/s1/tables/t1?"));
        EXPECT_TRUE(Has(request, "curr_schema=s1"));
        EXPECT_FALSE(Has(request, "partition"));
        EXPECT_FALSE(Has(request, "overwrite"));
        return Answer(200, Session("normal"));
      },
      "s1");
  EXPECT_TRUE(peer.tunnel.CreateUpload({"t1", {}}, {false, false}));
}

TEST(Tunnel, CreateUploadTellsAMissingPartition) {
  Peer peer([](const LoopbackRequest&) { return Refusal(404, "NoSuchPartition"); });
  Result<UploadSession> session = peer.tunnel.CreateUpload(kTarget, {});
  ASSERT_FALSE(session);
  EXPECT_EQ(session.error().code(), "ODPS_PARTITION_NOT_FOUND");
  EXPECT_EQ(session.error().where(), "target table t1 partition ds=2026 01");
}

TEST(Tunnel, PutBlockSendsFramedBatches) {
  const std::vector<Batch> batches = {Numbers(0, 20'000), Numbers(20'000, 1)};
  Peer peer([&batches](const LoopbackRequest& request) {
    EXPECT_EQ(request.method, "PUT");
    EXPECT_TRUE(Has(request, "uploadid=U1&blockid=3&arrow&"));
    EXPECT_EQ(request.headers.at("transfer-encoding"), "chunked");
    EXPECT_EQ(request.headers.at("content-type"), "application/octet-stream");
    EXPECT_TRUE(request.body == Encode(batches));
    return Answer(200, "");
  });
  Batches source(batches);
  Result<BlockResult> block = peer.tunnel.PutBlock(kTarget, "U1", {3}, source);
  ASSERT_TRUE(block) << block.error().ToString();
  EXPECT_EQ(block->rows, 20'001);
  EXPECT_GT(block->arrow_bytes, 160'000);
}

TEST(Tunnel, BlocksOfBothFormsGoByTheCodecThatIsSet) {
  for (const BlockForm form : {BlockForm::kArrow, BlockForm::kRecord}) {
    for (const Codec codec : kCodecs) {
      LoopbackRequest seen;
      Peer peer([&seen](const LoopbackRequest& request) {
        seen = request;
        return Answer(200, "");
      });
      Options options = peer.client.options();
      options.quota_name = "q1";
      Client client(options, peer.client.http());
      Batches source({Numbers(0, 20'000)});
      Result<BlockResult> block = Tunnel(&client).PutBlock(kTarget, "U1", {3, form, codec}, source);
      ASSERT_TRUE(block) << block.error().ToString();
      EXPECT_EQ(block->wire_bytes, static_cast<int64_t>(seen.body.size()));
      EXPECT_EQ(Has(seen, "&arrow"), form == BlockForm::kArrow);
      EXPECT_TRUE(Has(seen, "quotaName=q1"));
      EXPECT_EQ(FromContentCoding(seen.headers["content-encoding"]), codec);
    }
  }
}

TEST(Tunnel, NoBlockIsSentIntoASessionAboutToExpire) {
  Peer peer([](const LoopbackRequest&) { return Answer(200, ""); });
  Batches source({Numbers(0, 5)});
  Tunnel::Block block{3};
  block.usable_until = std::chrono::system_clock::now() - std::chrono::seconds(1);
  Result<BlockResult> result = peer.tunnel.PutBlock(kTarget, "U1", block, source);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code(), "TUNNEL_SESSION_GONE");
  EXPECT_EQ(peer.server.requests(), 0);
}

TEST(Tunnel, PutBlockIsNeverRepeatedHere) {
  Peer peer([](const LoopbackRequest&) { return Answer(500, ""); });
  Batches source({Numbers(0, 5)});
  Result<BlockResult> block = peer.tunnel.PutBlock(kTarget, "U1", {3}, source);
  ASSERT_FALSE(block);
  EXPECT_EQ(block.error().kind(), ErrorKind::kUnavailable);
  EXPECT_EQ(block.error().where(), "target table t1 partition ds=2026 01 block 3");
  EXPECT_EQ(peer.server.requests(), 1);
}

TEST(Tunnel, PutBlockRefusesIdsBeyondTheLimit) {
  Peer peer([](const LoopbackRequest&) { return Answer(200, ""); });
  for (const int64_t id : {int64_t{-1}, int64_t{20'000}}) {
    Batches source({});
    EXPECT_EQ(peer.tunnel.PutBlock(kTarget, "U1", {id}, source).error().code(), "TUNNEL_BLOCK_ID");
  }
  EXPECT_EQ(peer.server.requests(), 0);
}

/// Answers a commit's requests from two lists: states for GET, answers for POST.
struct CommitScript {
  std::vector<std::string> states;
  std::vector<LoopbackAnswer> posts;
  size_t gets_done = 0;
  size_t posts_done = 0;

  LoopbackAnswer operator()(const LoopbackRequest& request) {
    EXPECT_TRUE(Has(request, "uploadid=U1"));
    if (request.method == "POST") {
      return posts_done < posts.size() ? posts[posts_done++] : Refusal(400, "TooManyPosts");
    }
    EXPECT_LT(gets_done, states.size());
    // Closed behind it: libcurl would itself send a POST again that a kept connection loses.
    LoopbackAnswer answer =
        Answer(200, Session(states.at(std::min(gets_done++, states.size() - 1)), "02"),
               "Connection: close\r\n");
    answer.close = true;
    return answer;
  }
};

Status RunCommit(CommitScript& script, std::vector<int64_t> blocks = {2, 0}) {
  Peer peer(std::ref(script));
  return peer.tunnel.Commit(kTarget, "U1", std::move(blocks));
}

TEST(Commit, ComparesBlocksAndPosts) {
  CommitScript script{{"normal"}, {Answer(200, Session("closed"))}};
  const Status status = RunCommit(script);
  ASSERT_TRUE(status) << status.error().ToString();
  EXPECT_EQ(script.posts_done, 1u);
}

TEST(Commit, RefusesToCommitBlocksThatAreNotOurs) {
  CommitScript script{{"normal"}, {}};
  const Status status = RunCommit(script, {0, 1});
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code(), "TUNNEL_BLOCKS_DIFFER");
  EXPECT_NE(status.error().message().find("missing 1; stray 2"), std::string::npos);
  EXPECT_EQ(script.posts_done, 0u);
}

TEST(Commit, ALostAnswerIsResolvedByTheState) {
  for (const LoopbackAnswer& lost : {LoopbackAnswer{"", true}, Answer(502, "<html/>")}) {
    CommitScript went_through{{"normal", "closed"}, {lost}};
    EXPECT_TRUE(RunCommit(went_through));
    EXPECT_EQ(went_through.posts_done, 1u) << "the commit had happened: no second POST";
    CommitScript never_arrived{{"normal", "normal"}, {lost, Answer(200, Session("closed"))}};
    EXPECT_TRUE(RunCommit(never_arrived));
    EXPECT_EQ(never_arrived.posts_done, 2u);
  }
}

TEST(Commit, AConflictAfterOurOwnPostIsResolvedByTheState) {
  CommitScript script{{"normal", "normal", "closed"},
                      {LoopbackAnswer{"", true}, Refusal(409, "StatusConflict")}};
  EXPECT_TRUE(RunCommit(script));
  CommitScript stuck{std::vector<std::string>(9, "normal"),
                     std::vector<LoopbackAnswer>(9, Refusal(409, "StatusConflict"))};
  const Status status = RunCommit(stuck);
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code(), "TUNNEL_STATUS_CONFLICT");
}

TEST(Commit, WaitsWhileTheServiceCloses) {
  CommitScript script{{"closing", "closed"}, {}};
  EXPECT_TRUE(RunCommit(script));
  EXPECT_EQ(script.posts_done, 0u);
}

TEST(Commit, ASessionThatIsGoneIsAConflict) {
  for (const char* state : {"expired", "critical", "canceled"}) {
    CommitScript script{{state}, {}};
    const Status status = RunCommit(script);
    ASSERT_FALSE(status);
    EXPECT_EQ(status.error().kind(), ErrorKind::kConflict);
    EXPECT_EQ(status.error().code(), "TUNNEL_SESSION_GONE");
  }
  Peer peer([](const LoopbackRequest&) { return Refusal(404, "NoSuchUpload"); });
  const Status status = peer.tunnel.Commit(kTarget, "U1", {});
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code(), "TUNNEL_SESSION_GONE");
}

TEST(Commit, OtherRefusalsAreReturned) {
  CommitScript script{{"normal"}, {Refusal(403, "NoPermission")}};
  const Status status = RunCommit(script);
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code(), "ODPS_DENIED");
}

TEST(Tunnel, CreateDownloadWaitsUntilItIsReady) {
  std::atomic<int> gets{0};
  Peer peer([&gets](const LoopbackRequest& request) {
    if (request.method == "POST") {
      EXPECT_TRUE(Has(request, "downloads&asyncmode=true"));
      return Answer(200, Download("initiating"));
    }
    EXPECT_TRUE(Has(request, "downloadid=D1"));
    ++gets;
    return Answer(200, Download("normal"));
  });
  Result<DownloadSession> session = peer.tunnel.CreateDownload(kTarget);
  ASSERT_TRUE(session) << session.error().ToString();
  EXPECT_EQ(session->rows, 30);
  EXPECT_EQ(gets, 1);
}

TEST(Tunnel, CreateDownloadRefusesADeadSession) {
  Peer peer([](const LoopbackRequest&) { return Answer(200, Download("expired")); });
  EXPECT_EQ(peer.tunnel.CreateDownload(kTarget).error().code(), "TUNNEL_DOWNLOAD_STATE");
}

/// Reads rows [start, start + count) of a table that holds its own row numbers, in order.
Status ReadNumbers(Tunnel& tunnel, Tunnel::Range range, std::vector<int64_t>& rows) {
  DownloadSession session{"D1", 30, {}};
  session.schema.columns = {{"a", *ParseType("bigint"), "", true}};
  return tunnel.Read(kTarget, session, range, [&rows](const Batch& batch) {
    const auto& column = static_cast<const arrow::Int64Array&>(*batch->column(0));
    for (int64_t i = 0; i < column.length(); ++i) rows.push_back(column.Value(i));
    return OkStatus();
  });
}

std::vector<int64_t> From5To24() {
  std::vector<int64_t> rows;
  for (int64_t row = 5; row < 25; ++row) rows.push_back(row);
  return rows;
}

TEST(Read, HandsOverTheRangeInOrder) {
  Peer peer([](const LoopbackRequest& request) {
    EXPECT_TRUE(Has(request, "data&downloadid=D1&arrow&rowrange=%285%2C20%29"));
    EXPECT_EQ(request.headers.at("accept-encoding"), "identity");
    return Answer(200, Encode({Numbers(5, 15), Numbers(20, 5)}));
  });
  std::vector<int64_t> rows;
  const Status status = ReadNumbers(peer.tunnel, {5, 20}, rows);
  ASSERT_TRUE(status) << status.error().ToString();
  EXPECT_EQ(rows, From5To24());
}

TEST(Read, ResumesBehindTheLastBatchWhenTheConnectionBreaks) {
  std::atomic<int> calls{0};
  Peer peer([&calls](const LoopbackRequest& request) {
    if (++calls == 1) {  // small chunks, cut behind the first batch
      LoopbackAnswer answer = Answer(200, Encode({Numbers(5, 15), Numbers(20, 5)}, 16));
      answer.bytes.resize(answer.bytes.size() - 20);
      answer.close = true;
      return answer;
    }
    EXPECT_TRUE(Has(request, "rowrange=%2820%2C5%29")) << request.target;
    return Answer(200, Encode({Numbers(20, 5)}));
  });
  std::vector<int64_t> rows;
  const Status status = ReadNumbers(peer.tunnel, {5, 20}, rows);
  ASSERT_TRUE(status) << status.error().ToString();
  EXPECT_EQ(rows, From5To24());
  EXPECT_EQ(calls, 2);
}

TEST(Read, NoticesTooFewAndTooManyRows) {
  for (const int64_t count : {19, 21}) {
    Peer peer([count](const LoopbackRequest&) { return Answer(200, Encode({Numbers(5, count)})); });
    std::vector<int64_t> rows;
    const Status status = ReadNumbers(peer.tunnel, {5, 20}, rows);
    ASSERT_FALSE(status) << count;
    EXPECT_EQ(status.error().code(), "TUNNEL_ROWS_DIFFER");
    EXPECT_LE(rows.size(), 20u);
  }
}

TEST(Read, NoticesAWrongChecksum) {
  Peer peer([](const LoopbackRequest&) {
    std::string body = Encode({Numbers(5, 20)});
    body[body.size() - 20] ^= 1;
    return Answer(200, body);
  });
  std::vector<int64_t> rows;
  const Status status = ReadNumbers(peer.tunnel, {5, 20}, rows);
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code(), "TUNNEL_CHECKSUM");
  EXPECT_TRUE(rows.empty());
}

TEST(Read, TheReadersErrorIsReturnedWithoutAskingAgain) {
  Peer peer([](const LoopbackRequest&) { return Answer(200, Encode({Numbers(0, 3)})); });
  DownloadSession session{"D1", 3, {}};
  session.schema.columns = {{"a", *ParseType("bigint"), "", true}};
  const Status status = peer.tunnel.Read(kTarget, session, {0, 3}, [](const Batch&) -> Status {
    return Error(ErrorKind::kUnavailable, "READER_BUSY", "not now");
  });
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code(), "READER_BUSY");
  EXPECT_EQ(peer.server.requests(), 1);
}

TEST(Read, AnInstancesRowsComeFromItsOwnSession) {
  Peer peer(
      [](const LoopbackRequest& request) {
        EXPECT_TRUE(request.target.starts_with("/projects/p1/instances/i1?")) << request.target;
        if (request.method == "POST") return Answer(200, Download("normal"));
        EXPECT_TRUE(Has(request, "data&downloadid=D1&arrow"));
        return Answer(200, Encode({Numbers(0, 30)}));
      },
      "s1");
  Result<DownloadSession> session = peer.tunnel.CreateInstanceDownload("i1");
  ASSERT_TRUE(session) << session.error().ToString();
  int64_t rows = 0;
  const Status status =
      peer.tunnel.ReadInstance("i1", *session, {0, session->rows}, [&rows](const Batch& batch) {
        rows += batch->num_rows();
        return OkStatus();
      });
  ASSERT_TRUE(status) << status.error().ToString();
  EXPECT_EQ(rows, 30);
}

/// What `upload` gives out, to its end.
std::string Drain(HttpUpload& upload) {
  std::string body;
  std::vector<char> buffer(100'000);
  while (true) {
    const Result<size_t> size = upload.Read(buffer);
    EXPECT_TRUE(size);
    if (!size || *size == 0) return body;
    body.append(buffer.data(), *size);
  }
}

TEST(Read, TakesBothFormsInAnyCodecOrNone) {
  for (const BlockForm form : {BlockForm::kArrow, BlockForm::kRecord}) {
    for (const Codec sent : kCodecs) {
      Peer peer([form, sent](const LoopbackRequest& request) {
        EXPECT_EQ(Has(request, "&arrow"), form == BlockForm::kArrow);
        EXPECT_EQ(request.headers.at("accept-encoding"), ContentCoding(Codec::kZstd, form));
        Batches source({Numbers(5, 20)});
        ArrowFrameEncoder arrow(&source);
        RecordEncoder record(&source);
        BlockEncoder* plain = &arrow;
        if (form == BlockForm::kRecord) plain = &record;
        CompressedUpload upload(plain, sent);
        const std::string coding(ContentCoding(sent, form));
        return Answer(200, Drain(upload),
                      sent == Codec::kRaw ? "" : "Content-Encoding: " + coding + "\r\n");
      });
      std::vector<int64_t> rows;
      const Status status = ReadNumbers(peer.tunnel, {5, 20, form, Codec::kZstd}, rows);
      ASSERT_TRUE(status) << status.error().ToString();
      EXPECT_EQ(rows, From5To24());
    }
  }
}

TEST(Read, AnUnaskedEncodingIsRefused) {
  Peer peer([](const LoopbackRequest&) { return Answer(200, "x", "Content-Encoding: br\r\n"); });
  std::vector<int64_t> rows;
  EXPECT_EQ(ReadNumbers(peer.tunnel, {5, 20}, rows).error().code(), "TUNNEL_ENCODING");
}

}  // namespace
}  // namespace mms::maxcompute
