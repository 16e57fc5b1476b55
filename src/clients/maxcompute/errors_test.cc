#include "clients/maxcompute/errors.h"

#include <gtest/gtest.h>

#include "base/secret.h"

namespace mms::maxcompute {
namespace {

HttpResponse Make(int status, std::string body) {
  HttpResponse answer;
  answer.status = status;
  answer.body = std::move(body);
  return answer;
}

std::string Xml(const std::string& code, const std::string& message) {
  return "<?xml version=\"1.0\"?>\n<Error><Code>" + code + "</Code><Message><![CDATA[" + message +
         "]]></Message><RequestId>r1</RequestId><HostId>h</HostId></Error>";
}

std::string Json(const std::string& code, const std::string& message) {
  return "{\"Code\":\"" + code + "\",\"Message\":\"" + message + "\"}";
}

TEST(FromAnswer, JudgesByNameThenNumberThenStatus) {
  const struct {
    int status;
    std::string body, code;
    ErrorKind kind;
  } cases[] = {
      {404, Xml("NoSuchProject", "x"), "ODPS_PROJECT_NOT_FOUND", ErrorKind::kNotFound},
      {404, Xml("NoSuchTable", "x"), "ODPS_TABLE_NOT_FOUND", ErrorKind::kNotFound},
      {404, Xml("NoSuchObject", "Table not found"), "GIVEN_CODE", ErrorKind::kNotFound},
      {404, Xml("NoSuchObject", "ODPS-0420111: Project not found - 'p'"), "ODPS_PROJECT_NOT_FOUND",
       ErrorKind::kNotFound},
      {400, Xml("ODPS-0130131: Table not found", "x"), "ODPS_TABLE_NOT_FOUND",
       ErrorKind::kNotFound},
      {401, Xml("Unauthorized", "x"), "ODPS_SIGNATURE", ErrorKind::kDenied},
      {400, Xml("ODPS-0410042", "Invalid signature value"), "ODPS_SIGNATURE", ErrorKind::kDenied},
      {400, Xml("RequestTimeTooSkewed", "x"), "ODPS_CLOCK_SKEW", ErrorKind::kDenied},
      {403, Xml("NoPermission", "x"), "ODPS_DENIED", ErrorKind::kDenied},
      {400, Xml("InvalidArgument", "x"), "ODPS_INVALID", ErrorKind::kInvalidInput},
      {404, Json("NoSuchUpload", "x"), "TUNNEL_NO_SUCH_UPLOAD", ErrorKind::kNotFound},
      {400, Json("StatusConflict", "x"), "TUNNEL_STATUS_CONFLICT", ErrorKind::kConflict},
      {400, Json("MalformedDataStream", "x"), "TUNNEL_BLOCK_REFUSED", ErrorKind::kCorrupt},
      {400, Json("FlowExceeded", "x"), "ODPS_THROTTLED", ErrorKind::kThrottled},
      {500, Json("InternalServerError", "x"), "ODPS_UNAVAILABLE", ErrorKind::kUnavailable},
      {429, "", "ODPS_THROTTLED", ErrorKind::kThrottled},
      {308, "", "ODPS_THROTTLED", ErrorKind::kThrottled},
      {408, "", "ODPS_UNAVAILABLE", ErrorKind::kUnavailable},
      {404, "", "GIVEN_CODE", ErrorKind::kNotFound},
      {401, "", "ODPS_SIGNATURE", ErrorKind::kDenied},
      {407, "<html>proxy</html>", "HTTP_PROXY_DENIED", ErrorKind::kDenied},
      {502, "<html>bad gateway</html>", "ODPS_UNAVAILABLE", ErrorKind::kUnavailable},
      {302, "", "ODPS_ENDPOINT", ErrorKind::kInvalidInput},
  };
  for (const auto& item : cases) {
    const Error error = FromAnswer(Make(item.status, item.body), "GIVEN_CODE");
    EXPECT_EQ(error.code(), item.code) << item.status << " " << item.body;
    EXPECT_EQ(error.kind(), item.kind) << item.status << " " << item.body;
    EXPECT_EQ(error.http_status(), item.status);
  }
}

TEST(FromAnswer, APageOfAnotherServerIsNotAMissingTable) {
  for (const char* body : {"<html><body>404 Not Found</body></html>", "not found", "{\"a\":1}"}) {
    const Error error = FromAnswer(Make(404, body), "ODPS_TABLE_NOT_FOUND");
    EXPECT_EQ(error.code(), "ODPS_ENDPOINT") << body;
    EXPECT_EQ(error.kind(), ErrorKind::kInvalidInput);
  }
}

TEST(FromAnswer, TellsTheServicesTextAndRequest) {
  HttpResponse answer = Make(403, Xml("NoPermission", "You have NO privilege"));
  answer.headers["x-odps-request-id"] = "r2";
  const Error error = FromAnswer(answer, "X");
  EXPECT_NE(error.message().find("403 NoPermission: You have NO privilege"), std::string::npos);
  EXPECT_NE(error.message().find("(request r2)"), std::string::npos);
}

TEST(FromAnswer, WaitsAsLongAsThePeerAsksWithinReason) {
  EXPECT_EQ(FromAnswer(Make(429, "{\"Code\":\"FlowExceeded\",\"HoldClientMillis\":1500}"), "X")
                .retry_after_ms(),
            1500);
  EXPECT_EQ(FromAnswer(Make(429, "{\"Code\":\"FlowExceeded\",\"HoldClientMillis\":99999999}"), "X")
                .retry_after_ms(),
            10000);
  HttpResponse answer = Make(503, "");
  answer.headers["retry-after"] = "3";
  EXPECT_EQ(FromAnswer(answer, "X").retry_after_ms(), 3000);
}

TEST(FromAnswer, NeverShowsASecretThatThePeerEchoes) {
  const Secret secret("canary-answer-secret");
  const Error error = FromAnswer(Make(400, Xml("X", "your key canary-answer-secret is bad")), "X");
  EXPECT_EQ(error.message().find("canary-answer-secret"), std::string::npos);
}

TEST(FromTaskText, KnowsTheCodesThatCallersActOn) {
  const struct {
    std::string text, code;
    ErrorKind kind;
  } cases[] = {
      {"FAILED: ODPS-0130131:[1,15] Table not found - table p.t cannot be resolved",
       "ODPS_TABLE_NOT_FOUND", ErrorKind::kNotFound},
      {"FAILED: ODPS-0130131:[1,1] Table already exists - t", "ODPS_SQL_EXISTS",
       ErrorKind::kConflict},
      {"FAILED: ODPS-0130013:Authorization exception", "ODPS_DENIED", ErrorKind::kDenied},
      {"FAILED: ODPS-0130161:[1,1] Parse exception", "ODPS_SQL_INVALID", ErrorKind::kInvalidInput},
      {"FAILED: ODPS-0130071:[1,8] Semantic analysis exception", "ODPS_SQL_INVALID",
       ErrorKind::kInvalidInput},
      {"FAILED: ODPS-0010000:System internal error", "ODPS_UNAVAILABLE", ErrorKind::kUnavailable},
      {"FAILED: ODPS-0123144: Failed to convert", "ODPS_SQL_FAILED", ErrorKind::kInternal},
      {"", "ODPS_SQL_FAILED", ErrorKind::kInternal},
  };
  for (const auto& item : cases) {
    const Error error = FromTaskText(item.text);
    EXPECT_EQ(error.code(), item.code) << item.text;
    EXPECT_EQ(error.kind(), item.kind) << item.text;
    EXPECT_NE(error.message().find(item.text), std::string::npos);
  }
}

}  // namespace
}  // namespace mms::maxcompute
