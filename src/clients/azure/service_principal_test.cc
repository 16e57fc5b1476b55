#include "clients/azure/service_principal.h"

#include <gtest/gtest.h>

#include <chrono>

#include "base/loopback_server.h"

namespace mms::azure {
namespace {

Result<Credential> SignIn(const LoopbackServer& server) {
  const ServicePrincipal principal{"tenant 1", "client", Secret("s3cret&/canary"),
                                   server.url() + "/"};
  return FromServicePrincipal(principal, std::make_shared<HttpClient>(HttpClient::Options{}))();
}

TEST(ServicePrincipal, AsksForATokenOfTheStorageAndKnowsItsEnd) {
  LoopbackRequest asked;
  LoopbackServer server([&](const LoopbackRequest& request) {
    asked = request;
    return Answer(200, R"({"token_type":"Bearer","expires_in":3599,"access_token":"eyJ.a.b"})");
  });
  const auto before = std::chrono::system_clock::now();
  const Result<Credential> token = SignIn(server);
  ASSERT_TRUE(token) << token.error().ToString();
  EXPECT_EQ(asked.method + " " + asked.target, "POST /tenant%201/oauth2/v2.0/token");
  EXPECT_EQ(asked.headers["content-type"], "application/x-www-form-urlencoded");
  EXPECT_EQ(asked.body,
            "grant_type=client_credentials&client_id=client&client_secret=s3cret%26%2Fcanary"
            "&scope=https%3A%2F%2Fstorage.azure.com%2F.default");
  EXPECT_EQ(token->kind, Credential::Kind::kBearer);
  EXPECT_EQ(token->text.Reveal(), "eyJ.a.b");
  const int64_t before_ms =
      std::chrono::duration_cast<std::chrono::milliseconds>(before.time_since_epoch()).count();
  EXPECT_GE(*token->expires_ms, before_ms + 3'599'000);
  EXPECT_LT(*token->expires_ms, before_ms + 3'659'000);
}

TEST(ServicePrincipal, SaysWhatIsWrongWithTheCredentials) {
  const std::pair<const char*, const char*> cases[] = {
      {"AADSTS7000215: Invalid client secret provided. s3cret&/canary", "the secret's value"},
      {"AADSTS7000222: The provided client secret keys are expired.", "has lapsed"},
      {"AADSTS700016: Application with identifier 'client' was not found", "no such application"},
      {"AADSTS90002: Tenant 'tenant 1' not found.", "no such tenant"},
      {"AADSTS1: another", "check source.storage.tenant_id, client_id and client_secret"},
  };
  for (const auto& [description, remedy] : cases) {
    LoopbackServer server([&](const LoopbackRequest&) {
      return Answer(401, R"({"error":"invalid_client","error_description":")" +
                             std::string(description) + R"(\r\nTrace ID: 1","error_codes":[1]})");
    });
    const Result<Credential> token = SignIn(server);
    ASSERT_FALSE(token);
    EXPECT_EQ(token.error().code(), "AZURE_SIGN_IN");
    EXPECT_EQ(token.error().kind(), ErrorKind::kDenied);
    EXPECT_NE(token.error().message().find(remedy), std::string::npos) << token.error().message();
    EXPECT_EQ(token.error().message().find("canary"), std::string::npos);
    EXPECT_EQ(token.error().message().find("Trace"), std::string::npos);
    EXPECT_EQ(server.requests(), 1) << "asking again does not help";
  }
}

TEST(ServicePrincipal, AsksAgainWhileTheServiceCannotAnswer) {
  std::atomic<int> call{0};
  LoopbackServer server([&](const LoopbackRequest&) {
    if (call++ == 0) return Answer(503, "busy");
    return Answer(200, R"({"access_token":"eyJ.a.b"})");
  });
  const Result<Credential> token = SignIn(server);
  ASSERT_TRUE(token) << token.error().ToString();
  EXPECT_EQ(token->expires_ms, std::nullopt);
  EXPECT_EQ(server.requests(), 2);
}

TEST(ServicePrincipal, APageOfAnotherServerIsNoToken) {
  LoopbackServer server([](const LoopbackRequest&) { return Answer(200, "<html>hello</html>"); });
  EXPECT_EQ(SignIn(server).error().code(), "AZURE_SIGN_IN_ANSWER");
}

}  // namespace
}  // namespace mms::azure
