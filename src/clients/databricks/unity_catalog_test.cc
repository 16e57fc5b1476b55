#include "clients/databricks/unity_catalog.h"

#include <gtest/gtest.h>

#include <chrono>

#include "base/loopback_server.h"
#include "clients/databricks/sign_in.h"

namespace mms::databricks {
namespace {

UnityCatalog Client(const LoopbackServer& server) {
  UnityCatalog client(server.url() + "/?o=1", FixedToken(Secret("dapiCANARY")),
                      std::make_shared<HttpClient>(HttpClient::Options{}));
  RetryPolicy quick;
  quick.attempts_max = 3;
  quick.first_wait_ms = 1;
  client.SetRetryPolicy(quick);
  return client;
}

TEST(UnityCatalog, SendsItsTokenAndReadsTheUserName) {
  std::string target;
  std::string token;
  LoopbackServer server([&](const LoopbackRequest& request) {
    target = request.target;
    token = request.headers.at("authorization");
    return Answer(200, R"({"userName":"ann@example.com"})");
  });
  UnityCatalog client = Client(server);
  EXPECT_EQ((*client.FetchIdentity())->user, "ann@example.com");
  EXPECT_EQ(target, "/api/2.0/preview/scim/v2/Me");
  EXPECT_EQ(token, "Bearer dapiCANARY");
}

TEST(UnityCatalog, FollowsPagesPastAnEmptyOneToTheAbsentToken) {
  std::vector<std::string> targets;
  LoopbackServer server([&](const LoopbackRequest& request) {
    targets.push_back(request.target);
    switch (targets.size()) {
      case 1: return Answer(200, R"({"schemas":[{"name":"a"}],"next_page_token":"t/1"})");
      case 2: return Answer(200, R"({"schemas":[],"next_page_token":"t2"})");
      default: return Answer(200, R"({"schemas":[{"name":"b"}]})");
    }
  });
  UnityCatalog client = Client(server);
  std::vector<std::string> names;
  const Status status = client.ListSchemas("my cat", [&](Schema schema) {
    names.push_back(schema.name);
    return OkStatus();
  });
  ASSERT_TRUE(status) << status.error().ToString();
  EXPECT_EQ(names, (std::vector<std::string>{"a", "b"}));
  const std::string first =
      "/api/2.1/unity-catalog/schemas?catalog_name=my%20cat&max_results=0&include_browse=true";
  EXPECT_EQ(targets, (std::vector<std::string>{first, first + "&page_token=t%2F1",
                                               first + "&page_token=t2"}));
}

TEST(UnityCatalog, DoesNotFollowARepeatedPageTokenForever) {
  LoopbackServer server(
      [](const LoopbackRequest&) { return Answer(200, R"({"next_page_token":"same"})"); });
  UnityCatalog client = Client(server);
  const Status status = client.ListTables("c", "s", [](Table) { return OkStatus(); });
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code(), "DATABRICKS_ANSWER");
  EXPECT_EQ(server.requests(), 2);
}

TEST(UnityCatalog, StopsWhenTheVisitorFails) {
  LoopbackServer server([](const LoopbackRequest&) {
    return Answer(200, R"({"schemas":[{"name":"a"}],"next_page_token":"t"})");
  });
  UnityCatalog client = Client(server);
  const Status status = client.ListSchemas(
      "c", [](Schema) -> Status { return Error(ErrorKind::kCancelled, "STOP", "enough"); });
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code(), "STOP");
  EXPECT_EQ(server.requests(), 1);
}

TEST(UnityCatalog, WaitsAndAsksAgainWhatMayPass) {
  std::atomic<int> call{0};
  LoopbackServer server([&](const LoopbackRequest&) -> LoopbackAnswer {
    switch (call++) {
      case 0: return Answer(429, "{}", "Retry-After: 1\r\n");
      case 1: return Answer(500, "{}");
      case 2: return {"", true};  // closed without an answer
      default: return Answer(200, R"({"name":"c"})");
    }
  });
  UnityCatalog client = Client(server);
  RetryPolicy patient;
  patient.first_wait_ms = 1;
  client.SetRetryPolicy(patient);
  const auto start = std::chrono::steady_clock::now();
  auto catalog = client.FetchCatalog("c");
  ASSERT_TRUE(catalog) << catalog.error().ToString();
  EXPECT_EQ(catalog->name, "c");
  EXPECT_GE(std::chrono::steady_clock::now() - start, std::chrono::seconds(1));
}

