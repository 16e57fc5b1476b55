#include "clients/azure/storage.h"

#include <arrow/buffer.h>
#include <arrow/io/interfaces.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "clients/azure/blob_file.h"

namespace mms::azure {
namespace {

StorageOptions Options(std::string endpoint = "") {
  StorageOptions options;
  options.account = "settings";
  options.sas = Secret("?sv=2022-11-02&sp=rl&se=2999-01-01&sig=CANARYCANARY");
  options.endpoint = std::move(endpoint);
  return options;
}

Location At(const std::string& text) { return *ParseLocation(text); }

TEST(Storage, TellsTheKernelWhatItUsesItself) {
  auto storage = Storage::Open(Options(), At("abfss://lake@acct.dfs.core.chinacloudapi.cn/t"));
  ASSERT_TRUE(storage) << storage.error().ToString();
  EXPECT_EQ(*(*storage)->KernelOptions(At("abfss://other@acct.dfs.core.chinacloudapi.cn/u")),
            (std::map<std::string, std::string>{
                {"azure_storage_account_name", "acct"},
                {"azure_storage_endpoint", "https://acct.blob.core.chinacloudapi.cn"}}));
}

TEST(Storage, TakesTheAccountFromTheLocationThenTheSettingsThenTheEndpoint) {
  const auto account = [](const StorageOptions& options, const char* location) {
    auto storage = Storage::Open(options, At(location));
    if (!storage) return storage.error().code();
    return (*storage)->KernelOptions(At("az://lake/t"))->at("azure_storage_account_name");
  };
  EXPECT_EQ(account(Options(), "abfss://lake@acct.dfs.core.windows.net/t"), "acct");
  EXPECT_EQ(account(Options(), "az://lake/t"), "settings");
  StorageOptions bare = Options("http://127.0.0.1:10000/emulated/");
  bare.account.clear();
  EXPECT_EQ(account(bare, "az://lake/t"), "emulated");
  bare.endpoint.clear();
  EXPECT_EQ(account(bare, "az://lake/t"), "STORAGE_ACCOUNT_MISSING");
}

TEST(Storage, AFileOfAnotherAccountIsReadByAServicePrincipalAlone) {
  const auto address = [](const StorageOptions& options) {
    const auto storage = Storage::Open(options, At("abfss://lake@acct.dfs.core.windows.net/t"));
    const auto there = (*storage)->KernelOptions(At("abfss://raw@other.dfs.core.windows.net/f"));
    return there ? there->at("azure_storage_endpoint") : there.error().code();
  };
  EXPECT_EQ(address(Options()), "STORAGE_OTHER_ACCOUNT");
  StorageOptions principal = Options();
  principal.auth = StorageAuth::kServicePrincipal;
  principal.principal.client_id = "me";
  EXPECT_EQ(address(principal), "https://other.blob.core.windows.net");
  principal.endpoint = "http://127.0.0.1:10000/acct";
  EXPECT_EQ(address(principal), "http://127.0.0.1:10000/other");
  principal.endpoint = "https://acct.privatelink.blob.core.windows.net";
  EXPECT_EQ(address(principal), "https://other.privatelink.blob.core.windows.net");
  principal.endpoint = "https://lake.example.com";
  EXPECT_EQ(address(principal), "STORAGE_OTHER_ACCOUNT");
}

TEST(Storage, RefusesAnEndpointItCannotUse) {
  for (const char* endpoint : {"127.0.0.1:10000/acct", "ftp://x/acct", "http://127.0.0.1:10000",
                               "http://localhost:10000/", "http://[::1]:10000", "https://",
                               "https://h/a/b", "https://h/a?sig=CANARY", "https://user@h/a"}) {
    auto storage = Storage::Open(Options(endpoint), At("az://lake/t"));
    ASSERT_FALSE(storage) << endpoint;
    EXPECT_EQ(storage.error().code(), "STORAGE_ENDPOINT") << endpoint;
    EXPECT_EQ(storage.error().ToString().find("CANARY"), std::string::npos);
  }
}

TEST(Storage, RefusesAnExpiredOrMissingSas) {
  StorageOptions options = Options();
  options.sas = Secret("sp=rl&se=2001-02-03T04:05:06Z&sig=abcdefgh");
  const Error expired = Storage::Open(options, At("az://lake/t")).error();
  EXPECT_EQ(expired.code(), "STORAGE_SAS_EXPIRED");
  EXPECT_NE(expired.message().find("2001-02-03T04:05:06Z"), std::string::npos);
  options.sas = Secret();
  EXPECT_EQ(Storage::Open(options, At("az://lake/t")).error().code(), "STORAGE_SAS_MISSING");
}

TEST(Storage, VendedCredentialsAreForTablesOfTheCatalog) {
  StorageOptions options = Options();
  options.auth = StorageAuth::kVended;
  EXPECT_EQ(Storage::Open(options, At("az://lake/t")).error().code(), "STORAGE_VENDED_LOCATION");
}

TEST(Storage, ASignInIsNotAskedForBeforeItIsNeeded) {
  StorageOptions options = Options();
  options.auth = StorageAuth::kServicePrincipal;
  options.principal = {"tenant", "client", Secret("client-secret"), "https://nowhere.invalid"};
  EXPECT_TRUE(Storage::Open(options, At("az://lake/t")));
}

TEST(Storage, DoesNotReadAnotherAccount) {
  auto storage = Storage::Open(Options(), At("abfss://lake@acct.dfs.core.windows.net/t"));
  auto file = (*storage)->OpenFile(At("abfss://lake@other.dfs.core.windows.net/t/f"), 1);
  ASSERT_FALSE(file);
  EXPECT_EQ(file.error().code(), "STORAGE_OTHER_ACCOUNT");
}

TEST(Storage, ReadsLocalFilesWithoutCredentials) {
  std::string folder = (std::filesystem::temp_directory_path() / "storage_XXXXXX").string();
  ASSERT_NE(mkdtemp(folder.data()), nullptr);
  std::ofstream(folder + "/a b%20") << "0123456789";
  const Location root = At("file://" + folder);
  auto storage = Storage::Open({}, root);
  ASSERT_TRUE(storage) << storage.error().ToString();
  auto file = (*storage)->OpenFile(*ResolveFile(root, "a b%20"), 10);
  ASSERT_TRUE(file) << file.error().ToString();
  EXPECT_EQ((*(*file)->ReadAt(3, 4))->ToString(), "3456");
  EXPECT_EQ((*storage)->OpenFile(*ResolveFile(root, "a b%20"), 11).error().code(), "STORAGE_SIZE");
  EXPECT_EQ((*storage)->OpenFile(*ResolveFile(root, "none"), 1).error().code(),
            "STORAGE_NOT_FOUND");
  std::filesystem::remove_all(folder);
}

TEST(FromArrow, GivesBackTheErrorThatToArrowTook) {
  const arrow::Status status =
      ToArrow(Error(ErrorKind::kThrottled, "CODE", "text").HttpStatus(429).RetryAfter(5));
  EXPECT_TRUE(status.IsIOError());
  const Error error = FromArrow(status.WithMessage("column 3: ", status.message()), "file f");
  EXPECT_EQ(error.kind(), ErrorKind::kThrottled);
  EXPECT_EQ(error.code(), "CODE");
  EXPECT_EQ(error.http_status(), 429);
  EXPECT_EQ(error.retry_after_ms(), 5);
  EXPECT_EQ(error.where(), "file f");
}

TEST(FromArrow, SortsTheRestAndScrubsIt) {
  const Secret secret("CANARYSECRET");
  const Error corrupt = FromArrow(arrow::Status::Invalid("bad footer CANARYSECRET"), "f");
  EXPECT_EQ(corrupt.kind(), ErrorKind::kCorrupt);
  EXPECT_EQ(corrupt.ToString().find("CANARYSECRET"), std::string::npos);
  EXPECT_EQ(FromArrow(arrow::Status::OutOfMemory("x"), "f").kind(), ErrorKind::kLimitReached);
  EXPECT_EQ(FromArrow(arrow::Status::NotImplemented("x"), "f").kind(), ErrorKind::kUnsupported);
  EXPECT_EQ(FromArrow(arrow::Status::Cancelled("x"), "f").kind(), ErrorKind::kCancelled);
}

}  // namespace
}  // namespace mms::azure
