#include "sandbox/signature.h"

#include <gtest/gtest.h>

namespace mms::sandbox {
namespace {

constexpr int64_t kSentSeconds = 1'795'370'400;  // Sun, 22 Nov 2026 18:00:00 GMT

ServerRequest BlockPut() {
  ServerRequest request;
  request.method = "PUT";
  request.target =
      "/projects/p1/tables/t1?uploadid=U1&blockid=0&arrow=&partition=ds%3D20260101&curr_project=p1";
  request.headers = {{"content-type", "application/octet-stream"},
                     {"date", "Sun, 22 Nov 2026 18:00:00 GMT"},
                     {"x-odps-user-agent", "demo/1"},
                     {"user-agent", "demo/1"},
                     {"x-odps-tunnel-version", "6"},
                     {"odps-tunnel-date-transform", "v1"},
                     {"host", "localhost"}};
  return request;
}

User TestUser() {
  User user;
  user.name = "tester";
  user.access_key_id = "testid";
  user.access_key_secret = Secret("testsecret");
  return user;
}

Status Ask(ServerRequest request, const User& user, int64_t now_s = kSentSeconds) {
  Users users = Users::Make({user}).value();
  Call call = ParseCall(&request).value();
  TRY(const User* proven, Authenticate(call, users, now_s));
  EXPECT_EQ(proven->name, user.name);
  return OkStatus();
}

Status Check(ServerRequest request, const std::string& authorization, const User& user,
             int64_t now_s = kSentSeconds) {
  request.headers.emplace_back("authorization", authorization);
  return Ask(std::move(request), user, now_s);
}

TEST(Signature, BuildsTheCanonicalTextOfABlockPut) {
  ServerRequest request = BlockPut();
  EXPECT_EQ(CanonicalText(ParseCall(&request).value()),
            "PUT\n\napplication/octet-stream\nSun, 22 Nov 2026 18:00:00 GMT\n"
            "x-odps-tunnel-version:6\nx-odps-user-agent:demo/1\n"
            "/projects/p1/tables/t1?arrow&blockid=0&curr_project=p1&partition=ds=20260101&"
            "uploadid=U1");
}

TEST(Signature, LeavesTheEndpointsPrefixOut) {
  ServerRequest plain = BlockPut();
  ServerRequest prefixed = BlockPut();
  prefixed.target = "/api" + prefixed.target;
  EXPECT_EQ(CanonicalText(ParseCall(&plain).value()), CanonicalText(ParseCall(&prefixed).value()));
}

TEST(Signature, AcceptsThePlainScheme) {
  EXPECT_TRUE(Check(BlockPut(), "ODPS testid:C25K/joHqPc+Fg+jLVLScsZBXxo=", TestUser()));
}

TEST(Signature, AcceptsTheRegionalScheme) {
  EXPECT_TRUE(Check(BlockPut(),
                    "ODPS testid/20261122/cn-hangzhou/odps/aliyun_v4_request:"
                    "ZCrntEvpl3RiiKuq9+Crf9kg+7A=",
                    TestUser()));
}

TEST(Signature, RefusesAWrongSignatureKeyOrNothing) {
  User user = TestUser();
  EXPECT_EQ(Check(BlockPut(), "ODPS testid:C25K/joHqPc+Fg+jLVLScsZBXxp=", user).error().code(),
            "Unauthorized");
  EXPECT_EQ(Check(BlockPut(), "ODPS other:C25K/joHqPc+Fg+jLVLScsZBXxo=", user).error().code(),
            "Unauthorized");
  EXPECT_EQ(Check(BlockPut(), "Bearer x", user).error().code(), "Unauthorized");
  EXPECT_EQ(Ask(BlockPut(), user).error().code(), "Unauthorized");
}

TEST(Signature, RefusesAChangedParameter) {
  ServerRequest request = BlockPut();
  request.target += "&blockid=1";
  EXPECT_FALSE(Check(request, "ODPS testid:C25K/joHqPc+Fg+jLVLScsZBXxo=", TestUser()));
}

TEST(Signature, RefusesASkewedClock) {
  auto status = Check(BlockPut(), "ODPS testid:C25K/joHqPc+Fg+jLVLScsZBXxo=", TestUser(),
                      kSentSeconds + 16 * 60);
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code(), "RequestTimeTooSkewed");
}

TEST(Signature, WantsTheSecurityTokenOfTemporaryCredentials) {
  User temporary = TestUser();
  temporary.security_token = Secret("token-1");
  const std::string good = "ODPS testid:C25K/joHqPc+Fg+jLVLScsZBXxo=";
  EXPECT_FALSE(Check(BlockPut(), good, temporary));
  ServerRequest request = BlockPut();
  request.headers.emplace_back("authorization-sts-token", "token-1");
  EXPECT_TRUE(Check(request, good, temporary));
  request.headers.back().second = "token-2";
  EXPECT_FALSE(Check(request, good, temporary));
}

TEST(Signature, ABearerTokenNeedsNoSignature) {
  User user;
  user.name = "visitor";
  user.bearer_token = Secret("bearer-1");
  ServerRequest request = BlockPut();
  request.headers.emplace_back("x-odps-bearer-token", "bearer-1");
  EXPECT_TRUE(Ask(request, user));
  request.headers.back().second = "bearer-2";
  EXPECT_EQ(Ask(request, user).error().code(), "Unauthorized");
}

TEST(Signature, IgnoresAnApplicationsOwnSignature) {
  ServerRequest request = BlockPut();
  request.headers.emplace_back("application-authentication",
                               "account_provider:aliyun,access_id:app,signature:xyz");
  EXPECT_TRUE(Check(request, "ODPS testid:C25K/joHqPc+Fg+jLVLScsZBXxo=", TestUser()));
}

}  // namespace
}  // namespace mms::sandbox
