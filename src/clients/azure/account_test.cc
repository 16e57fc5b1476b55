#include "clients/azure/account.h"

#include <gtest/gtest.h>

#include <vector>

#include "base/loopback_server.h"

namespace mms::azure {
namespace {

std::shared_ptr<HttpClient> Http() { return std::make_shared<HttpClient>(HttpClient::Options{}); }

/// An account read with "token-1", "token-2", ..., of the kind given.
struct Tokens {
  explicit Tokens(Credential::Kind kind)
      : keeper(std::make_shared<CredentialKeeper>([this, kind]() -> Result<Credential> {
          return Credential{kind, Secret("t=token-" + std::to_string(++asked)), std::nullopt, ""};
        })),
        account(Http(), keeper) {}

  int asked = 0;
  std::shared_ptr<CredentialKeeper> keeper;
  Account account;
};

HttpRequest Get(const std::string& url) {
  HttpRequest request;
  request.url = url;
  return request;
}

TEST(Account, SignsByQueryOrByHeader) {
  LoopbackRequest seen;
  LoopbackServer server([&](const LoopbackRequest& request) {
    seen = request;
    return Answer(200, "x");
  });
  Tokens sas(Credential::Kind::kSas);
  ASSERT_TRUE(sas.account.Send(Get(server.url() + "/c/f"), "f"));
  EXPECT_EQ(seen.target, "/c/f?t=token-1");
  EXPECT_EQ(seen.headers["x-ms-version"], "2021-12-02");
  HttpRequest list = Get(server.url() + "/c?comp=list");
  list.headers.emplace_back("x-ms-version", "2023-11-03");
  ASSERT_TRUE(sas.account.Send(list, "c"));
  EXPECT_EQ(seen.target, "/c?comp=list&t=token-1");
  EXPECT_EQ(seen.headers["x-ms-version"], "2023-11-03");
  EXPECT_FALSE(seen.headers.contains("authorization"));

  Tokens bearer(Credential::Kind::kBearer);
  ASSERT_TRUE(bearer.account.Send(Get(server.url() + "/c/f"), "f"));
  EXPECT_EQ(seen.target, "/c/f");
  EXPECT_EQ(seen.headers["authorization"], "Bearer t=token-1");
}

TEST(Account, ARefusedCredentialIsReplacedOnceAndTheBodyCountsOnce) {
  LoopbackServer server([&](const LoopbackRequest& request) {
    if (request.target.ends_with("token-1")) {
      return Answer(403, "<Error/>", "x-ms-error-code: AuthenticationFailed\r\n");
    }
    return Answer(200, "whole");
  });
  Tokens tokens(Credential::Kind::kSas);
  std::string body;
  HttpRequest request = Get(server.url() + "/c/f");
  request.on_body = [&](std::string_view bytes) -> Status {
    body += bytes;
    return OkStatus();
  };
  const Result<HttpResponse> response = tokens.account.Send(request, "f");
  ASSERT_TRUE(response) << response.error().ToString();
  EXPECT_EQ(body, "whole");
  EXPECT_EQ(server.requests(), 2);
  EXPECT_EQ(tokens.asked, 2);
}

TEST(Account, WhatTheStorageSentIsCountedForWhoeverAskedAndAlsoWhatBrokeOff) {
  LoopbackServer server([&](const LoopbackRequest& request) {
    if (request.target.starts_with("/c/gone")) return Answer(404, "not here");
    return Answer(200, "12345");
  });
  Tokens tokens(Credential::Kind::kSas);
  const ByteCount sent = MakeByteCount(), other = MakeByteCount();
  const auto account = tokens.account.Counted(sent);
  ASSERT_TRUE(account->Send(Get(server.url() + "/c/f"), "f"));
  EXPECT_EQ(*sent, 5);
  ASSERT_TRUE(account->Send(Get(server.url() + "/c/gone"), "f"));
  EXPECT_EQ(*sent, 13) << "an error's text too";
  HttpRequest request = Get(server.url() + "/c/f");
  request.on_body = [&](std::string_view) -> Status {
    return Error(ErrorKind::kCorrupt, "ENOUGH", "");
  };
  EXPECT_FALSE(account->Send(request, "f"));
  EXPECT_EQ(*sent, 18);
  ASSERT_TRUE(account->Counted(other)->Send(Get(server.url() + "/c/f"), "f"));
  ASSERT_TRUE(tokens.account.Send(Get(server.url() + "/c/f"), "f"));
  EXPECT_EQ(*sent, 18);
  EXPECT_EQ(*other, 5);
}

TEST(Account, ARefusalThatIsNoMatterOfAgeIsAnErrorByKind) {
  LoopbackServer server([&](const LoopbackRequest&) {
    return Answer(403, "", "x-ms-error-code: AuthorizationPermissionMismatch\r\n");
  });
  Tokens tokens(Credential::Kind::kBearer);
  for (int i = 0; i < 3; ++i) {
    const Result<HttpResponse> response = tokens.account.Send(Get(server.url() + "/c/f"), "f");
    ASSERT_FALSE(response);
    EXPECT_EQ(response.error().code(), "STORAGE_DENIED");
    EXPECT_EQ(response.error().where(), "f");
    EXPECT_NE(response.error().message().find("Storage Blob Data Reader"), std::string::npos);
    EXPECT_NE(response.error().message().find("AuthorizationPermissionMismatch"),
              std::string::npos);
  }
  EXPECT_EQ(tokens.asked, 2) << "renewed once, not with every read";
}

TEST(Account, ASasThatLapsedOnTheWayIsNamedSo) {
  LoopbackServer server([&](const LoopbackRequest&) {
    return Answer(403, "", "x-ms-error-code: AuthenticationFailed\r\n");
  });
  // To its keeper's clock it still holds, to the storage's it does not.
  auto keeper = std::make_shared<CredentialKeeper>(
      *FromSas(Secret("sp=rl&se=2001-01-01&sig=CANARYCANARY"), ""),
      CredentialKeeper::Options{0, [] { return int64_t{0}; }});
  const Result<HttpResponse> response =
      Account(Http(), keeper).Send(Get(server.url() + "/c/f"), "f");
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().code(), "STORAGE_SAS_EXPIRED");
  EXPECT_EQ(response.error().ToString().find("CANARY"), std::string::npos);
}

TEST(FromAnswer, SortsStatusesOfTheBlobService) {
  const std::pair<int, ErrorKind> cases[] = {
      {404, ErrorKind::kNotFound},    {416, ErrorKind::kCorrupt},     {429, ErrorKind::kThrottled},
      {500, ErrorKind::kUnavailable}, {503, ErrorKind::kUnavailable}, {400, ErrorKind::kDenied},
  };
  for (const auto& [status, kind] : cases) {
    HttpResponse response;
    response.status = status;
    response.headers["x-ms-error-code"] = "SomeReason";
    response.headers["retry-after"] = "3";
    const Error error = FromAnswer(response, "blob b");
    EXPECT_EQ(error.kind(), kind) << status;
    EXPECT_EQ(error.http_status(), status);
    EXPECT_EQ(error.retry_after_ms(), 3000);
    EXPECT_EQ(error.where(), "blob b");
  }
}

}  // namespace
}  // namespace mms::azure
