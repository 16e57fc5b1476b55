#include "clients/databricks/sign_in.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <vector>

#include "base/loopback_server.h"
#include "clients/databricks/unity_catalog.h"

namespace mms::databricks {
namespace {

/// Gives tokens "token-1", "token-2", ... to the principal "app" and takes only those that live.
class Workspace {
 public:
  Workspace() : server_([this](const LoopbackRequest& request) { return Handle(request); }) {}

  SignIn Principal() const {
    SignIn sign_in;
    sign_in.client_id = "app";
    sign_in.client_secret = Secret("s:e=cret");
    return sign_in;
  }
  TokenSource Tokens(const SignIn& sign_in) const {
    return TokensOf(sign_in, url() + "/?o=1", http_);
  }
  std::string url() const { return server_.url(); }

  std::vector<LoopbackRequest> sign_ins;
  std::vector<std::string> authorizations;  ///< of other calls
  int life_s = 3600;
  std::string refused;  ///< an Authorization that begins so is; "" = none
  LoopbackAnswer failure;

 private:
  LoopbackAnswer Handle(const LoopbackRequest& request) {
    const std::lock_guard lock(mutex_);
    if (request.target != "/oidc/v1/token") {
      authorizations.push_back(request.headers.at("authorization"));
      if (!refused.empty() && authorizations.back().starts_with(refused)) {
        return Answer(403, R"({"error_code":"403","message":"Invalid access token."})");
      }
      return Answer(200, R"({"name":"c"})");
    }
    sign_ins.push_back(request);
    if (!failure.bytes.empty()) return failure;
    return Answer(200, R"({"access_token":"token-)" + std::to_string(sign_ins.size()) +
                           R"(","token_type":"Bearer","expires_in":)" + std::to_string(life_s) +
                           "}");
  }

  std::mutex mutex_;
  std::shared_ptr<HttpClient> http_ = std::make_shared<HttpClient>(HttpClient::Options{});
  LoopbackServer server_;  // last: its threads use the rest
};

TEST(SignIn, APrincipalsTokenIsAskedForOnceByAllCopies) {
  Workspace workspace;
  const SignIn sign_in = workspace.Principal();
  const SignIn copy = sign_in;
  EXPECT_EQ(workspace.Tokens(sign_in)(false)->Reveal(), "token-1");
  EXPECT_EQ(workspace.Tokens(copy)(false)->Reveal(), "token-1");
  ASSERT_EQ(workspace.sign_ins.size(), 1u);
  const LoopbackRequest& asked = workspace.sign_ins[0];
  EXPECT_EQ(asked.method, "POST");
  EXPECT_EQ(asked.headers.at("authorization"), "Basic YXBwOnM6ZT1jcmV0");
  EXPECT_EQ(asked.headers.at("content-type"), "application/x-www-form-urlencoded");
  EXPECT_EQ(asked.body, "grant_type=client_credentials&scope=all-apis");
}

TEST(SignIn, ATokenIsRenewedBeforeItEndsAndWhenItWasRefused) {
  Workspace workspace;
  const TokenSource tokens = workspace.Tokens(workspace.Principal());
  workspace.life_s = 0;  // four fifths of it have passed at once
  EXPECT_EQ(tokens(false)->Reveal(), "token-1");
  workspace.life_s = 3600;
  EXPECT_EQ(tokens(false)->Reveal(), "token-2");
  EXPECT_EQ(tokens(false)->Reveal(), "token-2");
  EXPECT_EQ(tokens(true)->Reveal(), "token-3");
}

TEST(SignIn, AWorkspaceThatCannotRenewLeavesTheOldTokenUntilItsEnd) {
  Workspace workspace;
  const TokenSource tokens = workspace.Tokens(workspace.Principal());
  workspace.life_s = 2;
  ASSERT_EQ(tokens(false)->Reveal(), "token-1");
  const auto at = std::chrono::steady_clock::now();
  workspace.failure =
      Answer(401, R"({"error":"invalid_client","error_description":"no s:e=cret"})");
  EXPECT_EQ(tokens(false)->Reveal(), "token-1");
  const Result<Secret> refused = tokens(true);
  ASSERT_LT(std::chrono::steady_clock::now() - at, std::chrono::seconds(1));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), "DATABRICKS_SIGN_IN");
  EXPECT_EQ(refused.error().kind(), ErrorKind::kDenied);
  EXPECT_NE(refused.error().message().find("source.oauth.client_id"), std::string::npos);
  EXPECT_EQ(refused.error().message().find("s:e=cret"), std::string::npos);
}

