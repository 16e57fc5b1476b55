#include "clients/databricks/sql_channel.h"

#include <arrow/api.h>
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "clients/databricks/fake_sql_server.h"

namespace mms::databricks {
namespace {

using tcli::TOperationState;
using tcli::TStatusCode;

SqlChannel::Options Options(const FakeSqlServer& server) {
  SqlChannel::Options options;
  options.endpoint.url = server.url();
  options.endpoint.token = [](bool) -> Result<Secret> { return Secret("dapiCANARY"); };
  options.failures.first_wait_ms = 1;
  options.failures.attempts_max = 3;
  options.poll_first_ms = 1;
  options.poll_max_ms = 2;
  options.call_timeout_ms = 5'000;
  return options;
}

SqlChannel::Options HiveOptions(FakeSqlServer& server) {
  SqlChannel::Options options = Options(server);
  options.endpoint.dialect = SqlDialect::kHive;
  options.endpoint.user = "tester";
  server.protocol = 7;
  return options;
}

std::unique_ptr<SqlChannel> Open(SqlChannel::Options options) {
  const auto http = std::make_shared<HttpClient>(HttpClient::Options{});
  return std::make_unique<SqlChannel>(std::move(options), http, http);
}

/// The numbers of column "id", in order; an Error when they could not be had.
Result<std::vector<int64_t>> ReadIds(SqlChannel& channel, StatementOptions options = {}) {
  TRY(const auto rows, channel.Execute("SELECT id FROM t", std::move(options)));
  std::vector<int64_t> ids;
  while (true) {
    TRY(const auto batch, rows->Next());
    if (batch == nullptr) return ids;
    const auto& column = static_cast<const arrow::Int64Array&>(*batch->column(0));
    for (int64_t i = 0; i < column.length(); ++i) ids.push_back(column.Value(i));
  }
}

std::vector<int64_t> UpTo(int64_t end) {
  std::vector<int64_t> ids;
  for (int64_t id = 0; id < end; ++id) ids.push_back(id);
  return ids;
}

void ExpectIds(const Result<std::vector<int64_t>>& ids, int64_t end) {
  ASSERT_TRUE(ids) << ids.error().ToString();
  EXPECT_EQ(*ids, UpTo(end));
}

/// A server cursor over `total` rows, `a_time` of them a reply, in columns.
void ServeColumns(FakeSqlServer& server, int64_t total, int64_t a_time) {
  server.on_fetch = [&server, total, a_time, cursor = int64_t{0}](
                        const tcli::TFetchResultsReq& request,
                        tcli::TFetchResultsResp& reply) mutable {
    const bool databricks = server.protocol >= 0xA501;
    if (databricks && request.__isset.startRowOffset) cursor = request.startRowOffset;
    const int64_t rows = std::min({total - cursor, a_time, request.maxRows});
    reply.results.startRowOffset = cursor;
    reply.results.__set_columns({NumberColumn(cursor, rows)});
    cursor += rows;
    reply.hasMoreRows = databricks && cursor < total;
  };
}

void SayArrow(FakeSqlServer& server, int format, bool lz4) {
  server.on_metadata = [format, lz4](tcli::TGetResultSetMetadataResp& reply) {
    reply.__set_resultFormat(format);
    reply.__set_lz4Compressed(lz4);
    reply.__set_arrowSchema(ArrowSchemaMessage(*NumberBatch(0, 1)->schema()));
  };
}

TEST(SqlChannel, SpeaksDatabricksDialect) {
  FakeSqlServer server;
  tcli::TOpenSessionReq opened;
  tcli::TExecuteStatementReq executed;
  std::string authorization;
  server.on_open = [&](const auto& request, auto&) { opened = request; };
  server.on_execute = [&](const auto& request, auto&) { executed = request; };
  server.on_headers = [&](const LoopbackRequest& request) {
    authorization = request.headers.at("authorization");
    EXPECT_EQ(request.headers.at("content-type"), "application/x-thrift");
    EXPECT_EQ(request.headers.at("x-team"), "a");
    EXPECT_EQ(request.target, "/sql/1.0/warehouses/1");
  };
  ServeColumns(server, 5, 2);
  SqlChannel::Options options = Options(server);
  options.catalog = "main";
  options.settings["ansi_mode"] = "true";
  options.endpoint.headers["X-Team"] = "a";
  {
    const auto channel = Open(std::move(options));
    ExpectIds(ReadIds(*channel), 5);
  }
  EXPECT_EQ(authorization, "Bearer dapiCANARY");
  EXPECT_FALSE(opened.__isset.clientProtocol);
  EXPECT_EQ(opened.clientProtocolI64, 0xA507);
  EXPECT_EQ(opened.initialNamespace.catalogName, "main");
  EXPECT_EQ(opened.configuration.at("spark.sql.session.timeZone"), "UTC");
  EXPECT_EQ(opened.configuration.at("ansi_mode"), "true");
  EXPECT_TRUE(executed.runAsync && executed.canReadArrowResult && executed.canDownloadResult &&
              executed.canDecompressLZ4Result && executed.useArrowNativeTypes.complexTypesAsArrow);
  EXPECT_TRUE(executed.__isset.getDirectResults);
  EXPECT_EQ(server.log(),
            (std::vector<std::string>{"OpenSession", "ExecuteStatement", "GetOperationStatus",
                                      "GetResultSetMetadata", "FetchResults", "FetchResults",
                                      "FetchResults", "CloseOperation", "CloseSession"}));
}

TEST(SqlChannel, SpeaksHivesDialectAndReadsUntilNothingComes) {
  FakeSqlServer server;
  tcli::TOpenSessionReq opened;
  tcli::TExecuteStatementReq executed;
  std::string authorization;
  server.on_open = [&](const auto& request, auto&) { opened = request; };
  server.on_execute = [&](const auto& request, auto&) { executed = request; };
  server.on_headers = [&](const LoopbackRequest& request) {
    authorization = request.headers.at("authorization");
  };
  SqlChannel::Options options = HiveOptions(server);
  options.schema = "sales";
  ServeColumns(server, 2500, 1000);
  const auto channel = Open(std::move(options));
  ExpectIds(ReadIds(*channel), 2500);
  EXPECT_EQ(authorization, "Basic dGVzdGVyOmRhcGlDQU5BUlk=");
  EXPECT_EQ(opened.clientProtocol, 7);
  EXPECT_FALSE(opened.__isset.clientProtocolI64 || opened.__isset.initialNamespace);
  EXPECT_EQ(opened.configuration.at("use:database"), "sales");
  EXPECT_FALSE(executed.__isset.canReadArrowResult || executed.__isset.getDirectResults);
}

TEST(SqlChannel, CountsWhatItsRowsTake) {
  FakeSqlServer server;
  ServeColumns(server, 1'000, 100);
  const auto channel = Open(Options(server));
  StatementOptions options;
  options.read = MakeByteCount();
  ExpectIds(ReadIds(*channel, options), 1'000);
  const int64_t read = options.read->load();
  EXPECT_GT(read, 8'000) << "a BIGINT has eight bytes";
  EXPECT_LT(read, 12'000);
  ExpectIds(ReadIds(*channel, options), 1'000);
  EXPECT_EQ(options.read->load(), 2 * read);
}

TEST(SqlChannel, TellsTheDialectByTheReplyNotByTheOffer) {
  FakeSqlServer server;
  server.protocol = 7;
  ServeColumns(server, 30, 10);
  const auto channel = Open(Options(server));
  ExpectIds(ReadIds(*channel), 30);
}

TEST(SqlChannel, KeepsOneSessionForManyStatements) {
  FakeSqlServer server;
  const auto channel = Open(Options(server));
  ExpectIds(ReadIds(*channel), 0);
  ExpectIds(ReadIds(*channel), 0);
  EXPECT_EQ(server.count("OpenSession"), 1);
  EXPECT_EQ(server.count("CloseOperation"), 2);
}

TEST(SqlChannel, TakesDirectResultsAndClosesOnlyWhatIsOpen) {
  FakeSqlServer server;
  server.on_execute = [](const auto&, tcli::TExecuteStatementResp& reply) {
    tcli::TSparkDirectResults direct;
    tcli::TGetOperationStatusResp state;
    state.__set_operationState(TOperationState::FINISHED);
    direct.__set_operationStatus(state);
    tcli::TGetResultSetMetadataResp metadata;
    tcli::TTableSchema schema;
    schema.columns.push_back(Described("id", tcli::TTypeId::BIGINT));
    metadata.__set_schema(schema);
    direct.__set_resultSetMetadata(metadata);
    tcli::TFetchResultsResp rows;
    rows.results.__set_columns({NumberColumn(0, 4)});
    rows.__set_results(rows.results);
    rows.__set_hasMoreRows(false);
    direct.__set_resultSet(rows);
    direct.__set_closeOperation({});
    reply.__set_directResults(direct);
  };
  {
    const auto channel = Open(Options(server));
    ExpectIds(ReadIds(*channel), 4);
  }
  EXPECT_EQ(server.log(),
            (std::vector<std::string>{"OpenSession", "ExecuteStatement", "CloseSession"}));
}

TEST(SqlChannel, GoesOnAfterDirectResultsThatAreNotAll) {
  FakeSqlServer server;
  ServeColumns(server, 10, 3);
  server.on_execute = [](const auto&, tcli::TExecuteStatementResp& reply) {
    tcli::TSparkDirectResults direct;
    tcli::TGetOperationStatusResp state;
    state.__set_operationState(TOperationState::RUNNING);
    direct.__set_operationStatus(state);
    tcli::TFetchResultsResp rows;
    tcli::TRowSet set;
    set.__set_columns({NumberColumn(0, 4)});
    rows.__set_results(set);
    rows.__set_hasMoreRows(true);
    direct.__set_resultSet(rows);
    reply.__set_directResults(direct);
  };
  const auto channel = Open(Options(server));
  ExpectIds(ReadIds(*channel), 10);
  EXPECT_EQ(server.count("GetOperationStatus"), 1);
}

TEST(SqlChannel, WaitsWhileTheStatementRuns) {
  FakeSqlServer server;
  const int states[] = {TOperationState::INITIALIZED, TOperationState::PENDING,
                        TOperationState::RUNNING, TOperationState::FINISHED};
  server.on_status = [&, at = 0](auto& reply) mutable { reply.operationState = states[at++]; };
  const auto channel = Open(Options(server));
  ExpectIds(ReadIds(*channel), 0);
  EXPECT_EQ(server.count("GetOperationStatus"), 4);
}

TEST(SqlChannel, SaysWhatTheServerSays) {
  FakeSqlServer server;
  server.on_status = [](auto& reply) {
    reply.operationState = TOperationState::ERROR;
    reply.__set_sqlState("42P01");
    reply.__set_errorMessage("org.X: [TABLE_OR_VIEW_NOT_FOUND] long");
    reply.__set_displayMessage("no such table t");
  };
  {
    const auto channel = Open(Options(server));
    auto ids = ReadIds(*channel);
    ASSERT_FALSE(ids);
    EXPECT_EQ(ids.error().code(), "SQL_NOT_FOUND");
    EXPECT_NE(
        ids.error().ToString().find("statement SELECT id FROM t: the SQL server says: no such"),
        std::string::npos)
        << ids.error().ToString();
  }
  EXPECT_EQ(server.count("CloseOperation"), 1) << "in every path";
  server.on_execute = [](const auto&, tcli::TExecuteStatementResp& reply) {
    reply.status.statusCode = TStatusCode::ERROR;
    reply.status.__set_sqlState("42601");
    reply.status.__set_errorMessage("[PARSE_SYNTAX_ERROR] near x");
  };
  EXPECT_EQ(ReadIds(*Open(Options(server))).error().code(), "SQL_STATEMENT");
}

TEST(SqlChannel, SomeoneElsesCancelIsNoSuccess) {
  FakeSqlServer server;
  server.on_status = [](auto& reply) { reply.operationState = TOperationState::CANCELED; };
  EXPECT_EQ(ReadIds(*Open(Options(server))).error().code(), "SQL_STOPPED");
  server.on_status = [](auto& reply) { reply.operationState = TOperationState::TIMEDOUT; };
  EXPECT_EQ(ReadIds(*Open(Options(server))).error().code(), "SQL_TIMEOUT");
}

TEST(SqlChannel, AStatementThatTakesTooLongIsCancelled) {
  FakeSqlServer server;
  server.on_status = [](auto& reply) { reply.operationState = TOperationState::RUNNING; };
  const auto channel = Open(Options(server));
  StatementOptions options;
  options.timeout_s = 1;
  auto ids = ReadIds(*channel, options);
  ASSERT_FALSE(ids);
  EXPECT_EQ(ids.error().code(), "SQL_TIMEOUT");
  EXPECT_EQ(server.count("CancelOperation"), 1);
}

TEST(SqlChannel, AForgottenSessionIsOpenedAgainAndTheStatementRestarted) {
  for (const bool by_status : {true, false}) {
    FakeSqlServer server;
    ServeColumns(server, 6, 6);
    server.on_execute = [&, calls = 0](const auto&, tcli::TExecuteStatementResp& reply) mutable {
      if (!by_status || calls++ > 0) return;
      reply.status.statusCode = TStatusCode::INVALID_HANDLE;
      reply.__isset.operationHandle = false;
    };
    server.on_http = [&](const std::string& method,
                         int64_t before) -> std::optional<LoopbackAnswer> {
      if (by_status || method != "ExecuteStatement" || before > 0) return std::nullopt;
      return Answer(404, "no such session");
    };
    const auto channel = Open(Options(server));
    ExpectIds(ReadIds(*channel), 6);
    EXPECT_EQ(server.count("OpenSession"), 2) << by_status;
  }
}

TEST(SqlChannel, AnOperationLostBeforeItsFirstRowIsRestarted) {
  FakeSqlServer server;
  ServeColumns(server, 6, 3);
  const auto serve = server.on_fetch;
  server.on_fetch = [&, serve, calls = 0](const auto& request, auto& reply) mutable {
    if (calls++ > 0) return serve(request, reply);
    reply.status.statusCode = TStatusCode::ERROR;
    reply.status.__set_errorMessage("Invalid OperationHandle: OperationHandle [x]");
  };
  const auto channel = Open(HiveOptions(server));
  ExpectIds(ReadIds(*channel), 6);
  EXPECT_EQ(server.count("ExecuteStatement"), 2);
}

TEST(SqlChannel, AnOperationLostAfterRowsWereHandedOnIsAnError) {
  FakeSqlServer server;
  ServeColumns(server, 6, 3);
  const auto serve = server.on_fetch;
  server.on_fetch = [&, serve, calls = 0](const auto& request, auto& reply) mutable {
    if (calls++ == 0) return serve(request, reply);
    reply.status.statusCode = TStatusCode::INVALID_HANDLE;
  };
  auto ids = ReadIds(*Open(HiveOptions(server)));
  ASSERT_FALSE(ids);
  EXPECT_EQ(ids.error().code(), "SQL_RESULT_LOST");
  EXPECT_NE(ids.error().message().find("3 rows came before"), std::string::npos);
  EXPECT_EQ(server.count("ExecuteStatement"), 1);
}

TEST(SqlChannel, ARestartMustGiveTheSameColumns) {
  FakeSqlServer server;
  server.on_metadata = [calls = 0](auto& reply) mutable {
    if (calls++ > 0) reply.schema.columns[0].columnName = "other";
  };
  server.on_fetch = [](const auto&, auto& reply) {
    reply.status.statusCode = TStatusCode::INVALID_HANDLE;
  };
  EXPECT_EQ(ReadIds(*Open(Options(server))).error().code(), "SQL_SCHEMA_DIFFERS");
}

/// A fetch that fails once with `answer`, on a server that has `total` rows.
void FailFetch(FakeSqlServer& server, int64_t which, LoopbackAnswer answer) {
  server.on_http = [which, answer](const std::string& method,
                                   int64_t before) -> std::optional<LoopbackAnswer> {
    if (method != "FetchResults" || before != which) return std::nullopt;
    return answer;
  };
}

TEST(SqlChannel, ALostFetchIsAskedAgainByItsFirstRow) {
  for (const LoopbackAnswer& answer : {Answer(500, "x"), LoopbackAnswer{"", true}}) {
    FakeSqlServer server;
    ServeColumns(server, 9, 3);
    FailFetch(server, 1, answer);
    const auto channel = Open(Options(server));
    ExpectIds(ReadIds(*channel), 9);
    EXPECT_EQ(server.count("ExecuteStatement"), 1);
  }
}

TEST(SqlChannel, AServerThatDoesNotGoBackAfterALostFetchIsCaught) {
  FakeSqlServer server;
  // A cursor that ignores the offset, and had moved when the reply was lost.
  server.on_fetch = [](const tcli::TFetchResultsReq& request, tcli::TFetchResultsResp& reply) {
    const int64_t at = request.startRowOffset == 0 ? 0 : request.startRowOffset + 3;
    reply.results.startRowOffset = at;
    reply.results.__set_columns({NumberColumn(at, 3)});
    reply.hasMoreRows = at < 6;
  };
  FailFetch(server, 1, Answer(500, "x"));
  auto ids = ReadIds(*Open(Options(server)));
  ASSERT_FALSE(ids);
  EXPECT_EQ(ids.error().code(), "SQL_RESULT_LOST");
}

TEST(SqlChannel, HivesLostFetchIsNeverRepeated) {
  FakeSqlServer first;
  ServeColumns(first, 6, 3);
  FailFetch(first, 0, Answer(500, "x"));
  const auto serve = first.on_fetch;
  const auto channel = Open(HiveOptions(first));
  ExpectIds(ReadIds(*channel), 6);
  EXPECT_EQ(first.count("ExecuteStatement"), 2) << "nothing was handed on: started again";

  FakeSqlServer second;
  ServeColumns(second, 6, 3);
  FailFetch(second, 1, LoopbackAnswer{"", true});
  auto ids = ReadIds(*Open(HiveOptions(second)));
  ASSERT_FALSE(ids);
  EXPECT_EQ(ids.error().code(), "SQL_RESULT_LOST");
  EXPECT_EQ(second.count("ExecuteStatement"), 1);
}

TEST(SqlChannel, AGapBetweenRepliesIsCaught) {
  FakeSqlServer server;
  server.on_fetch = [](const tcli::TFetchResultsReq& request, tcli::TFetchResultsResp& reply) {
    const int64_t at = request.startRowOffset == 0 ? 0 : request.startRowOffset + 1;
    reply.results.startRowOffset = at;
    reply.results.__set_columns({NumberColumn(at, 3)});
    reply.hasMoreRows = true;
  };
  EXPECT_EQ(ReadIds(*Open(Options(server))).error().code(), "SQL_RESULT_LOST");
}

TEST(SqlChannel, ARepliesWithoutRowsInBetweenIsNotTheEnd) {
  FakeSqlServer server;
  server.on_fetch = [calls = 0](const tcli::TFetchResultsReq& request,
                                tcli::TFetchResultsResp& reply) mutable {
    const bool empty = calls++ % 2 == 0;
    reply.results.startRowOffset = request.startRowOffset;
    reply.results.__set_columns({NumberColumn(request.startRowOffset, empty ? 0 : 3)});
    reply.hasMoreRows = request.startRowOffset < 6 || empty;
  };
  ExpectIds(ReadIds(*Open(Options(server))), 9);
}

TEST(SqlChannel, WaitsOutThrottlingOfAnyCall) {
  FakeSqlServer server;
  ServeColumns(server, 3, 3);
  server.on_http = [](const std::string& method, int64_t before) -> std::optional<LoopbackAnswer> {
    if (before > 0) return std::nullopt;
    if (method == "ExecuteStatement") return Answer(429, "", "Retry-After: 1\r\n");
    if (method == "FetchResults") {
      return Answer(503, "", "x-thriftserver-error-message: TEMPORARILY_UNAVAILABLE\r\n");
    }
    return std::nullopt;
  };
  const auto start = std::chrono::steady_clock::now();
  ExpectIds(ReadIds(*Open(HiveOptions(server))), 3);
  EXPECT_GE(std::chrono::steady_clock::now() - start, std::chrono::seconds(2));
  EXPECT_EQ(server.count("ExecuteStatement"), 1);
}

TEST(SqlChannel, DoesNotRepeatAStatementAfter500ButAfterALostReply) {
  FakeSqlServer server;
  server.on_http = [](const std::string& method, int64_t) -> std::optional<LoopbackAnswer> {
    if (method != "ExecuteStatement") return std::nullopt;
    return Answer(500, "x");
  };
  EXPECT_EQ(ReadIds(*Open(Options(server))).error().code(), "DATABRICKS_UNAVAILABLE");
  EXPECT_EQ(server.count("ExecuteStatement!"), 1);

  FakeSqlServer lost;
  lost.on_http = [](const std::string& method, int64_t before) -> std::optional<LoopbackAnswer> {
    if (method != "ExecuteStatement" || before > 0) return std::nullopt;
    return LoopbackAnswer{"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf", true};
  };
  ExpectIds(ReadIds(*Open(Options(lost))), 0);
}

TEST(SqlChannel, AnAnswerThatIsNoThriftIsACleanError) {
  FakeSqlServer server;
  for (const std::string body : {"<html>sign in</html>", "", "\x80\x01 but then garbage follows"}) {
    server.on_http = [&](const std::string& method, int64_t) -> std::optional<LoopbackAnswer> {
      if (method != "ExecuteStatement") return std::nullopt;
      return Answer(200, body);
    };
    auto ids = ReadIds(*Open(Options(server)));
    ASSERT_FALSE(ids) << body;
    EXPECT_EQ(ids.error().code(), "SQL_ANSWER") << body;
  }
}

TEST(SqlChannel, ATokenThatIsRefusedIsRenewedOnceAndNeverShown) {
  FakeSqlServer server;
  std::string accepted = "Bearer second-CANARY";
  std::string seen;
  server.on_headers = [&](const LoopbackRequest& request) {
    seen = request.headers.at("authorization");
  };
  server.on_http = [&](const std::string&, int64_t) -> std::optional<LoopbackAnswer> {
    if (seen == accepted) return std::nullopt;
    return Answer(401, "expired");
  };
  SqlChannel::Options options = Options(server);
  options.endpoint.token = [](bool rejected) -> Result<Secret> {
    return Secret(rejected ? "second-CANARY" : "first-CANARY");
  };
  ExpectIds(ReadIds(*Open(options)), 0);
  accepted = "nothing";
  auto ids = ReadIds(*Open(options));
  ASSERT_FALSE(ids);
  EXPECT_EQ(ids.error().code(), "DATABRICKS_TOKEN_INVALID");
  EXPECT_EQ(ids.error().ToString().find("CANARY"), std::string::npos);
}

TEST(SqlChannel, SendsBackCookies) {
  FakeSqlServer server;
  std::string cookies;
  server.on_headers = [&](const LoopbackRequest& request) {
    const auto found = request.headers.find("cookie");
    cookies = found == request.headers.end() ? "" : found->second;
  };
  server.on_http = [](const std::string& method, int64_t before) -> std::optional<LoopbackAnswer> {
    if (method != "OpenSession" || before > 0) return std::nullopt;
    return Answer(503, "", "Set-Cookie: b=two2two; Path=/; Secure\r\nSet-Cookie: a=one1one\r\n");
  };
  ExpectIds(ReadIds(*Open(Options(server))), 0);
  EXPECT_EQ(cookies, "a=one1one; b=two2two");
}

TEST(SqlChannel, ReadsArrowBatchesPlainAndCompressed) {
  for (const bool lz4 : {false, true}) {
    FakeSqlServer server;
    SayArrow(server, tcli::TSparkRowSetType::ARROW_BASED_SET, lz4);
    server.on_fetch = [lz4](const tcli::TFetchResultsReq& request, tcli::TFetchResultsResp& reply) {
      std::vector<tcli::TSparkArrowBatch> batches(2);
      for (size_t i = 0; i < 2; ++i) {
        const auto first = request.startRowOffset + static_cast<int64_t>(i) * 5;
        const std::string bytes = ArrowBatchMessages(*NumberBatch(first, 5));
        batches[i].batch = lz4 ? Lz4Frame(bytes) : bytes;
        batches[i].rowCount = 5;
      }
      reply.results.__set_arrowBatches(batches);
      reply.hasMoreRows = request.startRowOffset < 20;
    };
    ExpectIds(ReadIds(*Open(Options(server))), 30);
  }
}

TEST(SqlChannel, HandsOnNothingOfAReplyWithABadBatch) {
  FakeSqlServer server;
  SayArrow(server, tcli::TSparkRowSetType::ARROW_BASED_SET, true);
  server.on_fetch = [](const auto&, tcli::TFetchResultsResp& reply) {
    std::vector<tcli::TSparkArrowBatch> batches(2);
    batches[0].batch = Lz4Frame(ArrowBatchMessages(*NumberBatch(0, 5)));
    batches[0].rowCount = 5;
    batches[1].batch = batches[0].batch.substr(0, 20);
    batches[1].rowCount = 5;
    reply.results.__set_arrowBatches(batches);
  };
  const auto channel = Open(Options(server));
  auto rows = channel->Execute("SELECT 1");
  ASSERT_TRUE(rows);
  auto batch = (*rows)->Next();
  ASSERT_FALSE(batch);
  EXPECT_EQ(batch.error().code(), "SQL_ARROW_BYTES");
}

TEST(SqlChannel, RefusesRowsInAnotherFormThanAnnounced) {
  FakeSqlServer arrow;
  SayArrow(arrow, tcli::TSparkRowSetType::ARROW_BASED_SET, false);
  ServeColumns(arrow, 3, 3);
  EXPECT_EQ(ReadIds(*Open(Options(arrow))).error().code(), "SQL_ANSWER");
  FakeSqlServer rows;
  rows.on_metadata = [](auto& reply) {
    reply.__set_resultFormat(tcli::TSparkRowSetType::ROW_BASED_SET);
  };
  EXPECT_EQ(ReadIds(*Open(Options(rows))).error().code(), "SQL_ANSWER");
}

TEST(SqlChannel, MakesSureThatTimestampsAreWrittenInUtc) {
  for (const std::string zone : {"Etc/UTC", "Asia/Shanghai"}) {
    FakeSqlServer server;
    bool asks_zone = false;
    server.on_execute = [&](const tcli::TExecuteStatementReq& request, auto&) {
      asks_zone = request.statement == "SELECT current_timezone()";
    };
    server.on_metadata = [&](auto& reply) {
      using Id = tcli::TTypeId;
      reply.schema.columns = {Described("c", asks_zone ? Id::STRING : Id::TIMESTAMP)};
    };
    server.on_fetch = [&](const auto&, tcli::TFetchResultsResp& reply) {
      reply.results.__set_columns({TextColumn({asks_zone ? zone : "2020-01-01 00:00:00"})});
    };
    const auto channel = Open(Options(server));
    auto first = channel->Execute("SELECT ts FROM t");
    if (zone == "Etc/UTC") {
      ASSERT_TRUE(first) << first.error().ToString();
      ASSERT_TRUE(channel->Execute("SELECT ts FROM t"));
      EXPECT_EQ(server.count("ExecuteStatement"), 3) << "asked once a session";
    } else {
      ASSERT_FALSE(first);
      EXPECT_EQ(first.error().code(), "SQL_TIME_ZONE");
    }
  }
}

TEST(SqlChannel, APathNobodyServesIsNamed) {
  FakeSqlServer server;
  server.on_http = [](const std::string&, int64_t) { return Answer(404, "no"); };
  EXPECT_EQ(ReadIds(*Open(Options(server))).error().code(), "SQL_PATH_NOT_FOUND");
}

}  // namespace
}  // namespace mms::databricks
