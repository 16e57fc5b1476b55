#include "clients/maxcompute/client.h"

#include <gtest/gtest.h>

#include <fstream>
#include <mutex>
#include <nlohmann/json.hpp>
#include <pugixml.hpp>

#include "base/loopback_server.h"
#include "clients/maxcompute/signing.h"

namespace mms::maxcompute {
namespace {

const Credentials kKey{"testid", Secret("testsecret-canary"), Secret(), ""};

Options To(const LoopbackServer& server) {
  Options options;
  options.endpoint = server.url() + "/api/";
  options.project = "p1";
  options.credentials = kKey;
  options.sql_poll_ms = 1;
  options.retry.first_wait_ms = 1;
  options.retry.throttled_first_wait_ms = 1;
  options.logview_host = "http://logview.example";
  options.retry.attempts_max = 3;
  return options;
}

/// Where instances of the project are shown, up to their id.
std::string LogviewOf(const LoopbackServer& server) {
  return "http://logview.example/logview/?h=" + server.url() + "/api&p=p1&i=";
}

Client Make(Options options) {
  return Client(std::move(options), std::make_shared<HttpClient>(HttpClient::Options{}));
}

/// The target without /api and query.
std::string PathOf(const LoopbackRequest& request) {
  const std::string path = request.target.substr(0, request.target.find('?'));
  return path.starts_with("/api/") ? path.substr(4) : path;
}

bool Has(const LoopbackRequest& request, const std::string& text) {
  return request.target.find(text) != std::string::npos;
}

/// The signature as a server computes it: from what came over the wire, decoded.
std::string SignatureOf(const LoopbackRequest& request, const std::string& region = "") {
  SignedRequest seen{request.method, UrlDecode(PathOf(request)), {}, {}};
  std::string query =
      request.target.substr(std::min(request.target.size(), request.target.find('?')));
  while (!query.empty()) {
    const size_t end = std::min(query.find('&', 1), query.size());
    const std::string pair = query.substr(1, end - 1);
    const size_t equals = std::min(pair.find('='), pair.size());
    seen.query.emplace_back(UrlDecode(pair.substr(0, equals)),
                            UrlDecode(pair.substr(std::min(equals + 1, pair.size()))));
    query.erase(0, end);
  }
  for (const auto& header : request.headers) seen.headers.push_back(header);
  AccessKey key;
  key.id = kKey.access_key_id;
  key.secret = kKey.access_key_secret;
  return Authorization(seen, key, region, std::chrono::system_clock::now());
}

TEST(Client, SignsWhatTheServerSeesAfterDecoding) {
  LoopbackServer server([](const LoopbackRequest& request) {
    EXPECT_EQ(request.headers.at("authorization"), SignatureOf(request));
    EXPECT_EQ(request.headers.at("x-odps-user-agent"), "open-mms/0.1");
    EXPECT_TRUE(request.headers.at("date").ends_with(" GMT"));
    EXPECT_TRUE(request.target.starts_with("/api/projects/p1/tables/t%20%C3%A9?"));
    EXPECT_TRUE(Has(request, "curr_project=p1"));
    EXPECT_FALSE(Has(request, "+"));
    return Answer(200, "");
  });
  Client client = Make(To(server));
  Client::Call call{CallKind::kFetchTable};
  call.path = "/projects/p1/tables/t \xC3\xA9";
  call.query = {{"partition", "a=x y,b='1+2'"}, {"arrow", ""}, {"rowrange", "(0,5)"}};
  call.headers = {{"x-odps-tunnel-version", "6"}, {"Content-Type", "text/plain"}};
  Result<HttpResponse> answer = client.Perform(call);
  ASSERT_TRUE(answer) << answer.error().ToString();
}

TEST(Client, ABearerTokenStandsForASignature) {
  LoopbackServer server([](const LoopbackRequest& request) {
    EXPECT_FALSE(request.headers.contains("authorization"));
    EXPECT_EQ(request.headers.at("x-odps-bearer-token"), "bearer-canary");
    return Answer(200, "<Project/>");
  });
  Options options = To(server);
  options.credentials.bearer_token = Secret("bearer-canary");
  EXPECT_TRUE(Make(options).FetchProject());
}

TEST(Client, SignsPlainOnceTheServiceRefusesV4) {
  const std::pair<const char*, const char*> kRefusals[] = {
      {"InternalServerError", "Need AK v3 support"},
      {"InternalServerError", "AccessKey ACL denied"},
      {"InvalidParameter", "ODPS-0410051: invalid credentials"},
      {"AuthorizationRequired", "signature invalid or missing"},
  };
  for (const auto& [code, message] : kRefusals) {
    std::vector<std::string> signatures;
    LoopbackServer server([&](const LoopbackRequest& request) {
      const std::string& signature = request.headers.at("authorization");
      signatures.push_back(signature);
      if (signature == SignatureOf(request)) return Answer(200, "<Project/>");
      EXPECT_EQ(signature, SignatureOf(request, "cn-hangzhou"));
      return Answer(400, std::string("<Error><Code>") + code + "</Code><Message>" + message +
                             "</Message></Error>");
    });
    Options options = To(server);
    options.credentials.region = "cn-hangzhou";
    Client client = Make(options);
    EXPECT_TRUE(client.FetchProject()) << message;
    EXPECT_TRUE(client.FetchProject());
    EXPECT_EQ(signatures.size(), 3u) << "it remembers";
  }
}

TEST(Client, ARenewedKeyIsTriedWhenTheOldOneIsRefused) {
  const std::string file = testing::TempDir() + "mms_key.json";
  const auto write = [&file](const std::string& secret) {
    std::ofstream(file) << R"({"AccessKeyId":"testid","AccessKeySecret":")" << secret << "\"}";
  };
  write("old-canary");
  int refused = 0;
  LoopbackServer server([&](const LoopbackRequest& request) {
    if (request.headers.at("authorization") == SignatureOf(request)) {
      return Answer(200, "<Project/>");
    }
    ++refused;
    write("testsecret-canary");  // somebody renews it meanwhile
    return Answer(401, "<Error><Code>Unauthorized</Code><Message>m</Message></Error>");
  });
  Options options = To(server);
  options.credentials = {};
  options.credentials.key_file = file;
  const auto status = Make(options).FetchProject();
  EXPECT_TRUE(status) << status.error().ToString();
  EXPECT_EQ(refused, 1);
}

TEST(Client, SendsTheSecurityTokenAndTheSchema) {
  LoopbackServer server([](const LoopbackRequest& request) {
    EXPECT_EQ(request.headers.at("authorization-sts-token"), "sts-token-canary");
    EXPECT_TRUE(Has(request, "curr_schema=s1"));
    return Answer(200, "<Project><Name>p1</Name></Project>");
  });
  Options options = To(server);
  options.credentials.security_token = Secret("sts-token-canary");
  options.schema = "s1";
  EXPECT_TRUE(Make(options).FetchProject());
  EXPECT_TRUE(UsesSchema(options));
  options.schema = "default";
  EXPECT_FALSE(UsesSchema(options));
}

TEST(Client, CheckProjectTellsWhatIsWrong) {
  int status = 404;
  std::string body;
  LoopbackServer server([&](const LoopbackRequest&) { return Answer(status, body); });
  Client client = Make(To(server));
  const struct {
    int status;
    std::string body, code;
  } cases[] = {
      {404, "", "ODPS_PROJECT_NOT_FOUND"},
      {401, "<Error><Code>Unauthorized</Code><Message>m</Message></Error>", "ODPS_SIGNATURE"},
      {403, "<Error><Code>NoPermission</Code><Message>m</Message></Error>", "ODPS_DENIED"},
      {404, "<html>nginx</html>", "ODPS_ENDPOINT"},
      {200, "<html>welcome</html>", "ODPS_ANSWER"},
  };
  for (const auto& item : cases) {
    status = item.status;
    body = item.body;
    const auto result = client.FetchProject();
    ASSERT_FALSE(result) << item.code;
    EXPECT_EQ(result.error().code(), item.code);
    EXPECT_EQ(result.error().where(), "project p1");
  }
}

TEST(Client, AnEndpointThatIsNoAddressIsRefused) {
  Options options;
  options.endpoint = "service.example.com/api";
  options.project = "p1";
  const auto result = Make(options).FetchProject();
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code(), "ODPS_ENDPOINT");
}

