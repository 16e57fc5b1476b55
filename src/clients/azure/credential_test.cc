#include "clients/azure/credential.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <thread>
#include <vector>

namespace mms::azure {
namespace {

/// A keeper over tokens "token-1", "token-2", ... with a life, by a clock that tests turn.
struct Keeping {
  int64_t now_ms = 1'000'000;
  std::optional<int64_t> life_ms = 1'000'000;
  std::atomic<int> asked{0};
  bool fails = false;
  std::unique_ptr<CredentialKeeper> keeper = std::make_unique<CredentialKeeper>(
      [this]() -> Result<Credential> {
        ++asked;
        if (fails) return Error(ErrorKind::kUnavailable, "AWAY", "no answer");
        Credential credential;
        credential.kind = Credential::Kind::kBearer;
        credential.text = Secret("token-" + std::to_string(asked));
        if (life_ms) credential.expires_ms = now_ms + *life_ms;
        return credential;
      },
      CredentialKeeper::Options{30'000, [this] { return now_ms; }});

  std::string Get() {
    Result<Credential> credential = keeper->Get();
    return credential ? credential->text.Reveal() : credential.error().code();
  }
  Credential Bearer(const std::string& text) {
    return {Credential::Kind::kBearer, Secret(text), std::nullopt, ""};
  }
};

TEST(CredentialKeeper, AsksAgainWhenFourFifthsOfTheLifeArePast) {
  Keeping keeping;
  EXPECT_EQ(keeping.asked, 0) << "nothing is asked before it is needed";
  EXPECT_EQ(keeping.Get(), "token-1");
  keeping.now_ms += 799'999;
  EXPECT_EQ(keeping.Get(), "token-1");
  keeping.now_ms += 1;
  EXPECT_EQ(keeping.Get(), "token-2");
}

TEST(CredentialKeeper, GivesTheOldOneWhileItLastsWhenThereIsNoNewOne) {
  Keeping keeping;
  EXPECT_EQ(keeping.Get(), "token-1");
  keeping.fails = true;
  keeping.now_ms += 900'000;
  EXPECT_EQ(keeping.Get(), "token-1");
  EXPECT_EQ(keeping.asked, 2);
  keeping.now_ms += 10'000;
  EXPECT_EQ(keeping.Get(), "token-1");
  EXPECT_EQ(keeping.asked, 2) << "not with every read";
  keeping.now_ms += 90'000;
  EXPECT_EQ(keeping.Get(), "AWAY") << "now it has lapsed";
}

TEST(CredentialKeeper, OneThatNeverLapsesIsAskedForOnce) {
  Keeping keeping;
  keeping.life_ms.reset();
  EXPECT_EQ(keeping.Get(), "token-1");
  keeping.now_ms += 1'000'000'000'000;
  EXPECT_EQ(keeping.Get(), "token-1");
}

TEST(CredentialKeeper, ARefusedOneIsReplacedOnceInAWhile) {
  Keeping keeping;
  EXPECT_EQ(keeping.Get(), "token-1");
  EXPECT_EQ(*keeping.keeper->Replace(keeping.Bearer("token-1")), true);
  EXPECT_EQ(keeping.Get(), "token-2");
  EXPECT_EQ(*keeping.keeper->Replace(keeping.Bearer("token-1")), true) << "another read's refusal";
  EXPECT_EQ(keeping.asked, 2);
  EXPECT_EQ(*keeping.keeper->Replace(keeping.Bearer("token-2")), false) << "it is no matter of age";
  EXPECT_EQ(keeping.asked, 2);
  keeping.now_ms += 30'000;
  EXPECT_EQ(*keeping.keeper->Replace(keeping.Bearer("token-2")), true);
  keeping.now_ms += 30'000;
  keeping.fails = true;
  EXPECT_EQ(keeping.keeper->Replace(keeping.Bearer("token-3")).error().code(), "AWAY");
}

TEST(CredentialKeeper, OneThatLapsedOnItsWayIsReplacedWithoutAPause) {
  Keeping keeping;
  EXPECT_EQ(keeping.Get(), "token-1");
  EXPECT_EQ(*keeping.keeper->Replace(keeping.Bearer("token-1")), true);
  Credential lapsed = keeping.Bearer("token-2");
  EXPECT_EQ(*keeping.keeper->Replace(lapsed), false) << "just now one was asked for";
  lapsed.expires_ms = keeping.now_ms;
  EXPECT_EQ(*keeping.keeper->Replace(lapsed), true);
  keeping.fails = true;
  lapsed = keeping.Bearer("token-3");
  lapsed.expires_ms = keeping.now_ms;
  EXPECT_EQ(keeping.keeper->Replace(lapsed).error().code(), "AWAY");
}

TEST(CredentialKeeper, ThreadsThatWaitShareOneRenewal) {
  Keeping keeping;
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&] { EXPECT_EQ(keeping.keeper->Get()->text.Reveal(), "token-1"); });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(keeping.asked, 1);
}

class SasFile : public testing::Test {
 protected:
  void SetUp() override {
    path_ = (std::filesystem::temp_directory_path() / "sas_file_XXXXXX").string();
    const int file = mkstemp(path_.data());
    ASSERT_GE(file, 0);
    close(file);
  }
  void TearDown() override { std::filesystem::remove(path_); }
  void Write(const std::string& text) { std::ofstream(path_, std::ios::trunc) << text; }