TEST(SignIn, AnAnswerWithoutTokenIsNone) {
  Workspace workspace;
  workspace.failure = Answer(200, "<html>sign in</html>");
  const Result<Secret> token = workspace.Tokens(workspace.Principal())(false);
  ASSERT_FALSE(token);
  EXPECT_EQ(token.error().code(), "DATABRICKS_ANSWER");
}

TEST(SignIn, ARefusedTokenIsReplacedOnceInTheCallItself) {
  Workspace workspace;
  const auto http = std::make_shared<HttpClient>(HttpClient::Options{});
  UnityCatalog catalog(workspace.url(), workspace.Tokens(workspace.Principal()), http);
  workspace.refused = "Bearer token-1";
  ASSERT_TRUE(catalog.FetchCatalog("c"));
  EXPECT_EQ(workspace.authorizations,
            (std::vector<std::string>{"Bearer token-1", "Bearer token-2"}));
  workspace.refused = "Bearer token-2";
  workspace.failure = Answer(401, R"({"error":"invalid_client"})");
  EXPECT_EQ(catalog.FetchCatalog("c").error().code(), "DATABRICKS_SIGN_IN");
  // One that cannot be replaced is not tried again.
  workspace.authorizations.clear();
  workspace.refused = "Bearer dapi-fixed";
  UnityCatalog fixed(workspace.url(), FixedToken(Secret("dapi-fixed")), http);
  const auto denied = fixed.FetchCatalog("c");
  EXPECT_EQ(denied.error().code(), "DATABRICKS_TOKEN_INVALID");
  EXPECT_NE(denied.error().message().find("set source.token"), std::string::npos);
  EXPECT_EQ(workspace.authorizations.size(), 1u);
}

TEST(SignIn, APrincipalWhoseTokensAreRefusedIsToldOfItsOwnKeys) {
  Workspace workspace;
  workspace.refused = "Bearer ";
  UnityCatalog catalog(workspace.url(), workspace.Tokens(workspace.Principal()),
                       std::make_shared<HttpClient>(HttpClient::Options{}));
  const auto denied = catalog.FetchCatalog("c");
  EXPECT_EQ(denied.error().code(), "DATABRICKS_TOKEN_INVALID");
  EXPECT_NE(denied.error().message().find("source.oauth.client_id"), std::string::npos);
  EXPECT_EQ(denied.error().message().find("source.token"), std::string::npos);
  EXPECT_EQ(workspace.authorizations.size(), 2u);
}

TEST(SignIn, ATokenFileIsReadAgainWhenItChangedOrItsTokenWasRefused) {
  const std::filesystem::path file =
      std::filesystem::path(::testing::TempDir()) / ("token" + std::to_string(::getpid()));
  const auto write = [&](const char* text) { std::ofstream(file) << text << "\n"; };
  write("dapi-first");
  SignIn sign_in;
  sign_in.token = Secret("dapi-first");
  sign_in.token_file = file.string();
  const TokenSource tokens = TokensOf(sign_in, "https://x", nullptr);
  EXPECT_EQ(tokens(false)->Reveal(), "dapi-first");
  const auto first = std::filesystem::last_write_time(file);
  write("dapi-other");
  std::filesystem::last_write_time(file, first);  // in the same tick of a coarse clock
  EXPECT_EQ(tokens(false)->Reveal(), "dapi-first");
  EXPECT_EQ(tokens(true)->Reveal(), "dapi-other");
  write("dapi-third");
  std::filesystem::last_write_time(file, first + std::chrono::seconds(1));
  EXPECT_EQ(tokens(false)->Reveal(), "dapi-third");
  std::filesystem::remove(file);
  EXPECT_EQ(tokens(false).error().code(), "SECRET_UNREADABLE");
}

}  // namespace
}  // namespace mms::databricks