TEST(Client, RepeatsReadsThatMayPass) {
  int calls = 0;
  LoopbackServer server([&calls](const LoopbackRequest&) {
    return ++calls < 3 ? Answer(503, "") : Answer(200, "<Project/>");
  });
  EXPECT_TRUE(Make(To(server)).FetchProject());
  EXPECT_EQ(calls, 3);
}

TEST(Client, FetchTableTellsAbsentTables) {
  LoopbackServer server([](const LoopbackRequest& request) {
    EXPECT_EQ(PathOf(request), "/projects/p1/tables/t1");
    return Answer(404,
                  "<Error><Code>NoSuchObject</Code><Message>ODPS-0130131:Table not found"
                  "</Message><RequestId>r</RequestId><HostId>h</HostId></Error>");
  });
  Result<TableInfo> info = Make(To(server)).FetchTable("t1");
  ASSERT_FALSE(info);
  EXPECT_EQ(info.error().kind(), ErrorKind::kNotFound);
  EXPECT_EQ(info.error().code(), "ODPS_TABLE_NOT_FOUND");
  EXPECT_EQ(info.error().where(), "target table t1");
}

TEST(Client, FetchTableReadsTheKindOffTheExtendedDocument) {
  LoopbackServer server([](const LoopbackRequest& request) {
    const char* schema = Has(request, "extended") ? R"({"Reserved":"{\"PrimaryKey\":[\"id\"]}"})"
                                                  : R"({"columns":[]})";
    return Answer(200, "<Table><Schema><![CDATA[" + std::string(schema) + "]]></Schema></Table>");
  });
  Result<TableInfo> info = Make(To(server)).FetchTable("t1");
  ASSERT_TRUE(info) << info.error().ToString();
  EXPECT_EQ(info->traits.primary_key, std::vector<std::string>{"id"});
}

