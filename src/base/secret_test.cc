#include "base/secret.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <cstdio>
#include <filesystem>
#include <fstream>

namespace mms {
namespace {

class TemporaryFile {
 public:
  explicit TemporaryFile(const std::string& text) {
    std::string name = (std::filesystem::temp_directory_path() / "mms-secret-XXXXXX").string();
    const int descriptor = ::mkstemp(name.data());
    EXPECT_GE(descriptor, 0);
    std::FILE* file = ::fdopen(descriptor, "w");
    std::fwrite(text.data(), 1, text.size(), file);
    std::fclose(file);
    path_ = name;
  }
  ~TemporaryFile() { std::filesystem::remove(path_); }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

TEST(ResolveSecret, ReadsAnEnvironmentVariable) {
  ::setenv("MMS_SECRET_TEST", "canary-env-1", 1);
  Result<Secret> secret = ResolveSecret("env:MMS_SECRET_TEST", "source.token");
  ASSERT_TRUE(secret) << secret.error().ToString();
  EXPECT_EQ(secret->Reveal(), "canary-env-1");
}

TEST(ResolveSecret, ReadsAFileWithoutItsLastLineBreak) {
  for (const char* ending : {"", "\n", "\r\n"}) {
    TemporaryFile file("canary file" + std::string(ending));
    Result<Secret> secret = ResolveSecret("file:" + file.path(), "source.token");
    ASSERT_TRUE(secret) << secret.error().ToString();
    EXPECT_EQ(secret->Reveal(), "canary file");
  }
}

TEST(ResolveSecret, NamesTheSettingAndTheNextStep) {
  ::unsetenv("MMS_SECRET_ABSENT");
  TemporaryFile empty("\n");
  const struct {
    std::string reference, code;
  } cases[] = {
      {"env:MMS_SECRET_ABSENT", "SECRET_NOT_SET"},
      {"file:/nonexistent/secret", "SECRET_UNREADABLE"},
      {"file:/tmp", "SECRET_UNREADABLE"},
      {"file:" + empty.path(), "SECRET_UNREADABLE"},
      {"canary-literal-1", "SECRET_LITERAL"},
      {"", "SECRET_LITERAL"},
  };
  for (const auto& [reference, code] : cases) {
    Result<Secret> secret = ResolveSecret(reference, "source.token");
    ASSERT_FALSE(secret) << reference;
    EXPECT_EQ(secret.error().code(), code) << reference;
    EXPECT_EQ(secret.error().kind(), ErrorKind::kInvalidInput);
    EXPECT_TRUE(secret.error().message().starts_with("source.token: "));
    EXPECT_EQ(secret.error().message().find("canary-literal"), std::string::npos);
  }
}

TEST(ScrubSecrets, HidesEveryValueThatWasEverASecret) {
  const Secret plain("canary/plain+1=");
  const std::string text = "a canary/plain+1= b canary%2Fplain%2B1%3D c canary%2fplain%2b1%3d";
  EXPECT_EQ(ScrubSecrets(text), "a *** b *** c ***");
}

TEST(ScrubSecrets, HidesTheLongerOfTwoNestedSecretsWhole) {
  const Secret inner("canary-inner");
  const Secret outer("canary-inner-and-outer");
  EXPECT_EQ(ScrubSecrets("x canary-inner-and-outer y canary-inner z"), "x *** y *** z");
}

TEST(ScrubSecrets, HidesSecretsWithinBase64) {
  const Secret secret("canary-within-base64");
  // Of c:, cc: and ccc: before it, and of it alone, as `base64` writes them.
  for (const char* text : {"YzpjYW5hcnktd2l0aGluLWJhc2U2NA==", "Y2M6Y2FuYXJ5LXdpdGhpbi1iYXNlNjQ=",
                           "Y2NjOmNhbmFyeS13aXRoaW4tYmFzZTY0", "Y2FuYXJ5LXdpdGhpbi1iYXNlNjQ="}) {
    const std::string shown = ScrubSecrets("Proxy-Authorization=Basic " + std::string(text));
    EXPECT_NE(shown.find("***"), shown.npos) << shown;
    EXPECT_LT(shown.size(), 42u) << shown << ": what is left of it";
  }
}

TEST(ScrubSecrets, LeavesShortValuesAlone) {
  const Secret tiny("abc");
  EXPECT_EQ(ScrubSecrets("abc abcd"), "abc abcd");
}

TEST(ScrubSecrets, HidesCredentialsItHasNeverSeenByTheirPlace) {
  const std::pair<const char*, const char*> kCases[] = {
      {"GET https://h/p?se=1&sig=AbC%2Fdef123&x=1", "GET https://h/p?se=1&sig=***&x=1"},
      {"Signature=abcdefgh123 rest", "Signature=*** rest"},
      {"Authorization: Bearer dapi0123456789abcdef", "Authorization: Bearer ***"},
      {"authorization-sts-token: CAISabcdefgh\r\nX: 1", "authorization-sts-token: ***\r\nX: 1"},
      {"ODPS testid:C25K/joHqPc+Fg+jLVLScsZBXxo=", "ODPS ***"},
      {"{\"access_token\":\"abcdefgh\",\"n\":1}", "{\"access_token\":\"***\",\"n\":1}"},
      {"{\"token\": \"abcdefgh\"}", "{\"token\": \"***\"}"},
      {"/cb?access_token=abcdefgh&x", "/cb?access_token=***&x"},
  };
  for (const auto& [text, scrubbed] : kCases) EXPECT_EQ(ScrubSecrets(text), scrubbed);
}

TEST(ScrubSecrets, LeavesOrdinaryTextAsItIs) {
  for (const std::string text :
       {"source.token: environment variable X is not set", "ODPS project p: table t",
        "design=rectangular", "the bearer of news", "FAILED: ODPS-0130131:[1,15] Table not found",
        "Type TOKEN = 'abcdefgh'"}) {
    EXPECT_EQ(ScrubSecrets(text), text);
  }
}

TEST(ScrubSecrets, TakesTextsOfAnySize) {
  const std::string text = "sig=" + std::string(4'000'000, 'a') + "&" + std::string(1'000, 'b');
  EXPECT_EQ(ScrubSecrets(text), "sig=***&" + std::string(1'000, 'b'));
}

}  // namespace
}  // namespace mms