TEST(UnityCatalog, GivesUpOnAWorkspaceThatDoesNotAnswer) {
  std::string url;
  {
    url = LoopbackServer([](const LoopbackRequest&) { return Answer(200, "{}"); }).url();
  }
  UnityCatalog client(url, FixedToken(Secret("dapiCANARY")),
                      std::make_shared<HttpClient>(HttpClient::Options{}));
  RetryPolicy once;
  once.attempts_max = 1;
  client.SetRetryPolicy(once);
  auto user = client.FetchIdentity();
  ASSERT_FALSE(user);
  EXPECT_EQ(user.error().code(), "DATABRICKS_UNREACHABLE");
  EXPECT_EQ(user.error().ToString().find("CANARY"), std::string::npos);
}

TEST(UnityCatalog, EncodesAFullNameAsOneSegmentAndNamesTheGrant) {
  std::string target;
  LoopbackServer server([&](const LoopbackRequest& request) {
    target = request.target;
    return Answer(403, R"({"error_code":"PERMISSION_DENIED","message":"no SELECT"})");
  });
  UnityCatalog client = Client(server);
  auto table = client.FetchTable("main.sales.a/b");
  ASSERT_FALSE(table);
  EXPECT_EQ(target, "/api/2.1/unity-catalog/tables/main.sales.a%2Fb?include_browse=true");
  EXPECT_NE(table.error().message().find("GRANT SELECT ON TABLE `main`.`sales`.`a/b`"),
            std::string::npos);
}

TEST(UnityCatalog, TakesACatalogThatCanOnlyBeBrowsedForDenied) {
  std::string body = R"({"name":"main"})";
  LoopbackServer server([&](const LoopbackRequest&) { return Answer(200, body); });
  UnityCatalog client = Client(server);
  EXPECT_TRUE(client.FetchCatalog("main"));
  body = R"({"name":"main","browse_only":true})";
  const auto status = client.FetchCatalog("main");
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code(), "DATABRICKS_DENIED");
}

TEST(UnityCatalog, AsksForEachNameWhenItMayNotSeeTheGrantsOfOthers) {
  std::vector<std::string> targets;
  LoopbackServer server([&](const LoopbackRequest& request) {
    targets.push_back(request.target);
    const bool group = request.target.ends_with("principal=the%20movers");
    const bool own = group || request.target.ends_with("principal=ann");
    if (!own) return Answer(403, R"({"error_code":"PERMISSION_DENIED","message":"no MANAGE"})");
    return Answer(200, group ? R"({"privilege_assignments":[{"principal":"the movers",
                                   "privileges":[{"privilege":"SELECT"}]}]})"
                             : "{}");
  });
  UnityCatalog client = Client(server);
  const std::vector<std::string> names = Identity{"ann", {"the movers"}}.Names();
  const auto grants = client.FetchGrants({SecurableKind::kTable, "c.s.t"}, names);
  ASSERT_TRUE(grants) << grants.error().ToString();
  EXPECT_TRUE(grants->told);
  EXPECT_TRUE(grants->effective);
  EXPECT_EQ(FindGrant(*grants, names, "SELECT")->principal, "the movers");
  ASSERT_EQ(targets.size(), 4u);
  EXPECT_EQ(targets[0], "/api/2.1/unity-catalog/effective-permissions/table/c.s.t?max_results=0");
}

TEST(UnityCatalog, IsNotToldGrantsThatItMayNotSeeAtAll) {
  LoopbackServer server([](const LoopbackRequest&) {
    return Answer(403, R"({"error_code":"PERMISSION_DENIED","message":"no MANAGE"})");
  });
  UnityCatalog client = Client(server);
  const auto grants = client.FetchGrants({SecurableKind::kCatalog, "c"}, {"ann"});
  ASSERT_TRUE(grants) << grants.error().ToString();
  EXPECT_FALSE(grants->told);
}

TEST(UnityCatalog, AsksForLessAfterARefusal) {
  std::atomic<int> call{0};
  LoopbackServer server([&](const LoopbackRequest&) {
    if (call++ == 0) return Answer(429, "{}", "Retry-After: 1\r\n");
    return Answer(200, R"({"name":"main"})");
  });
  const auto limit =
      std::make_shared<CallLimit>(CallLimit::Options{.bucket = {.calls_per_second = 1000}});
  UnityCatalog client(server.url(), FixedToken(Secret("dapiCANARY")),
                      std::make_shared<HttpClient>(HttpClient::Options{}), limit);
  ASSERT_TRUE(client.FetchCatalog("main"));
  EXPECT_LT(limit->CallsPerSecond(), 600);
}

}  // namespace
}  // namespace mms::databricks