std::string Page(const std::string& value, const std::string& marker) {
  return "<Partitions><Partition><Column Name=\"ds\" Value=\"" + value +
         "\"/></Partition><Marker>" + marker + "</Marker></Partitions>";
}

TEST(Client, ListPartitionsFollowsMarkersToTheEmptyOne) {
  LoopbackServer server([](const LoopbackRequest& request) {
    if (Has(request, "marker=m%2F1")) return Answer(200, Page("2", "m2"));
    if (Has(request, "marker=m2")) return Answer(200, Page("3", ""));
    return Answer(200, Page("1", "m/1"));
  });
  Client client = Make(To(server));
  std::string seen;
  const Status result = client.ListPartitions("t", [&seen](const PartitionSpec& spec) {
    seen += ToTunnelText(spec) + ";";
    return OkStatus();
  });
  ASSERT_TRUE(result) << result.error().ToString();
  EXPECT_EQ(seen, "ds=1;ds=2;ds=3;");
  const Status stopped = client.ListPartitions("t", [](const PartitionSpec&) -> Status {
    return Error(ErrorKind::kCancelled, "ENOUGH", "enough");
  });
  ASSERT_FALSE(stopped);
  EXPECT_EQ(stopped.error().code(), "ENOUGH");
}

TEST(Client, ListPartitionsEndsAMarkerThatDoesNotMove) {
  LoopbackServer server([](const LoopbackRequest&) { return Answer(200, Page("1", "same")); });
  const Status result =
      Make(To(server)).ListPartitions("t", [](const PartitionSpec&) { return OkStatus(); });
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code(), "ODPS_ANSWER");
}

