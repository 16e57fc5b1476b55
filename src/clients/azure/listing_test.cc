#include "clients/azure/listing.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <vector>

#include "base/loopback_server.h"

namespace mms::azure {
namespace {

constexpr char kFolder[] = "abfss://lake@acct.dfs.core.windows.net/t";

std::string Blob(const std::string& name, int size_bytes, const std::string& more = "") {
  return "<Blob>" + name + "<Properties><Last-Modified>Wed, 09 Sep 2009 09:20:02 GMT" +
         "</Last-Modified><Etag>0x8" + std::to_string(size_bytes) + "</Etag><Content-Length>" +
         std::to_string(size_bytes) + "</Content-Length>" + more + "</Properties>";
}

std::string Page(const std::string& blobs, const std::string& next) {
  return "<?xml version=\"1.0\"?><EnumerationResults><Prefix>t/</Prefix><Blobs>" + blobs +
         "</Blobs><NextMarker>" + next + "</NextMarker></EnumerationResults>";
}

Result<std::vector<StoredFile>> List(const LoopbackServer& server, bool hidden = false) {
  StorageOptions options;
  options.sas = Secret("sp=rl&sig=CANARYCANARY");
  options.endpoint = server.url() + "/acct";
  TRY(const Location folder, ParseLocation(kFolder));
  TRY(const auto storage, Storage::Open(options, folder));
  std::vector<StoredFile> files;
  TRY_VOID(ListFiles(*storage, folder, hidden, [&](StoredFile file) -> Status {
    files.push_back(std::move(file));
    return OkStatus();
  }));
  return files;
}

TEST(Listing, FollowsPagesAndTellsNamesSizesAndEtags) {
  std::vector<std::string> targets;
  LoopbackServer server([&](const LoopbackRequest& request) {
    targets.push_back(request.target);
    const bool first = request.target.find("&marker=") == std::string::npos;
    if (first)
      return Answer(200, Page(Blob("<Name>t/p=a%2Fb c/ f&amp;1</Name>", 3) + "</Blob>", "n=1"));
    return Answer(200,
                  Page(Blob("<Name Encoded=\"true\">t/odd%EF%BF%BE</Name>", 7) + "</Blob>", ""));
  });
  const auto files = List(server);
  ASSERT_TRUE(files) << files.error().ToString();
  ASSERT_EQ(files->size(), 2U);
  EXPECT_EQ((*files)[0].path, "p=a%2Fb c/ f&1");
  EXPECT_EQ((*files)[0].size_bytes, 3);
  EXPECT_EQ((*files)[0].etag, "0x83");
  EXPECT_EQ((*files)[0].modified_ms, 1252488002000);
  EXPECT_EQ((*files)[1].path, "odd\xEF\xBF\xBE");
  ASSERT_EQ(targets.size(), 2U);
  EXPECT_TRUE(targets[0].starts_with("/acct/lake?restype=container&comp=list&"));
  EXPECT_NE(targets[0].find("prefix=t%2F"), std::string::npos) << "not the files of t2";
  EXPECT_NE(targets[1].find("marker=n%3D1"), std::string::npos);
}

TEST(Listing, LeavesOutFoldersAndWhatSparkHides) {
  LoopbackServer server([](const LoopbackRequest&) {
    std::string blobs = Blob("<Name>t/p=1</Name>", 0, "<ResourceType>directory</ResourceType>") +
                        "</Blob>" + Blob("<Name>t/p=2</Name>", 0) +
                        "<Metadata><hdi_isfolder>true</hdi_isfolder></Metadata></Blob>";
    for (const char* name : {"t/_SUCCESS", "t/.x.crc", "t/_delta/a", "t/a._COPYING_", "t/_p=1/a"}) {
      blobs += Blob(std::string("<Name>") + name + "</Name>", 1) + "</Blob>";
    }
    return Answer(200, Page(blobs, ""));
  });
  const auto files = List(server);
  ASSERT_TRUE(files) << files.error().ToString();
  ASSERT_EQ(files->size(), 1U);
  EXPECT_EQ(files->front().path, "_p=1/a");
  EXPECT_EQ(List(server, true)->size(), 5U) << "folders are no files in any case";
}

TEST(Listing, AnAnswerThatIsNoListIsAnErrorThatNamesTheFolder) {
  const struct {
    int status;
    std::string body, code;
  } cases[] = {
      {200, "<html>proxy</html>", "STORAGE_ANSWER"},
      {200, Page(Blob("<Name>elsewhere/a</Name>", 1) + "</Blob>", ""), "STORAGE_ANSWER"},
      {403, "", "STORAGE_DENIED"},
      {404, "", "STORAGE_NOT_FOUND"},
  };
  for (const auto& one : cases) {
    LoopbackServer server([&](const LoopbackRequest&) { return Answer(one.status, one.body); });
    const auto files = List(server);
    ASSERT_FALSE(files) << one.body;
    EXPECT_EQ(files.error().code(), one.code);
    EXPECT_NE(files.error().ToString().find("/t"), std::string::npos);
    EXPECT_EQ(files.error().ToString().find("CANARY"), std::string::npos);
  }
}

TEST(Listing, AFileOfALocalFolderThatIsWrittenAgainOrRemovedIsNamed) {
  const std::filesystem::path folder =
      std::filesystem::temp_directory_path() / ("listing_test." + std::to_string(getpid()));
  std::filesystem::create_directories(folder / "p=1");
  std::ofstream(folder / "p=1/a") << "12345";
  const Location root = *ParseLocation("file://" + folder.string());
  const auto storage = *Storage::Open({}, root);
  std::vector<StoredFile> files;
  const auto keep = [&](StoredFile file) -> Status {
    files.push_back(std::move(file));
    return OkStatus();
  };
  ASSERT_TRUE(ListFiles(*storage, root, false, keep));
  ASSERT_EQ(files.size(), 1U);
  EXPECT_EQ(files[0].path, "p=1/a");
  const Location file = *ResolveFile(root, files[0].path);
  EXPECT_TRUE(storage->OpenFile(file, 5, files[0].etag));
  // The same size, another time.
  std::filesystem::last_write_time(
      folder / "p=1/a", std::filesystem::file_time_type::clock::now() + std::chrono::seconds(5));
  const auto changed = storage->OpenFile(file, 5, files[0].etag);
  ASSERT_FALSE(changed);
  EXPECT_EQ(changed.error().code(), "STORAGE_CHANGED");
  std::filesystem::remove(folder / "p=1/a");
  EXPECT_EQ(storage->OpenFile(file, 5, files[0].etag).error().code(), "STORAGE_CHANGED");
  EXPECT_TRUE(ListFiles(*storage, *ResolveFile(root, "none"), false, keep));
  EXPECT_EQ(files.size(), 1U) << "a folder that is not there has no files";
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace mms::azure
