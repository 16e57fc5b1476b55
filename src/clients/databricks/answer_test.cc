#include "clients/databricks/answer.h"

#include <gtest/gtest.h>

namespace mms::databricks {
namespace {

const Question kQuestion{"catalog main", "DATABRICKS_CATALOG_NOT_FOUND", "GRANT USE CATALOG ..."};

HttpResponse Answer(int status, std::string body, std::map<std::string, std::string> headers = {}) {
  HttpResponse response;
  response.status = status;
  response.headers = std::move(headers);
  response.body = std::move(body);
  return response;
}

struct Case {
  int status;
  const char* body;
  ErrorKind kind;
  const char* code;
};

TEST(ReadAnswer, SortsRefusalsByStatusAndErrorCode) {
  const Case cases[] = {
      {403, R"({"error_code":"PERMISSION_DENIED","message":"no"})", ErrorKind::kDenied,
       "DATABRICKS_DENIED"},
      {404, R"({"error_code":"CATALOG_DOES_NOT_EXIST","message":"no"})", ErrorKind::kNotFound,
       "DATABRICKS_CATALOG_NOT_FOUND"},
      {400, R"({"error_code":"INVALID_PARAMETER_VALUE","message":"Cluster x does not exist"})",
       ErrorKind::kNotFound, "DATABRICKS_CATALOG_NOT_FOUND"},
      {400, R"({"error_code":"INVALID_PARAMETER_VALUE","message":"bad"})", ErrorKind::kInvalidInput,
       "DATABRICKS_REQUEST"},
      {404, R"({"error_code":"FEATURE_DISABLED","message":"no UC"})", ErrorKind::kInvalidInput,
       "DATABRICKS_REQUEST"},
      {429, "{}", ErrorKind::kThrottled, "DATABRICKS_THROTTLED"},
      {500, "{}", ErrorKind::kUnavailable, "DATABRICKS_UNAVAILABLE"},
      {503, "<html>busy</html>", ErrorKind::kUnavailable, "DATABRICKS_UNAVAILABLE"},
      {404, "<html>no</html>", ErrorKind::kInvalidInput, "DATABRICKS_WORKSPACE"},
      {302, "", ErrorKind::kInvalidInput, "DATABRICKS_WORKSPACE"},
      {200, "<html>Sign in</html>", ErrorKind::kInvalidInput, "DATABRICKS_WORKSPACE"},
      {200, "", ErrorKind::kInvalidInput, "DATABRICKS_WORKSPACE"},
  };
  for (const Case& one : cases) {
    Result<std::string> answer = ReadAnswer(Answer(one.status, one.body), kQuestion);
    ASSERT_FALSE(answer) << one.status << one.body;
    EXPECT_EQ(answer.error().kind(), one.kind) << one.status << one.body;
    EXPECT_EQ(answer.error().code(), one.code) << one.status << one.body;
    EXPECT_EQ(answer.error().http_status(), one.status);
  }
}

TEST(TokenRefused, TellsARefusedTokenFromAMissingRight) {
  for (const HttpResponse& refusal :
       {Answer(401, R"({"error_code":"UNAUTHENTICATED","message":"no"})"),
        Answer(403, R"({"error_code":"403","message":"Invalid access token."})"),
        Answer(403, R"({"error_code":403,"message":"Invalid access token."})")}) {
    EXPECT_TRUE(RefusesToken(refusal)) << refusal.body;
    const Error error = TokenRefused(refusal, "do this");
    EXPECT_EQ(error.code(), "DATABRICKS_TOKEN_INVALID");
    EXPECT_EQ(error.http_status(), refusal.status);
    EXPECT_TRUE(error.message().ends_with(": do this")) << error.message();
  }
  EXPECT_FALSE(
      RefusesToken(Answer(403, R"({"error_code":"PERMISSION_DENIED","message":"no right"})")));
}

TEST(ReadAnswer, GivesTheBodyOfASuccess) {
  EXPECT_EQ(*ReadAnswer(Answer(200, " {}"), kQuestion), " {}");
}

TEST(ReadAnswer, SaysWhichGrantIsMissing) {
  Result<std::string> answer =
      ReadAnswer(Answer(403, R"({"message":"User has no rights"})"), kQuestion);
  ASSERT_FALSE(answer);
  EXPECT_NE(answer.error().message().find("GRANT USE CATALOG"), std::string::npos);
  EXPECT_NE(answer.error().message().find("User has no rights"), std::string::npos);
}

TEST(ReadAnswer, WaitsAsToldAndASecondWhenNotTold) {
  EXPECT_EQ(
      ReadAnswer(Answer(429, "{}", {{"retry-after", "7"}}), kQuestion).error().retry_after_ms(),
      7000);
  EXPECT_EQ(ReadAnswer(Answer(429, "{}"), kQuestion).error().retry_after_ms(), 1000);
  const Error busy = ReadAnswer(Answer(503, "{}", {{"retry-after", "2"}}), kQuestion).error();
  EXPECT_EQ(busy.kind(), ErrorKind::kThrottled);
  EXPECT_EQ(busy.retry_after_ms(), 2000);
}

TEST(ReadAnswer, ShowsLittleOfAForeignPageAndNoControlCharacters) {
  const std::string page = "<html>\n\x1b[31m" + std::string(5000, 'x');
  const std::string text = ReadAnswer(Answer(200, page), kQuestion).error().message();
  EXPECT_LT(text.size(), 400u);
  EXPECT_EQ(text.find('\x1b'), std::string::npos);
  EXPECT_EQ(text.find('\n'), std::string::npos);
}

}  // namespace
}  // namespace mms::databricks
