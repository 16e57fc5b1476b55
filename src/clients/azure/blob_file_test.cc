#include "clients/azure/blob_file.h"

#include <arrow/buffer.h>
#include <gtest/gtest.h>

#include "base/loopback_server.h"
#include "clients/azure/arrow_error.h"
#include "clients/azure/storage.h"

namespace mms::azure {
namespace {

constexpr char kContent[] = "0123456789abcdefghij";
constexpr int64_t kSizeBytes = 20;

/// What Azure answers to a range of kContent.
LoopbackAnswer Range(const LoopbackRequest& request) {
  const std::string& range = request.headers.at("range");
  const size_t first = std::stoul(range.substr(6));
  const size_t last = std::stoul(range.substr(range.find('-') + 1));
  const std::string header =
      "Content-Range: bytes " + range.substr(6) + "/" + std::to_string(kSizeBytes) + "\r\n";
  return Answer(206, std::string_view(kContent).substr(first, last - first + 1), header);
}

std::shared_ptr<BlobFile> Open(const LoopbackServer& server, const std::string& etag = "") {
  BlobAddress address;
  address.url = server.url() + "/acct/lake/f";
  address.text = "az://lake/f";
  address.etag = etag;
  auto keeper = std::make_shared<CredentialKeeper>(*FromSas(Secret("sp=rl&sig=CANARYCANARY"), ""));
  auto account = std::make_shared<Account>(std::make_shared<HttpClient>(HttpClient::Options{}),
                                           std::move(keeper));
  return std::make_shared<BlobFile>(std::move(account), address, kSizeBytes);
}

Error Failure(const std::shared_ptr<BlobFile>& file) {
  char buffer[kSizeBytes];
  const arrow::Result<int64_t> read = file->ReadAt(0, kSizeBytes, buffer);
  CHECK(!read.ok());
  EXPECT_EQ(read.status().ToString().find("CANARY"), std::string::npos);
  return FromArrow(read.status(), "reading");
}

TEST(BlobFile, AListedFileThatHasAnotherETagOrIsGoneIsNamed) {
  for (const int status : {412, 404}) {
    std::string asked;
    LoopbackServer server([&](const LoopbackRequest& request) {
      asked = request.headers.at("if-match");
      return Answer(status, "");
    });
    const Error error = Failure(Open(server, "0x8D1"));
    EXPECT_EQ(error.code(), "STORAGE_CHANGED") << status;
    EXPECT_NE(error.ToString().find("az://lake/f"), std::string::npos);
    EXPECT_EQ(asked, "\"0x8D1\"") << "a list has it without its quotes";
  }
}

TEST(BlobFile, AsksForExactlyTheRangeWithTheSas) {
  std::string target;
  std::string range;
  LoopbackServer server([&](const LoopbackRequest& request) {
    target = request.target;
    range = request.headers.at("range");
    return Range(request);
  });
  const std::shared_ptr<BlobFile> file = Open(server);
  EXPECT_EQ((*file->ReadAt(3, 5))->ToString(), "34567");
  EXPECT_EQ(target, "/acct/lake/f?sp=rl&sig=CANARYCANARY");
  EXPECT_EQ(range, "bytes=3-7");
}

TEST(BlobFile, SendsNothingToOpenAndNothingForNoBytes) {
  LoopbackServer server(Range);
  const std::shared_ptr<BlobFile> file = Open(server);
  EXPECT_EQ(*file->GetSize(), kSizeBytes);
  EXPECT_EQ((*file->ReadAt(kSizeBytes, 5))->size(), 0);
  EXPECT_FALSE(file->ReadAt(kSizeBytes + 1, 1).ok());
  EXPECT_EQ(server.requests(), 0);
}

TEST(BlobFile, ReadsOnFromItsPositionToTheEnd) {
  LoopbackServer server(Range);
  const std::shared_ptr<BlobFile> file = Open(server);
  ASSERT_TRUE(file->Seek(15).ok());
  EXPECT_EQ((*file->Read(3))->ToString(), "fgh");
  EXPECT_EQ(*file->Tell(), 18);
  EXPECT_EQ((*file->Read(100))->ToString(), "ij");
  ASSERT_TRUE(file->Close().ok());
  EXPECT_FALSE(file->Read(1).ok());
}

TEST(BlobFile, ReadsAgainWhatMayPass) {
  std::atomic<int> call{0};
  LoopbackServer server([&](const LoopbackRequest& request) -> LoopbackAnswer {
    const std::string whole = Range(request).bytes;
    switch (call++) {
      case 0: return Answer(503, "busy");
      case 1: return {whole.substr(0, whole.size() - 5), true};  // cut within the body
      default: return Range(request);
    }
  });
  EXPECT_EQ((*Open(server)->ReadAt(0, kSizeBytes))->ToString(), kContent);
  EXPECT_EQ(server.requests(), 3);
}

TEST(BlobFile, ReportsARefusedSasAtOnce) {
  LoopbackServer server([](const LoopbackRequest&) {
    return Answer(403, "<Error/>", "x-ms-error-code: AuthenticationFailed\r\n");
  });
  const Error error = Failure(Open(server));
  EXPECT_EQ(error.code(), "STORAGE_DENIED");
  EXPECT_EQ(error.http_status(), 403);
  EXPECT_NE(error.message().find("AuthenticationFailed"), std::string::npos);
  EXPECT_EQ(error.where(), "reading: az://lake/f");
  EXPECT_EQ(server.requests(), 1);
}

TEST(BlobFile, SeesThatTheBlobIsNotTheOneOfTheLog) {
  LoopbackServer longer([](const LoopbackRequest&) {
    return Answer(206, kContent, "Content-Range: bytes 0-19/21\r\n");
  });
  EXPECT_EQ(Failure(Open(longer)).code(), "STORAGE_SIZE");
  LoopbackServer shorter([](const LoopbackRequest&) { return Answer(416, ""); });
  EXPECT_EQ(Failure(Open(shorter)).code(), "STORAGE_SIZE");
  LoopbackServer whole([](const LoopbackRequest&) { return Answer(200, std::string(99, 'x')); });
  EXPECT_EQ(Failure(Open(whole)).code(), "STORAGE_RANGE");
  LoopbackServer gone([](const LoopbackRequest&) { return Answer(404, ""); });
  EXPECT_EQ(Failure(Open(gone)).kind(), ErrorKind::kNotFound);
}

TEST(Storage, OpensABlobUnderItsEncodedName) {
  std::string target;
  LoopbackServer server([&](const LoopbackRequest& request) {
    target = request.target;
    return Range(request);
  });
  StorageOptions options;
  options.endpoint = server.url() + "/acct";
  options.sas = Secret("sp=rl&sig=CANARYCANARY");
  const Location root = *ParseLocation("az://lake/t");
  auto storage = Storage::Open(options, root);
  ASSERT_TRUE(storage) << storage.error().ToString();
  auto file = (*storage)->OpenFile(*ResolveFile(root, "p=a b%20/f.parquet"), kSizeBytes);
  ASSERT_TRUE(file) << file.error().ToString();
  EXPECT_EQ((*(*file)->ReadAt(0, 2))->ToString(), "01");
  EXPECT_EQ(target, "/acct/lake/t/p%3Da%20b%2520/f.parquet?sp=rl&sig=CANARYCANARY");
}

}  // namespace
}  // namespace mms::azure
