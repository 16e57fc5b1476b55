#include "migration/inspect/source_settings.h"

#include <gtest/gtest.h>

namespace mms::migration {
namespace {

TEST(SourceSettings, ANameHasLettersDigitsAndChineseCharacters) {
  for (const char* name : {"mms", "M1", "7", "数据源", "一龥x9"}) {
    EXPECT_TRUE(CheckSourceName(name)) << name;
  }
  for (const char* name : {"", "a b", "a-b", "a_b", "a.b", "é", "日本語かな", "\xe4\xb8", "a😀"}) {
    const Status status = CheckSourceName(name);
    ASSERT_FALSE(status) << name;
    EXPECT_EQ(status.error().code(), "CONFIG_VALUE");
  }
  EXPECT_FALSE(CheckSourceName(std::string(256, 'a')));
}

TEST(SourceSettings, AWorkspaceIsTakenInEverySpelling) {
  for (const char* text :
       {"https://adb-1234567890123456.7.azuredatabricks.net",
        "adb-1234567890123456.7.azuredatabricks.net",
        " https://ADB-1234567890123456.7.azuredatabricks.net/ ",
        "https://adb-1234567890123456.7.azuredatabricks.net/?o=1234567890123456#setting",
        "HTTPS://adb-1234567890123456.7.azuredatabricks.net/explore/data/main?x=1"}) {
    const auto workspace = ParseWorkspace(text);
    ASSERT_TRUE(workspace) << text << workspace.error().ToString();
    EXPECT_EQ(*workspace, "https://adb-1234567890123456.7.azuredatabricks.net") << text;
  }
  EXPECT_EQ(*ParseWorkspace("adb-1.12.azuredatabricks.cn/"), "https://adb-1.12.azuredatabricks.cn");
  EXPECT_EQ(*ParseWorkspace("https://lakehouse.example.com:8443/x"),
            "https://lakehouse.example.com:8443");
  EXPECT_EQ(*ParseWorkspace("http://127.0.0.1:8080/api"), "http://127.0.0.1:8080");
  EXPECT_EQ(*ParseWorkspace("http://localhost:8080"), "http://localhost:8080");
  EXPECT_EQ(*ParseWorkspace("http://[::1]:8080"), "http://[::1]:8080");
}

TEST(SourceSettings, AnAddressThatIsNoWorkspaceIsToldWhatIsRight) {
  struct Case {
    const char* text;
    const char* says;
  };
  const Case cases[] = {
      {"", "is empty"},
      {"  ", "is empty"},
      {"https://", "must be the address"},
      {"my workspace", "must be the address"},
      {"https://wörkspace", "must be the address"},
      {"ftp://adb-1.2.azuredatabricks.net", "must begin with https://"},
      {"http://adb-1.2.azuredatabricks.net", "in the clear"},
      {"https://user:dapiCANARY@adb-1.2.azuredatabricks.net", "must not carry a user"},
      {"https://accounts.azuredatabricks.net", "adb-<number>.<number>.azuredatabricks.net"},
      {"https://westeurope.azuredatabricks.net/?o=1", "must name one workspace"},
      {"https://adb-12.azuredatabricks.net", "must name one workspace"},
      {"https://adb-x.2.azuredatabricks.cn", "adb-<number>.<number>.azuredatabricks.cn"},
  };
  for (const Case& one : cases) {
    const auto workspace = ParseWorkspace(one.text);
    ASSERT_FALSE(workspace) << one.text;
    EXPECT_NE(workspace.error().message().find(one.says), std::string::npos)
        << one.text << ": " << workspace.error().message();
    EXPECT_EQ(workspace.error().message().find("CANARY"), std::string::npos);
  }
}

TEST(SourceSettings, TellsWhenATokenGoesInTheClear) {
  for (const char* text : {"http://127.0.0.1:8080", "http://localhost", "http://[::1]:80",
                           "https://lakehouse.example.com"}) {
    EXPECT_FALSE(GoesInTheClear(*ParseWorkspace(text))) << text;
  }
  for (const char* text : {"http://127.0.0.1.example.com", "http://unity:8080",
                           "http://localhost.example.com", "http://10.0.0.1"}) {
    EXPECT_TRUE(GoesInTheClear(*ParseWorkspace(text))) << text;
  }
}

TEST(SourceSettings, ThereIsOneCatalog) {
  for (const char* name : {"main", "my-catalog", "Main_1", "käse"}) {
    EXPECT_TRUE(CheckCatalogName(name)) << name;
  }
  for (const char* name : {"", "main.sales", "a b", "a/b", "a\tb"}) {
    EXPECT_FALSE(CheckCatalogName(name)) << name;
  }
  EXPECT_FALSE(CheckCatalogName(std::string(256, 'a')));
  EXPECT_NE(CheckCatalogName("main,hr").error().message().find("one catalog"), std::string::npos);
}

TEST(SourceSettings, ClustersAndWarehousesAreToldApart) {
  EXPECT_TRUE(CheckClusterId("0101-120000-abcdefgh"));
  EXPECT_TRUE(CheckClusterId("1202-211320-brick1"));
  EXPECT_TRUE(CheckWarehouseId("00aa11bb22cc33dd"));
  for (const char* id : {"", "my cluster", "0101-120000-", "0101-120000", "010-1120000-abc",
                         "0101-12000x-abc", "0101-120000-a/b"}) {
    EXPECT_FALSE(CheckClusterId(id)) << id;
  }
  EXPECT_NE(CheckClusterId("00aa11bb22cc33dd").error().message().find("source.warehouse"),
            std::string::npos);
  for (const char* id : {"", "0101-120000-abcdefgh", "00aa11bb22cc33d", "00aa11bb22cc33dz"}) {
    EXPECT_FALSE(CheckWarehouseId(id)) << id;
  }
}

TEST(SourceSettings, AProjectIsNamedByLettersDigitsAndUnderscores) {
  EXPECT_TRUE(CheckProjectName("dw"));
  EXPECT_TRUE(CheckProjectName("DW_2"));
  for (const char* name : {"", "2dw", "_dw", "dw-1", "dw.default", "d w", "dü"}) {
    EXPECT_FALSE(CheckProjectName(name)) << name;
  }
}

TEST(SourceSettings, AMetaTimerRunsDailyOrHourly) {
  using Type = MetaTimer::Type;
  EXPECT_EQ(*ParseMetaTimer("Daily", "02:30"), (MetaTimer{Type::kDaily, 2, 30}));
  EXPECT_EQ(*ParseMetaTimer("HOURLY", "05"), (MetaTimer{Type::kHourly, 0, 5}));
  EXPECT_EQ(*ParseMetaTimer("none", ""), MetaTimer{});
  const std::pair<const char*, const char*> wrong[] = {
      {"daily", "2:30"}, {"daily", "24:00"}, {"daily", "02:60"}, {"daily", "05"},
      {"daily", ""},     {"hourly", "5"},    {"hourly", "60"},   {"hourly", "02:30"},
      {"hourly", ""},    {"none", "05"},     {"weekly", "05"},   {"", ""}};
  for (const auto& [type, value] : wrong) {
    EXPECT_FALSE(ParseMetaTimer(type, value)) << type << " " << value;
  }
}

TEST(SourceSettings, ATimeWindowMayCrossMidnight) {
  const auto night = ParseTimeWindow("22:00-06:00");
  ASSERT_TRUE(night);
  EXPECT_EQ(*night, (TimeWindow{22 * 60, 6 * 60}));
  EXPECT_TRUE(night->Contains(22 * 60));
  EXPECT_TRUE(night->Contains(0));
  EXPECT_TRUE(night->Contains(6 * 60 - 1));
  EXPECT_FALSE(night->Contains(6 * 60));
  EXPECT_FALSE(night->Contains(22 * 60 - 1));
  const auto day = ParseTimeWindow("09:00-17:30");
  EXPECT_TRUE(day->Contains(9 * 60));
  EXPECT_FALSE(day->Contains(17 * 60 + 30));
  const auto always = ParseTimeWindow("00:00-00:00");
  EXPECT_TRUE(always->Contains(0));
  EXPECT_TRUE(always->Contains(1439));
  for (const char* text : {"", "22:00", "22:00-24:00", "22-06", "2:00-06:00", "22:00 - 06:00",
                           "22:00-06:00-07:00", "22:00-06:61"}) {
    EXPECT_FALSE(ParseTimeWindow(text)) << text;
  }
}

}  // namespace
}  // namespace mms::migration