TEST(Client, TunnelIsAskedOnceAndTakesTheEndpointsScheme) {
  LoopbackServer server([](const LoopbackRequest& request) {
    EXPECT_EQ(PathOf(request), "/projects/p1/tunnel");
    EXPECT_TRUE(Has(request, "?service&"));
    return Answer(200, "dt.example.com:8080\n");
  });
  Client client = Make(To(server));
  for (int i = 0; i < 2; ++i) {
    Result<std::string> endpoint = client.TunnelEndpoint();
    ASSERT_TRUE(endpoint) << endpoint.error().ToString();
    EXPECT_EQ(*endpoint, "http://dt.example.com:8080");
  }
  EXPECT_EQ(server.requests(), 1);
}

TEST(Client, AConfiguredTunnelIsNotAskedFor) {
  Options options;
  options.tunnel_endpoint = "https://dt.example.com/";
  EXPECT_EQ(*Make(options).TunnelEndpoint(), "https://dt.example.com");
  options.tunnel_endpoint = "dt.example.com";
  EXPECT_EQ(Make(options).TunnelEndpoint().error().code(), "ODPS_ENDPOINT");
}

/// Plays the life of one SQL instance.
class SqlService {
 public:
  explicit SqlService(std::string status = "Success") : task_status_(std::move(status)) {}

  LoopbackAnswer operator()(const LoopbackRequest& request) {
    const std::string task =
        "<Instance><Status>Terminated</Status><Tasks><Task Type=\"SQL\">"
        "<Name>AnonymousSQLTask</Name>";
    if (request.method == "POST") {
      std::lock_guard lock(mutex);
      submitted.push_back(request.body);
      if (submit_failure.empty()) return Answer(201, "", "Location: http://h/instances/i1\r\n");
      const LoopbackAnswer failure = submit_failure.front();
      submit_failure.erase(submit_failure.begin());
      return failure;
    }
    if (PathOf(request) == "/projects/p1/instances") {
      EXPECT_TRUE(Has(request, "onlyowner=yes&daterange="));
      // The first page has others' instances only.
      return Answer(200,
                    Has(request, "marker=m1")
                        ? "<Instances><Instance><Name>i1</Name></Instance><Marker/></Instances>"
                        : "<Instances><Instance><Name>i0</Name></Instance><Marker>m1</Marker>"
                          "</Instances>");
    }
    if (Has(request, "?source")) {
      std::lock_guard lock(mutex);
      const bool ours = PathOf(request).ends_with("/i1") && applied;
      return Answer(200, ours ? submitted.back() : "<Job/>");
    }
    EXPECT_EQ(PathOf(request), "/projects/p1/instances/i1");
    if (Has(request, "?taskstatus")) {
      return Answer(200, task + "<Status>" + task_status_ + "</Status></Task></Tasks></Instance>");
    }
    if (Has(request, "?result")) {
      return Answer(
          200, task + result + "<Status>" + task_status_ + "</Status></Task></Tasks></Instance>");
    }
    const bool done = polls_++ >= 2;
    return Answer(200, std::string("<Instance><Status>") + (done ? "Terminated" : "Running") +
                           "</Status></Instance>");
  }

  std::mutex mutex;
  std::vector<std::string> submitted;
  std::vector<LoopbackAnswer> submit_failure;
  bool applied = false;  ///< what was answered by a failure ran all the same
  std::string result = "<Result Format=\"text\"/>";

 private:
  std::string task_status_;
  int polls_ = 0;
};

