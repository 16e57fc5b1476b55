#include "clients/maxcompute/credentials.h"

#include <gtest/gtest.h>

#include <fstream>

namespace mms::maxcompute {
namespace {

using std::chrono::minutes;
using std::chrono::system_clock;

const auto kNow = system_clock::from_time_t(1795370400);  // 2026-11-22 18:00:00 UTC

AccessKey KeyUntil(const std::string& id, std::optional<system_clock::time_point> expires) {
  AccessKey key;
  key.id = id;
  key.secret = Secret("secret-of-" + id);
  key.expires = expires;
  return key;
}

TEST(ParseKey, ReadsWhatAlibabaCloudsToolsWrite) {
  const Result<AccessKey> key =
      ParseKey(R"({"AccessKeyId":"STS.a","AccessKeySecret":"s-canary","SecurityToken":"t-canary",)"
               R"("Expiration":"2026-11-22T18:00:00Z","Code":"Success"})");
  ASSERT_TRUE(key) << key.error().ToString();
  EXPECT_EQ(key->id, "STS.a");
  EXPECT_EQ(key->secret.Reveal(), "s-canary");
  EXPECT_EQ(key->security_token.Reveal(), "t-canary");
  EXPECT_EQ(key->expires, kNow);
  const Result<AccessKey> bearer = ParseKey(R"({"BearerToken":"b-canary"})");
  ASSERT_TRUE(bearer);
  EXPECT_EQ(bearer->bearer_token.Reveal(), "b-canary");
  EXPECT_EQ(bearer->expires, std::nullopt);
}

TEST(ParseKey, RefusesTheRestWithoutShowingIt) {
  for (const char* text :
       {"", "[]", "s-canary", R"({"AccessKeyId":"a"})", R"({"AccessKeySecret":"s-canary"})",
        R"({"AccessKeyId":"a","AccessKeySecret":"s-canary","Expiration":"soon"})"}) {
    const Result<AccessKey> key = ParseKey(text);
    ASSERT_FALSE(key) << text;
    EXPECT_EQ(key.error().code(), "ODPS_CREDENTIALS");
    EXPECT_EQ(key.error().ToString().find("canary"), std::string::npos);
  }
}

TEST(KeyKeeper, AFixedKeyStays) {
  KeyKeeper keeper({"id", Secret("fixed-canary"), Secret(), ""});
  EXPECT_EQ(keeper.Get(kNow)->secret.Reveal(), "fixed-canary");
  EXPECT_FALSE(keeper.Refused(*keeper.Get(kNow)));
}

TEST(KeyKeeper, AKeyIsRenewedTenMinutesBeforeItLapses) {
  int calls = 0;
  KeyKeeper keeper({}, [&calls]() -> Result<AccessKey> {
    ++calls;
    return KeyUntil("k" + std::to_string(calls), kNow + minutes(60 * calls));
  });
  EXPECT_EQ(keeper.Get(kNow)->id, "k1");
  EXPECT_EQ(keeper.Get(kNow + minutes(49))->id, "k1");
  EXPECT_EQ(keeper.Get(kNow + minutes(51))->id, "k2");
  EXPECT_EQ(calls, 2);
}

TEST(KeyKeeper, AFailedRenewalIsAnErrorOnceTheOldKeyHasLapsed) {
  bool fails = false;
  KeyKeeper keeper({}, [&fails]() -> Result<AccessKey> {
    if (fails) return Error(ErrorKind::kDenied, "ODPS_CREDENTIALS", "no role");
    return KeyUntil("k", kNow + minutes(60));
  });
  ASSERT_TRUE(keeper.Get(kNow));
  fails = true;
  EXPECT_EQ(keeper.Get(kNow + minutes(55))->id, "k");
  EXPECT_EQ(keeper.Get(kNow + minutes(61)).error().code(), "ODPS_CREDENTIALS");
}

TEST(KeyKeeper, AKeyThatLivesForMinutesIsNotRenewedWithEveryCall) {
  int calls = 0;
  KeyKeeper keeper({}, [&calls]() -> Result<AccessKey> {
    ++calls;
    return KeyUntil("k" + std::to_string(calls), kNow + minutes(5));
  });
  for (int second = 0; second < 300; ++second) {
    ASSERT_TRUE(keeper.Get(kNow + std::chrono::seconds(second)));
  }
  EXPECT_EQ(calls, 10);
  ASSERT_TRUE(keeper.Get(kNow + minutes(5)));
  EXPECT_EQ(calls, 11) << "one that has lapsed is";
}

TEST(KeyKeeper, ARefusedKeyIsRenewedAndTriedAgainOnlyWhenItIsAnother) {
  std::string id = "k1";
  KeyKeeper keeper({}, [&id]() -> Result<AccessKey> { return KeyUntil(id, std::nullopt); });
  const AccessKey first = *keeper.Get(kNow);
  EXPECT_FALSE(keeper.Refused(first)) << "the same again";
  id = "k2";
  EXPECT_TRUE(keeper.Refused(first));
  EXPECT_TRUE(keeper.Refused(first)) << "another thread has renewed it";
  EXPECT_EQ(keeper.Get(kNow)->id, "k2");
}

TEST(FromCommand, TakesWhatTheCommandPrints) {
  const Result<AccessKey> key =
      FromCommand(R"_(printf '{"AccessKeyId":"%s","AccessKeySecret":"printed"}' $((1+1)))_")();
  ASSERT_TRUE(key) << key.error().ToString();
  EXPECT_EQ(key->id, "2");
}

TEST(FromCommand, TellsACommandThatFails) {
  for (const char* command : {"exit 3", "echo no key", "mms-no-such-command 2>&-"}) {
    const Result<AccessKey> key = FromCommand(command)();
    ASSERT_FALSE(key) << command;
    EXPECT_EQ(key.error().code(), "ODPS_CREDENTIALS");
    EXPECT_NE(key.error().ToString().find(command), std::string::npos);
  }
}

TEST(FromFile, ReadsTheFileAnewEachTime) {
  const std::string path = testing::TempDir() + "mms_credentials_test.json";
  for (const char* id : {"one", "two"}) {
    std::ofstream(path) << R"({"AccessKeyId":")" << id << R"(","AccessKeySecret":"in-file"})";
    EXPECT_EQ(FromFile(path)()->id, id);
  }
  EXPECT_EQ(FromFile(path + ".absent")().error().code(), "ODPS_CREDENTIALS");
}

}  // namespace
}  // namespace mms::maxcompute
