#include "clients/databricks/credential_vending.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "base/loopback_server.h"
#include "clients/databricks/sign_in.h"

namespace mms::databricks {
namespace {

constexpr char kGiven[] =
    R"({"aws_temp_credentials":null,)"
    R"("azure_user_delegation_sas":{"sas_token":"?sp=rl&sig=CANARY1"},)"
    R"("gcp_oauth_token":null,"expiration_time":1795380638567,"url":"abfss://c@a.dfs.x/t"})";

CredentialVending Vending(const LoopbackServer& server) {
  return CredentialVending(
      std::make_shared<WorkspaceApi>(server.url(), FixedToken(Secret("dapi-token")),
                                     std::make_shared<HttpClient>(HttpClient::Options{})));
}

TEST(CredentialVending, AsksForTheTableByItsId) {
  LoopbackRequest asked;
  LoopbackServer server([&](const LoopbackRequest& request) {
    asked = request;
    return Answer(200, kGiven);
  });
  const auto given = Vending(server).FetchForTable("main.sales.orders", "id-1");
  ASSERT_TRUE(given) << given.error().ToString();
  EXPECT_EQ(asked.method + " " + asked.target,
            "POST /api/2.0/unity-catalog/temporary-table-credentials");
  EXPECT_EQ(asked.body, R"({"operation":"READ","table_id":"id-1"})");
  EXPECT_EQ(asked.headers["authorization"], "Bearer dapi-token");
  EXPECT_EQ(given->sas.Reveal(), "sp=rl&sig=CANARY1");
  EXPECT_EQ(given->expires_ms, 1795380638567);
}

TEST(CredentialVending, LooksUpAnIdThatIsNotKnown) {
  std::vector<std::string> targets;
  LoopbackServer server([&](const LoopbackRequest& request) {
    targets.push_back(request.target);
    if (request.method == "POST") return Answer(200, kGiven);
    return Answer(200, R"({"name":"orders","catalog_name":"main","schema_name":"sales",)"
                       R"("table_id":"id-7","table_type":"MANAGED"})");
  });
  ASSERT_TRUE(Vending(server).FetchForTable("main.sales.orders", ""));
  ASSERT_EQ(targets.size(), 2u);
  EXPECT_TRUE(targets[0].starts_with("/api/2.1/unity-catalog/tables/main.sales.orders"));
}

TEST(CredentialVending, TheOpenSourceServerIsAskedWhereItAnswers) {
  std::vector<std::string> targets;
  LoopbackServer server([&](const LoopbackRequest& request) {
    targets.push_back(request.target);
    return request.target.starts_with("/api/2.0/")
               ? Answer(404, "Status: 404\nDescription: Not Found")
               : Answer(200, kGiven);
  });
  CredentialVending vending = Vending(server);
  ASSERT_TRUE(vending.FetchForTable("main.sales.orders", "id-1"));
  ASSERT_TRUE(vending.FetchForTable("main.sales.orders", "id-1"));
  EXPECT_EQ(targets,
            (std::vector<std::string>{"/api/2.0/unity-catalog/temporary-table-credentials",
                                      "/api/2.1/unity-catalog/temporary-table-credentials",
                                      "/api/2.1/unity-catalog/temporary-table-credentials"}));
}

TEST(CredentialVending, ARefusalNamesTheGrantAndTheMetastoresSetting) {
  LoopbackServer server([](const LoopbackRequest&) {
    return Answer(403, R"({"error_code":"PERMISSION_DENIED","message":"User lacks a privilege"})");
  });
  const auto given = Vending(server).FetchForTable("main.sales.orders", "id-1");
  ASSERT_FALSE(given);
  EXPECT_EQ(given.error().code(), "DATABRICKS_VENDING_DENIED");
  EXPECT_EQ(given.error().kind(), ErrorKind::kDenied);
  for (const char* text : {"main.sales.orders", "User lacks a privilege", "external_access_enabled",
                           "GRANT EXTERNAL USE SCHEMA ON SCHEMA `main`.`sales` TO"}) {
    EXPECT_NE(given.error().message().find(text), std::string::npos) << given.error().message();
  }
}

TEST(CredentialVending, TellsATableThatIsGoneFromAServerWithoutVending) {
  LoopbackServer gone([](const LoopbackRequest&) {
    return Answer(404, R"({"error_code":"TABLE_DOES_NOT_EXIST","message":"no such table"})");
  });
  EXPECT_EQ(Vending(gone).FetchForTable("m.s.t", "id-1").error().code(),
            "DATABRICKS_TABLE_NOT_FOUND");
  LoopbackServer none([](const LoopbackRequest&) {
    return Answer(404, R"({"error_code":"ENDPOINT_NOT_FOUND","message":"no such endpoint"})");
  });
  EXPECT_EQ(Vending(none).FetchForTable("m.s.t", "id-1").error().code(), "DATABRICKS_VENDING_NONE");
}

TEST(ParseTableCredential, TakesATokenOfEntraIdToo) {
  const auto given = ParseTableCredential(
      R"({"azure_aad":{"aad_token":"eyJ.a"},"expiration_time":null})", "m.s.t");
  ASSERT_TRUE(given) << given.error().ToString();
  EXPECT_TRUE(given->sas.empty());
  EXPECT_EQ(given->bearer.Reveal(), "eyJ.a");
  EXPECT_EQ(given->expires_ms, std::nullopt);
}

TEST(ParseTableCredential, AnotherCloudsCredentialIsNamedAsNone) {
  const auto given =
      ParseTableCredential(R"({"aws_temp_credentials":{"access_key_id":"AKIA"}})", "m.s.t");
  ASSERT_FALSE(given);
  EXPECT_EQ(given.error().code(), "DATABRICKS_VENDING_NONE");
  EXPECT_EQ(ParseTableCredential("[]", "m.s.t").error().code(), "DATABRICKS_ANSWER");
}

}  // namespace
}  // namespace mms::databricks
