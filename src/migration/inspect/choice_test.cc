#include "migration/inspect/choice.h"

#include <gtest/gtest.h>

namespace mms::migration {
namespace {

const SourceFilter kNoFilter;

struct PatternCase {
  std::string pattern;
  std::string schema;
  std::string table;
  bool matches;
};

TEST(Choice, PatternsMatchWithStarsMarksAndWithoutCase) {
  const PatternCase cases[] = {
      {"sales.orders", "sales", "orders", true},
      {"Sales.ORDERS", "sales", "Orders", true},
      {"sales.orders", "sales", "orders2", false},
      {"sales.orders", "hr", "orders", false},
      {"orders", "sales", "orders", true},
      {"orders", "hr", "orders", true},
      {"*", "hr", "staff", true},
      {"sales.*", "sales", "orders", true},
      {"sales.*", "sales2", "orders", false},
      {"*.orders", "hr", "orders", true},
      {"s*.o*s", "sales", "orders", true},
      {"s*.o*s", "sales", "ordersx", false},
      {"sales.tmp_?", "sales", "tmp_1", true},
      {"sales.tmp_?", "sales", "tmp_12", false},
      {"sales.tmp_?", "sales", "tmp_", false},
      {"*a*b*c*", "s", "xxaxxbxxbcx", true},
      {"*a*b*c*", "s", "xxaxxcxxb", false},
      {"", "s", "t", false},
      {"sales.", "sales", "t", false},
      {"main.sales.orders", "sales", "orders", false},
      {"*", "information_schema", "tables", false},
      {"*.*", "information_schema", "tables", false},
      {"information_schema.tables", "information_schema", "tables", true},
  };
  for (const PatternCase& item : cases) {
    EXPECT_EQ(MatchesPattern(item.pattern, item.schema, item.table), item.matches)
        << item.pattern << " on " << item.schema << "." << item.table;
  }
}

TEST(Choice, ExcludeTakesOutOfItsOwnIncludeOnly) {
  const std::vector<TableChoice> choices = {{"sales.*", {"sales.tmp_*", "old?"}, "", ""},
                                            {"sales.tmp_keep", {}, "", ""}};
  Selection selection(choices, kNoFilter);
  EXPECT_TRUE(selection.WantsSchema("sales"));
  EXPECT_FALSE(selection.WantsSchema("hr"));
  EXPECT_NE(selection.ChoiceOf("sales", "orders"), nullptr);
  EXPECT_EQ(selection.ChoiceOf("sales", "tmp_x"), nullptr);
  EXPECT_EQ(selection.ChoiceOf("sales", "old1"), nullptr);
  EXPECT_NE(selection.ChoiceOf("sales", "tmp_keep"), nullptr);
  EXPECT_TRUE(selection.CheckAllFound("main").has_value());
}

TEST(Choice, AnIncludeThatFindsNothingIsNamed) {
  const std::vector<TableChoice> choices = {{"sales.*", {}, "", ""},
                                            {"hr.staf", {}, "", ""},
                                            {"tmp*", {"a", "tmp*"}, "", ""},
                                            {"", {}, "file:///x", ""}};
  Selection selection(choices, kNoFilter);
  EXPECT_NE(selection.ChoiceOf("sales", "orders"), nullptr);
  EXPECT_EQ(selection.ChoiceOf("hr", "tmp1"), nullptr);
  const Status found = selection.CheckAllFound("main");
  ASSERT_FALSE(found.has_value());
  EXPECT_EQ(found.error().kind(), ErrorKind::kNotFound);
  EXPECT_EQ(found.error().code(), "TABLES_NOT_FOUND");
  EXPECT_NE(found.error().message().find("\"hr.staf\", \"tmp*\" without \"a\", \"tmp*\""),
            std::string::npos)
      << found.error().ToString();
  EXPECT_EQ(found.error().message().find("sales"), std::string::npos);
}

}  // namespace
}  // namespace mms::migration