TEST(RunSql, SubmitsPollsAndReadsRows) {
  SqlService service;
  // "n","s" / 7,\N / 8,"a,""b"
  service.result =
      "<Result Transform=\"Base64\" Format=\"csv\"><![CDATA[Im4iLCJzIgo3LFxOCjgsImEsIiJiIgo=]]>"
      "</Result>";
  LoopbackServer server(std::ref(service));
  Options options = To(server);
  options.sql_settings = {{"odps.sql.hive.compatible", "true"}, {"my.flag", "x"}};
  Result<SqlResult> result =
      Make(options).RunSql("SELECT n, s FROM t WHERE a < 'x' AND b = \"]]>&\" ");
  ASSERT_TRUE(result) << result.error().ToString();
  EXPECT_EQ(result->instance_id, "i1");
  EXPECT_EQ(result->columns, (std::vector<std::string>{"n", "s"}));
  ASSERT_EQ(result->rows.size(), 2u);
  EXPECT_EQ(result->rows[0][1], std::nullopt);
  EXPECT_EQ(result->rows[1][1], "a,\"b");

  pugi::xml_document document;
  ASSERT_TRUE(document.load_string(service.submitted.at(0).c_str()));
  const pugi::xml_node sql = document.child("Instance").child("Job").child("Tasks").child("SQL");
  EXPECT_STREQ(sql.child_value("Name"), "AnonymousSQLTask");
  EXPECT_STREQ(sql.child_value("Query"), "SELECT n, s FROM t WHERE a < 'x' AND b = \"]]>&\";");
  const pugi::xml_node property = sql.child("Config").child("Property");
  EXPECT_STREQ(property.child_value("Name"), "settings");
  const auto settings = nlohmann::json::parse(property.child_value("Value"));
  EXPECT_EQ(settings.at("odps.sql.type.system.odps2"), "true");
  EXPECT_EQ(settings.at("odps.sql.decimal.odps2"), "true");
  EXPECT_EQ(settings.at("odps.sql.allow.fullscan"), "true");
  EXPECT_EQ(settings.at("odps.sql.hive.compatible"), "true") << "the user's word is the last";
  EXPECT_EQ(settings.at("my.flag"), "x");
  EXPECT_FALSE(settings.contains("odps.namespace.schema"));
}

TEST(RunSql, SaysThatNamesHaveThreeTiersWhenASchemaIsSet) {
  SqlService service;
  LoopbackServer server(std::ref(service));
  Options options = To(server);
  options.schema = "s1";
  ASSERT_TRUE(Make(options).RunSql("DROP TABLE IF EXISTS p1.s1.t;"));
  EXPECT_NE(service.submitted.at(0).find("odps.namespace.schema"), std::string::npos);
  EXPECT_NE(service.submitted.at(0).find("<Query>DROP TABLE IF EXISTS p1.s1.t;</Query>"),
            std::string::npos);
}

TEST(RunSql, AFailedTaskIsTheErrorOfItsCode) {
  SqlService service("Failed");
  service.result =
      "<Result Format=\"text\"><![CDATA[FAILED: ODPS-0130131:[1,15] Table not found"
      "]]></Result>";
  LoopbackServer server(std::ref(service));
  Result<SqlResult> result = Make(To(server)).RunSql("SELECT 1 FROM t");
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code(), "ODPS_TABLE_NOT_FOUND");
  EXPECT_EQ(result.error().where(),
            "statement 'SELECT 1 FROM t' (instance i1, " + LogviewOf(server) + "i1)");
}

TEST(RunSql, ACancelledTaskIsAConflict) {
  SqlService service("Cancelled");
  LoopbackServer server(std::ref(service));
  Result<SqlResult> result = Make(To(server)).RunSql("SELECT 1");
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code(), "ODPS_SQL_CANCELLED");
}

TEST(RunSql, NeverSubmitsAgainWhenTheAnswerWasLost) {
  for (const LoopbackAnswer& failure :
       {LoopbackAnswer{"", true}, Answer(500, ""), Answer(503, "<html/>")}) {
    SqlService service;
    service.submit_failure = {failure};
    LoopbackServer server(std::ref(service));
    Result<SqlResult> result = Make(To(server)).RunSql("INSERT INTO t VALUES (1)");
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().kind(), ErrorKind::kUnavailable);
    EXPECT_EQ(service.submitted.size(), 1u);
  }
}

TEST(RunSql, GoesOnWithTheInstanceWhoseAnswerWasLost) {
  for (const LoopbackAnswer& failure : {LoopbackAnswer{"", true}, Answer(500, "")}) {
    SqlService service;
    service.submit_failure = {failure};
    service.applied = true;
    LoopbackServer server(std::ref(service));
    Result<SqlResult> result = Make(To(server)).RunSql("INSERT INTO t VALUES (1)");
    ASSERT_TRUE(result) << result.error().ToString();
    EXPECT_EQ(result->instance_id, "i1");
    EXPECT_EQ(service.submitted.size(), 1u);
  }
}

