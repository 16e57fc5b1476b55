#include "clients/azure/location.h"

#include <gtest/gtest.h>

namespace mms::azure {
namespace {

const Location kSales{false, "acct", "core.windows.net", "lake", "sales/orders"};

TEST(ParseLocation, ReadsEverySpellingOfOnePlaceAlike) {
  for (const char* text : {
           "abfss://lake@acct.dfs.core.windows.net/sales/orders",
           "abfs://lake@acct.dfs.core.windows.net/sales/orders/",
           "az://lake@acct.blob.core.windows.net/sales/orders",
           "wasbs://lake@acct.blob.core.windows.net/sales/orders",
           "wasb://lake@acct.blob.core.windows.net//sales/orders",
           "https://acct.blob.core.windows.net/lake/sales/orders",
           "https://acct.dfs.core.windows.net:443/lake/sales/orders/",
           "abfss://acct.dfs.core.windows.net/lake/sales/orders",
           "  ABFSS://lake@ACCT.dfs.core.windows.net/sales/orders\n",
       }) {
    Result<Location> location = ParseLocation(text);
    ASSERT_TRUE(location) << text << ": " << location.error().ToString();
    EXPECT_EQ(*location, kSales) << text;
  }
}

TEST(ParseLocation, KnowsOtherCloudsAndZones) {
  EXPECT_EQ(*ParseLocation("abfss://lake@acct.dfs.core.chinacloudapi.cn/p"),
            (Location{false, "acct", "core.chinacloudapi.cn", "lake", "p"}));
  const Location zoned = *ParseLocation("abfss://lake@acct.z12.dfs.storage.azure.net/p");
  EXPECT_EQ(zoned, (Location{false, "acct", "z12.storage.azure.net", "lake", "p"}));
  EXPECT_EQ(BlobHost(zoned.account, zoned.suffix), "acct.z12.blob.storage.azure.net");
  EXPECT_EQ(ToText(zoned), "abfss://lake@acct.z12.dfs.storage.azure.net/p");
}

TEST(ParseLocation, LeavesTheAccountToTheSettings) {
  EXPECT_EQ(*ParseLocation("az://lake/a b/c"), (Location{false, "", "", "lake", "a b/c"}));
  EXPECT_EQ(*ParseLocation("az://lake"), (Location{false, "", "", "lake", ""}));
}

TEST(ParseLocation, DecodesHttpsAndFileOnceAndNothingElse) {
  EXPECT_EQ(ParseLocation("abfss://lake@acct.dfs.core.windows.net/a%20b#c")->path, "a%20b#c");
  EXPECT_EQ(ParseLocation("https://acct.blob.core.windows.net/lake/a%2520b")->path, "a%20b");
  EXPECT_EQ(ParseLocation("file:///tmp/a%20b/")->path, "/tmp/a b");
  EXPECT_EQ(ParseLocation("file:/tmp/a")->path, "/tmp/a");
  EXPECT_EQ(ParseLocation("file://localhost/tmp/a")->path, "/tmp/a");
}

TEST(ParseLocation, RefusesOtherStoresWithTheWayOut) {
  for (const char* text :
       {"dbfs:/user/hive/warehouse/t", "s3://bucket/t", "s3a://b/t", "gs://b/t"}) {
    Result<Location> location = ParseLocation(text);
    ASSERT_FALSE(location) << text;
    EXPECT_EQ(location.error().kind(), ErrorKind::kUnsupported);
    EXPECT_EQ(location.error().code(), "LOCATION_UNSUPPORTED");
  }
}

TEST(ParseLocation, RefusesWhatItCannotRead) {
  for (const char* text : {
           "",
           "   ",
           "/tmp/table",
           "sales.orders",
           "abfss:lake",
           "ftp://host/x",
           "abfss://lake@127.0.0.1:10000/acct/p",
           "https://127.0.0.1:10000/acct/lake/p",
           "https://acct.blob.core.windows.net/",
           "abfss://Bad_Name/p",
           "abfss://lake@acct.dfs.core.windows.net/a/../b",
           "abfss://lake@acct.dfs.core.windows.net/a//b",
           "file://host/x",
           "file:///tmp/../etc",
       }) {
    Result<Location> location = ParseLocation(text);
    ASSERT_FALSE(location) << text << " became " << ToText(*location);
    EXPECT_EQ(location.error().code(), "LOCATION_INVALID") << text;
  }
}

TEST(ParseLocation, NeverRepeatsASasInItsError) {
  Result<Location> location =
      ParseLocation("https://acct.blob.core.windows.net/lake/t?sv=2022&sig=SECRETSECRET");
  ASSERT_FALSE(location);
  EXPECT_EQ(location.error().ToString().find("SECRET"), std::string::npos);
  EXPECT_NE(location.error().message().find("storage.sas"), std::string::npos);
}

TEST(ToText, CanBeParsedBack) {
  for (const char* text :
       {"abfss://lake@acct.dfs.core.windows.net/sales/orders", "az://lake/x", "file:///tmp/x"}) {
    EXPECT_EQ(ToText(*ParseLocation(text)), text);
  }
}

TEST(ToTableUrl, IsEncodedAndEndsWithASlash) {
  EXPECT_EQ(ToTableUrl(kSales), "az://lake/sales/orders/");
  EXPECT_EQ(ToTableUrl(Location{false, "a", "", "lake", ""}), "az://lake/");
  EXPECT_EQ(ToTableUrl(Location{false, "a", "", "lake", "x=a%20b/ü#"}),
            "az://lake/x%3Da%2520b/%C3%BC%23/");
  EXPECT_EQ(ToTableUrl(Location{true, "", "", "", "/tmp/a b"}), "file:///tmp/a%20b/");
}

TEST(ResolveFile, JoinsRelativePathsAsTheyAre) {
  EXPECT_EQ(ResolveFile(kSales, "dt=2024-01-01 00:00:00/part-0%20.parquet")->path,
            "sales/orders/dt=2024-01-01 00:00:00/part-0%20.parquet");
  const Location local{true, "", "", "", "/tmp/t"};
  EXPECT_EQ(ResolveFile(local, "x=a/f.parquet")->path, "/tmp/t/x=a/f.parquet");
  EXPECT_EQ(ResolveFile(Location{false, "a", "", "lake", ""}, "f")->path, "f");
}

TEST(ResolveFile, TakesAbsolutePathsOfShallowClones) {
  EXPECT_EQ(*ResolveFile(kSales, "abfss://other@acct2.dfs.core.windows.net/base/f.parquet"),
            (Location{false, "acct2", "core.windows.net", "other", "base/f.parquet"}));
  EXPECT_EQ(ResolveFile(kSales, "/base/f.parquet")->path, "base/f.parquet");
  const Location local{true, "", "", "", "/tmp/t"};
  EXPECT_EQ(ResolveFile(local, "file:///tmp/a%20b/f")->path, "/tmp/a%20b/f");
  EXPECT_EQ(ResolveFile(local, "/tmp/u/f")->path, "/tmp/u/f");
}

TEST(ResolveFile, RefusesToLeaveTheRoot) {
  for (const char* path : {"", "/", "../other/f", "a/../../f", "a//b"}) {
    Result<Location> file = ResolveFile(kSales, path);
    ASSERT_FALSE(file) << path;
    EXPECT_EQ(file.error().code(), "LOCATION_ESCAPES");
  }
}

}  // namespace
}  // namespace mms::azure
