#include "service/vault.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

namespace mms::service {
namespace {

class VaultTest : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = testing::TempDir() + "vault-XXXXXX";
    ASSERT_NE(mkdtemp(folder_.data()), nullptr);
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }
  std::string File() const { return folder_ + "/secret.key"; }

  std::string folder_;
};

TEST_F(VaultTest, WhatIsSealedOpensAfterTheKeyWasReadAgain) {
  const auto first = Vault::Open(File(), true);
  ASSERT_TRUE(first) << first.error().ToString();
  const auto sealed = first->Seal(Secret("dapi-0123456789"), "source 1 token");
  ASSERT_TRUE(sealed);
  EXPECT_EQ(sealed->find("dapi"), std::string::npos);
  const auto again = Vault::Open(File(), false);
  ASSERT_TRUE(again) << again.error().ToString();
  const auto opened = again->Unseal(*sealed, "source 1 token");
  ASSERT_TRUE(opened) << opened.error().ToString();
  EXPECT_EQ(opened->Reveal(), "dapi-0123456789");
}

TEST_F(VaultTest, TheSameSecretIsSealedDifferentlyEachTime) {
  const auto vault = Vault::Open(File(), true);
  ASSERT_TRUE(vault);
  EXPECT_NE(*vault->Seal(Secret("same-secret"), "a"), *vault->Seal(Secret("same-secret"), "a"));
}

TEST_F(VaultTest, ASealedTextOpensInItsOwnRowAloneAndUnchanged) {
  const auto vault = Vault::Open(File(), true);
  ASSERT_TRUE(vault);
  std::string sealed = *vault->Seal(Secret("some-secret"), "source 1 token");
  const auto moved = vault->Unseal(sealed, "source 2 token");
  ASSERT_FALSE(moved);
  EXPECT_EQ(moved.error().code(), "SECRET_KEY_WRONG");
  sealed[30] = sealed[30] == '0' ? '1' : '0';
  EXPECT_FALSE(vault->Unseal(sealed, "source 1 token"));
  EXPECT_FALSE(vault->Unseal("00", "source 1 token"));
  EXPECT_FALSE(vault->Unseal("no hex", "source 1 token"));
}

TEST_F(VaultTest, TheKeyFileIsForItsOwnerAlone) {
  ASSERT_TRUE(Vault::Open(File(), true));
  struct stat info {};
  ASSERT_EQ(stat(File().c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600u);
  ASSERT_EQ(chmod(File().c_str(), 0644), 0);
  const auto open_to_all = Vault::Open(File(), true);
  ASSERT_FALSE(open_to_all);
  EXPECT_EQ(open_to_all.error().code(), "SECRET_KEY_UNREADABLE");
}

TEST_F(VaultTest, AKeyThatIsGoneOrCutIsNotMadeAnew) {
  EXPECT_EQ(Vault::Open(File(), false).error().code(), "SECRET_KEY_UNREADABLE");
  std::ofstream(File()) << "0123";
  ASSERT_EQ(chmod(File().c_str(), 0600), 0);
  EXPECT_EQ(Vault::Open(File(), true).error().code(), "SECRET_KEY_UNREADABLE");
}

}  // namespace
}  // namespace mms::service
