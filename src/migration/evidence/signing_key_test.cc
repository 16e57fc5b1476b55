#include "migration/evidence/signing_key.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <thread>
#include <vector>

namespace mms::migration {
namespace {

class SigningKeyTest : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = std::filesystem::temp_directory_path() / ("mms_key_" + std::to_string(::getpid()));
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directories(folder_);
    file_ = folder_ / "evidence.key";
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::filesystem::path folder_;
  std::string file_;
};

TEST_F(SigningKeyTest, IsMadeOnceForItsOwnerAloneAndStays) {
  const auto key = SigningKey::Open(file_);
  ASSERT_TRUE(key) << key.error().ToString();
  struct stat info {};
  ASSERT_EQ(stat(file_.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600u);
  const auto again = SigningKey::Open(file_);
  ASSERT_TRUE(again);
  EXPECT_EQ(again->PublicPem(), key->PublicPem());
  EXPECT_EQ(again->Sign("text"), key->Sign("text"));
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder_), {}), 1)
      << "nothing is left beside it";
}

TEST_F(SigningKeyTest, OfManyThatMakeItAtOnceOneWinsForAll) {
  std::vector<std::string> keys(8);
  std::vector<std::thread> threads;
  for (std::string& pem : keys) {
    threads.emplace_back([&] {
      const auto key = SigningKey::Open(file_);
      pem = key ? key->PublicPem() : key.error().ToString();
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (const std::string& pem : keys) EXPECT_EQ(pem, keys.front());
}

TEST_F(SigningKeyTest, ASignatureFitsItsMessageAndKeyAlone) {
  const auto key = SigningKey::Open(file_);
  const auto other = SigningKey::Open(file_ + "2");
  ASSERT_TRUE(key && other);
  const auto mine = PublicKey::Parse(key->PublicPem());
  const auto others = PublicKey::Parse(other->PublicPem());
  ASSERT_TRUE(mine && others);
  const std::string signature = key->Sign("message");
  ASSERT_EQ(signature.size(), 64u);
  EXPECT_TRUE(mine->Verifies("message", signature));
  EXPECT_FALSE(mine->Verifies("Message", signature));
  EXPECT_FALSE(others->Verifies("message", signature));
  EXPECT_FALSE(mine->Verifies("message", signature.substr(1)));
  EXPECT_FALSE(mine->Verifies("message", ""));
  for (size_t at = 0; at < signature.size(); ++at) {
    std::string damaged = signature;
    damaged[at] = static_cast<char>(damaged[at] ^ 1);
    EXPECT_FALSE(mine->Verifies("message", damaged)) << at;
  }
  EXPECT_NE(mine->Fingerprint(), others->Fingerprint());
  EXPECT_EQ(key->Public().Fingerprint(), mine->Fingerprint());
}

TEST_F(SigningKeyTest, KnowsTheKeyOfTheStandard) {
  // RFC 8032, 7.1, TEST 1, as SubjectPublicKeyInfo (RFC 8410, 4).
  const auto key = PublicKey::Parse(
      "-----BEGIN PUBLIC KEY-----\n"
      "MCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\n"
      "-----END PUBLIC KEY-----\n");
  ASSERT_TRUE(key) << key.error().ToString();
  std::string signature;
  const std::string hex =
      "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9"
      "b4"
      "6bd25bf5f0595bbe24655141438e7a100b";
  for (size_t i = 0; i < hex.size(); i += 2) {
    signature += static_cast<char>(std::stoi(hex.substr(i, 2), nullptr, 16));
  }
  EXPECT_TRUE(key->Verifies("", signature));
  EXPECT_FALSE(key->Verifies("x", signature));
}

TEST_F(SigningKeyTest, AFileThatOthersMayReadOrThatIsNoKeyIsRefused) {
  ASSERT_TRUE(SigningKey::Open(file_));
  ASSERT_EQ(chmod(file_.c_str(), 0640), 0);
  const auto open = SigningKey::Open(file_);
  ASSERT_FALSE(open);
  EXPECT_EQ(open.error().code(), "EVIDENCE_KEY_UNREADABLE");
  EXPECT_NE(open.error().message().find("chmod 600"), std::string::npos);
  ASSERT_EQ(chmod(file_.c_str(), 0600), 0);
  std::ofstream(file_) << "no key\n";
  EXPECT_EQ(SigningKey::Open(file_).error().code(), "EVIDENCE_KEY_UNREADABLE");
  EXPECT_EQ(SigningKey::Open(folder_ / "none" / "evidence.key").error().code(),
            "EVIDENCE_KEY_UNREADABLE");
  EXPECT_EQ(PublicKey::Parse("no key").error().code(), "EVIDENCE_KEY_INVALID");
}

}  // namespace
}  // namespace mms::migration
