#include "clients/azure/sas.h"

#include <gtest/gtest.h>

namespace mms::azure {
namespace {

constexpr char kSas[] =
    "sv=2022-11-02&ss=b&srt=sco&sp=rl&se=2030-01-02T03%3A04%3A05Z&sig=abc%2Bdefgh";

TEST(ParseSas, TakesEveryFormPeopleHave) {
  for (const std::string& text : {std::string(kSas), "?" + std::string(kSas),
                                  "  ?" + std::string(kSas) + "\n", "\"" + std::string(kSas) + "\"",
                                  "https://acct.blob.core.windows.net/?" + std::string(kSas)}) {
    Result<Sas> sas = ParseSas(Secret(text));
    ASSERT_TRUE(sas) << sas.error().ToString();
    EXPECT_EQ(sas->token.Reveal(), kSas);
    EXPECT_EQ(sas->facts.expires_ms, 1893553445000);
    EXPECT_EQ(sas->facts.expires_text, "2030-01-02T03:04:05Z");
  }
}

TEST(ParseSas, RefusesWhatIsNoSasWithoutRepeatingIt) {
  EXPECT_EQ(ParseSas(Secret("")).error().code(), "STORAGE_SAS_MISSING");
  EXPECT_EQ(ParseSas(Secret(" ?\n")).error().code(), "STORAGE_SAS_MISSING");
  for (const char* text : {"Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq==",
                           "sv=2022&sp=rl", "sv=2022 &sig=abcdefgh"}) {
    Result<Sas> sas = ParseSas(Secret(text));
    ASSERT_FALSE(sas) << text;
    EXPECT_EQ(sas.error().code(), "STORAGE_SAS_INVALID");
    EXPECT_EQ(sas.error().ToString().find(text), std::string::npos);
  }
}

TEST(ParseSas, RefusesOneThatMayNotReadOrList) {
  for (const char* rights : {"r", "l", "wac"}) {
    Result<Sas> sas = ParseSas(Secret(std::string("sp=") + rights + "&sig=abcdefgh"));
    ASSERT_FALSE(sas);
    EXPECT_EQ(sas.error().code(), "STORAGE_SAS_RIGHTS");
    EXPECT_EQ(sas.error().kind(), ErrorKind::kDenied);
  }
  EXPECT_TRUE(ParseSas(Secret("sp=racwdl&sig=abcdefgh")));
}

TEST(ParseSas, RefusesOneThatIsNotForTheBlobsOfATable) {
  for (const char* scope : {"ss=qt&srt=sco", "ss=b&srt=s", "ss=b&srt=o", "sr=b"}) {
    Result<Sas> sas = ParseSas(Secret(std::string(scope) + "&sp=rl&sig=abcdefgh"));
    ASSERT_FALSE(sas) << scope;
    EXPECT_EQ(sas.error().code(), "STORAGE_SAS_RIGHTS");
  }
  EXPECT_TRUE(ParseSas(Secret("ss=bfqt&srt=co&sp=rl&sig=abcdefgh")));
}

TEST(ReadSasFacts, TellsTheThreeKindsAndWhatTheyAreFor) {
  const SasFacts account = ReadSasFacts(
      "sv=2022-11-02&ss=b&srt=sco&sp=rl&st=2030-01-01&se=2030-01-02T03%3A04Z&spr=https"
      "&sip=10.0.0.1-10.0.0.9&sig=abc");
  EXPECT_EQ(account.kind, SasFacts::Kind::kAccount);
  EXPECT_EQ(account.services + "/" + account.resource_types + "/" + account.rights, "b/sco/rl");
  EXPECT_EQ(account.starts_ms, ParseUtcMs("2030-01-01"));
  EXPECT_EQ(account.expires_ms, ParseUtcMs("2030-01-02T03:04Z"));
  EXPECT_EQ(account.protocol + " " + account.addresses, "https 10.0.0.1-10.0.0.9");

  const SasFacts container = ReadSasFacts("sv=2022-11-02&sr=c&si=weekly&sig=abc");
  EXPECT_EQ(container.kind, SasFacts::Kind::kService);
  EXPECT_EQ(container.resource + " " + container.policy, "c weekly");
  EXPECT_EQ(container.expires_ms, std::nullopt);

  const SasFacts vended = ReadSasFacts("skoid=1&sktid=2&sr=d&sdd=3&sp=rl&se=soon&sig=abc");
  EXPECT_EQ(vended.kind, SasFacts::Kind::kUserDelegation);
  EXPECT_EQ(vended.expires_ms, std::nullopt);
  EXPECT_EQ(vended.expires_text, "soon");
}

TEST(ParseSas, LeavesTheEndUnknownUnderAStoredPolicy) {
  Result<Sas> sas = ParseSas(Secret("sv=2022-11-02&si=policy&sr=c&sig=abcdefgh"));
  ASSERT_TRUE(sas);
  EXPECT_EQ(sas->facts.expires_ms, std::nullopt);
  EXPECT_TRUE(CheckNotExpired(*sas, 0));
}

TEST(CheckNotExpired, NamesTheTimeOfTheEnd) {
  const Sas sas = *ParseSas(Secret(kSas));
  EXPECT_TRUE(CheckNotExpired(sas, *sas.facts.expires_ms - 1));
  const Status late = CheckNotExpired(sas, *sas.facts.expires_ms);
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().code(), "STORAGE_SAS_EXPIRED");
  EXPECT_NE(late.error().message().find("2030-01-02T03:04:05Z"), std::string::npos);
}

TEST(ParseUtcMs, ReadsTheFormsAzureAllows) {
  EXPECT_EQ(ParseUtcMs("1970-01-02"), 86400000);
  EXPECT_EQ(ParseUtcMs("1970-01-01T01:00Z"), 3600000);
  EXPECT_EQ(ParseUtcMs("1970-01-01T00:00:01Z"), 1000);
  EXPECT_EQ(ParseUtcMs("1970-01-01T00:00:01.1234567Z"), 1000);
  for (const char* text :
       {"", "x", "1970", "1970-13-01", "1970-02-30", "1970-01-01T", "1970-01-01T25:00Z",
        "1970-01-01T00:00:01", "1970-01-01T00:00:01Zx", "1970-01-01 00:00:01Z"}) {
    EXPECT_EQ(ParseUtcMs(text), std::nullopt) << text;
  }
}

}  // namespace
}  // namespace mms::azure