TEST(RunSql, SubmitsAgainWhatWasRefusedForNow) {
  SqlService service;
  service.submit_failure = {Answer(429, ""), Answer(429, "")};
  LoopbackServer server(std::ref(service));
  EXPECT_TRUE(Make(To(server)).RunSql("SELECT 1"));
  EXPECT_EQ(service.submitted.size(), 3u);
}

TEST(RunSql, TakesAResultThatComesWithTheSubmission) {
  SqlService service;
  service.submit_failure = {
      Answer(200,
             "<Instance><Tasks><Task Type=\"SQL\"><Name>n</Name><Result Format=\"text\">done"
             "</Result><Status>Success</Status></Task></Tasks></Instance>",
             "Location: http://h/instances/i9?x\r\n")};
  LoopbackServer server(std::ref(service));
  Result<SqlResult> result = Make(To(server)).RunSql("SHOW TABLES");
  ASSERT_TRUE(result) << result.error().ToString();
  EXPECT_EQ(result->instance_id, "i9");
  EXPECT_EQ(result->text, "done");
  EXPECT_EQ(server.requests(), 1);
}

TEST(RunSql, StopsAnInstanceThatTakesTooLong) {
  std::atomic<int> stops{0};
  LoopbackServer server([&stops](const LoopbackRequest& request) {
    if (request.method == "POST") return Answer(201, "", "Location: http://h/instances/i1\r\n");
    stops += request.method == "PUT" ? 1 : 0;
    return Answer(200, "<Instance><Status>Running</Status></Instance>");
  });
  Options options = To(server);
  options.sql_timeout_ms = 5;
  Result<SqlResult> result = Make(options).RunSql("SELECT 1");
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code(), "ODPS_SQL_TIMEOUT");
  EXPECT_EQ(stops, 1);
}

TEST(RunSql, StopsAnInstanceThatIsNoLongerWanted) {
  std::atomic<int> stops{0};
  auto http = std::make_shared<HttpClient>(HttpClient::Options{});
  LoopbackServer server([&](const LoopbackRequest& request) {
    if (request.method == "POST") return Answer(201, "", "Location: http://h/instances/i1\r\n");
    if (request.method == "GET") http->Cancel();  // all our calls end from here on
    stops += request.method == "PUT" ? 1 : 0;
    return Answer(200, "<Instance><Status>Running</Status></Instance>");
  });
  Result<SqlResult> stopped = Client(To(server), http).RunSql("SELECT 1");
  ASSERT_FALSE(stopped);
  EXPECT_EQ(stopped.error().kind(), ErrorKind::kCancelled);
  EXPECT_NE(stopped.error().message().find("the instance was cancelled"), std::string::npos);
  EXPECT_EQ(stops, 1);
}

TEST(RunSql, AStatementHasItsOwnWordOnSettingsTimeAndStopping) {
  std::string submitted;
  std::atomic<int> stops{0};
  LoopbackServer server([&](const LoopbackRequest& request) {
    if (request.method == "PUT") {
      ++stops;
      return Answer(503, "");
    }
    if (request.method == "POST") {
      submitted = request.body;
      return Answer(201, "", "Location: http://h/instances/i1\r\n");
    }
    return Answer(200, "<Instance><Status>Running</Status></Instance>");
  });
  Options options = To(server);
  options.sql_settings = {{"a", "project"}};
  SqlOptions of_statement;
  of_statement.settings = {{"a", "statement"}};
  std::string told;
  of_statement.on_submitted = [&told](const SubmittedSql& sql) {
    told = sql.instance_id + " " + sql.logview_url + " " + sql.statement;
  };
  int looks = 0;
  of_statement.cancelled = [&looks] { return ++looks > 2; };
  Result<SqlResult> stopped = Make(options).RunSql("SELECT 1", of_statement);
  ASSERT_FALSE(stopped);
  EXPECT_EQ(stopped.error().kind(), ErrorKind::kCancelled);
  EXPECT_NE(stopped.error().message().find("it may still run"), std::string::npos);
  EXPECT_GE(stops, 1);
  EXPECT_EQ(told, "i1 " + LogviewOf(server) + "i1 SELECT 1");
  EXPECT_NE(submitted.find(R"("a":"statement")"), std::string::npos) << submitted;
  of_statement.cancelled = nullptr;
  of_statement.timeout_ms = 5;
  EXPECT_EQ(Make(options).RunSql("SELECT 1", of_statement).error().code(), "ODPS_SQL_TIMEOUT");
}

