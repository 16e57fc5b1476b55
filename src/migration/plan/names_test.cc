#include "migration/plan/names.h"

#include <gtest/gtest.h>

namespace mms::migration {
namespace {

struct NameCase {
  std::string source;
  std::string target;  ///< "" = refused
  std::string named;   ///< must be in the refusal
};

TEST(Names, TableNamesAreLoweredOrRefusedWithTheBadCharacters) {
  const NameCase cases[] = {
      {"orders", "orders", ""},
      {"Orders_2024", "orders_2024", ""},
      {"a", "a", ""},
      {std::string(128, 'x'), std::string(128, 'x'), ""},
      {std::string(129, 'x'), "", "129 bytes"},
      {"", "", "empty"},
      {"2024_orders", "", "start with a letter"},
      {"_orders", "", "start with a letter"},
      {"my-orders", "", "'-'"},
      {"my orders", "", "blank"},
      {"100%", "", "'%'"},
      {"订单", "", "'订' '单'"},
      {"caf\xC3\xA9", "", "'\xC3\xA9'"},
      {"a\xFF", "", "byte 0xFF"},
      {"a\tb", "", "U+0009"},
      {"a--b--c", "", ": '-';"},
  };
  for (const NameCase& item : cases) {
    const auto name = MakeTableName(item.source, {});
    ASSERT_EQ(name.has_value(), !item.target.empty()) << item.source;
    if (name) {
      EXPECT_EQ(*name, item.target);
      continue;
    }
    EXPECT_EQ(name.error().code(), "NAME_INVALID");
    EXPECT_EQ(name.error().kind(), ErrorKind::kUnsupported);
    EXPECT_NE(name.error().message().find(item.named), std::string::npos)
        << name.error().ToString();
  }
}

TEST(Names, ColumnNamesMayBeChineseAndBeginWithAnything) {
  const NameCase cases[] = {
      {"Id", "id", ""},
      {"_id", "_id", ""},
      {"1st", "1st", ""},
      {"金额_Total", "金额_total", ""},
      {std::string(128, 'c'), std::string(128, 'c'), ""},
      {std::string(126, 'c') + "额", "", "129 bytes"},
      {"unit price", "", "blank"},
      {"a,b;c", "", "',' ';'"},
      {"ключ", "", "'к'"},
      {"", "", "empty"},
  };
  for (const NameCase& item : cases) {
    const std::string path = "t." + item.source;
    const auto name = MakeColumnName(item.source, {path, {}});
    ASSERT_EQ(name.has_value(), !item.target.empty()) << item.source;
    if (name) {
      EXPECT_EQ(*name, item.target);
      continue;
    }
    EXPECT_NE(name.error().message().find(item.named), std::string::npos)
        << name.error().ToString();
    EXPECT_NE(name.error().message().find("t." + item.source), std::string::npos);
  }
}

TEST(Names, ACharacterMapReplacesPairByPairInTheOrderGiven) {
  EXPECT_EQ(MapCharacters("a-b%c", {{"-", "_"}, {"%", "pct"}}), "a_bpctc");
  EXPECT_EQ(MapCharacters("ab", {{"a", "b"}, {"b", "c"}}), "cc") << "what the first made";
  EXPECT_EQ(MapCharacters("ab", {{"b", "c"}, {"a", "b"}}), "bc");
  EXPECT_EQ(MapCharacters("2024年01月", {{"年", "_"}, {"月", ""}}), "2024_01");
  EXPECT_EQ(MapCharacters("a::b:::c", {{"::", "_"}}), "a_b_:c") << "more than one character";
  EXPECT_EQ(MapCharacters("aa", {{"a", "aa"}}), "aaaa") << "not what it made itself";
  EXPECT_EQ(*MakeTableName("Sales%2024", {{"%", "_"}, {"_20", "_"}}), "sales_24");
}

TEST(Names, TwoNamesThatBecomeOneAreAConflictNamingBoth) {
  NameSet names;
  EXPECT_TRUE(names.Add("id", "ID").has_value());
  EXPECT_TRUE(names.Add("name", "name").has_value());
  const Status second = names.Add("id", "Id");
  ASSERT_FALSE(second.has_value());
  EXPECT_EQ(second.error().kind(), ErrorKind::kConflict);
  EXPECT_EQ(second.error().code(), "NAME_COLLISION");
  EXPECT_NE(second.error().message().find("\"ID\" and \"Id\""), std::string::npos);
}

}  // namespace
}  // namespace mms::migration