  CredentialKeeper Keeper() {
    return CredentialKeeper(*FromSas(Secret(kFirst), path_), {0, [this] { return now_ms_; }});
  }

  static constexpr char kFirst[] = "sp=rl&se=2030-01-01T00:00:00Z&sig=first%2Bfirst";
  static constexpr char kSecond[] = "sp=rl&se=2030-01-02T00:00:00Z&sig=second%2Bsecond";
  std::string path_;
  int64_t now_ms_ = 1893455000000;  // 2029-12-31T23:43:20Z
};

TEST_F(SasFile, IsReadAgainWhenTheSasHasExpiredOrIsRefused) {
  Write(std::string("?") + kFirst + "\n");
  CredentialKeeper keeper = Keeper();
  const Credential first = *keeper.Get();
  EXPECT_EQ(first.text.Reveal(), kFirst);
  EXPECT_EQ(*keeper.Replace(first), false) << "the file still has the same";
  Write(kSecond);
  EXPECT_EQ(*keeper.Replace(first), true);
  EXPECT_EQ(keeper.Get()->text.Reveal(), kSecond);
}

TEST_F(SasFile, AnExpiredSasHealsWithTheFileAndIsNamedUntilThen) {
  Write(kFirst);
  CredentialKeeper keeper = Keeper();
  ASSERT_TRUE(keeper.Get());
  now_ms_ = 1893456000000;  // the end of the first
  const Result<Credential> lapsed = keeper.Get();
  ASSERT_FALSE(lapsed);
  EXPECT_EQ(lapsed.error().code(), "STORAGE_SAS_EXPIRED");
  EXPECT_NE(lapsed.error().message().find("2030-01-01T00:00:00Z"), std::string::npos);
  Write(kSecond);
  EXPECT_EQ(keeper.Get()->text.Reveal(), kSecond);
}

TEST_F(SasFile, WithoutAFileTheSasStaysWhatItWas) {
  CredentialKeeper keeper(*FromSas(Secret(kFirst), ""), {0, [this] { return now_ms_; }});
  const Credential first = *keeper.Get();
  EXPECT_EQ(*keeper.Replace(first), false);
  now_ms_ = 1893456000000;
  EXPECT_EQ(keeper.Get().error().code(), "STORAGE_SAS_EXPIRED");
}

TEST(CheckNotExpired, ATokenTellsWhenItLapsed) {
  const Credential token{Credential::Kind::kBearer, Secret("token-text"), 1893456000000, ""};
  EXPECT_TRUE(CheckNotExpired(token, 1893455999999));
  const Status late = CheckNotExpired(token, 1893456000000);
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().code(), "STORAGE_TOKEN_EXPIRED");
  EXPECT_NE(late.error().message().find("2030-01-01T00:00:00Z"), std::string::npos);
}

}  // namespace
}  // namespace mms::azure