TEST(Logview, IsAskedForOnceAndItsTokenIsASecret) {
  std::atomic<int> asked{0};
  LoopbackServer server([&asked](const LoopbackRequest& request) {
    if (PathOf(request) == "/logview/host") {
      ++asked;
      return Answer(200, "https://logview.example.com/\n");
    }
    EXPECT_EQ(PathOf(request), "/projects/p1/authorization");
    EXPECT_TRUE(Has(request, "?sign_bearer_token"));
    const auto body = nlohmann::json::parse(request.body);
    EXPECT_EQ(body.at("expires_in_hours"), 5);
    EXPECT_EQ(body.at("policy").at("Statement").at(0).at("Resource"),
              "acs:odps:*:projects/p1/instances/i1");
    return Answer(200, "<Authorization><Result>tok+canary</Result></Authorization>");
  });
  Options options = To(server);
  options.logview_host = "";
  Client client = Make(options);
  const std::string url = "https://logview.example.com/logview/?h=" + server.url() + "/api&p=p1&i=";
  EXPECT_EQ(client.LogviewUrl("i1"), url + "i1");
  EXPECT_EQ(client.LogviewUrl("i2"), url + "i2");
  Result<Secret> with_token = client.FetchLogviewUrl("i1", 5);
  ASSERT_TRUE(with_token) << with_token.error().ToString();
  EXPECT_EQ(with_token->Reveal(), url + "i1&token=tok%2Bcanary");
  EXPECT_EQ(ScrubSecrets("tok+canary"), "***");
  EXPECT_EQ(asked, 1);
}

TEST(Logview, AServiceWithoutOneGivesNoLink) {
  LoopbackServer server([](const LoopbackRequest&) { return Answer(404, ""); });
  Options options = To(server);
  options.logview_host = "";
  Client client = Make(options);
  EXPECT_EQ(client.LogviewUrl("i1"), "");
  EXPECT_EQ(client.FetchLogviewUrl("i1").error().code(), "ODPS_LOGVIEW");
  EXPECT_EQ(server.requests(), 1);
}

TEST(Quoting, EscapesWhatSqlWouldReadOtherwise) {
  EXPECT_EQ(QuoteLiteral("it's \"a\\b\"\n"), R"('it\'s \"a\\b\"\n')");
  EXPECT_EQ(QuoteLiteral(std::string_view("a\0\b\t\r", 5)), R"('a\0\b\t\r')");
  EXPECT_EQ(QuoteName("a`b"), "`a``b`");
  const PartitionSpec spec = {{"ds", "2026"}, {"h", "it's"}};
  EXPECT_EQ(ToTunnelText(spec), "ds=2026,h=it's");
  EXPECT_EQ(ToSqlText(spec), "ds='2026',h='it\\'s'");
  EXPECT_EQ(ToTunnelText({}), "");
}

TEST(StatementStart, IsOneLineOfWholeCharacters) {
  EXPECT_EQ(StatementStart("SELECT\n1;", 100), "SELECT 1;");
  EXPECT_EQ(StatementStart("SELECT 1;", 6), "SELECT...");
  EXPECT_EQ(StatementStart("城市", 3), "城...");
  EXPECT_EQ(StatementStart("城市", 5), "城...");
  EXPECT_EQ(StatementStart("城市", 6), "城市");
}

}  // namespace
}  // namespace mms::maxcompute
