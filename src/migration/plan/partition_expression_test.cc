#include "migration/plan/partition_expression.h"

#include <gtest/gtest.h>

namespace mms::migration {
namespace {

using Values = std::vector<std::optional<std::string>>;

const std::vector<PartitionExpression::Column> kColumns = {
    {"region", false}, {"n", true}, {"日期", false}, {"odd name", false}};

Values Row(std::optional<std::string> region, std::optional<std::string> n,
           std::optional<std::string> day = "2024-01-01") {
  return {std::move(region), std::move(n), std::move(day), "x"};
}

bool Matches(std::string_view text, const Values& values) {
  const auto expression = PartitionExpression::Parse(text, kColumns);
  if (!expression) {
    ADD_FAILURE() << text << ": " << expression.error().ToString();
    return false;
  }
  const auto matches = expression->Matches(values);
  if (!matches) ADD_FAILURE() << text << ": " << matches.error().ToString();
  return matches.has_value() && *matches;
}

std::string Refusal(std::string_view text) {
  const auto expression = PartitionExpression::Parse(text, kColumns);
  if (expression) return "taken";
  EXPECT_EQ(expression.error().code(), "PARTITION_FILTER");
  return expression.error().message();
}

TEST(PartitionExpression, EachOperatorComparesNumbersAsNumbersAndStringsByteByByte) {
  struct Case {
    const char* op;
    bool less, equal, more;  // 9 against 10
  };
  for (const Case& c : {Case{"=", false, true, false}, Case{"<>", true, false, true},
                        Case{"<", true, false, false}, Case{"<=", true, true, false},
                        Case{">", false, false, true}, Case{">=", false, true, true}}) {
    const std::string number = std::string("n ") + c.op + " 10";
    EXPECT_EQ(Matches(number, Row("eu", "9")), c.less) << number;
    EXPECT_EQ(Matches(number, Row("eu", "10")), c.equal) << number;
    EXPECT_EQ(Matches(number, Row("eu", "11")), c.more) << number;
    const std::string text = std::string("region") + c.op + "'10'";
    EXPECT_EQ(Matches(text, Row("0", "1")), c.less) << text;
    EXPECT_EQ(Matches(text, Row("10", "1")), c.equal) << text;
    EXPECT_EQ(Matches(text, Row("9", "1")), c.more) << text;
  }
}

TEST(PartitionExpression, AStringBesideAnIntegerColumnIsItsNumber) {
  EXPECT_TRUE(Matches("n > '9'", Row("eu", "10")));
  EXPECT_TRUE(Matches("n = '07'", Row("eu", "7")));
  EXPECT_TRUE(Matches("n IN (-3, '5')", Row("eu", "-3")));
  EXPECT_NE(Refusal("n = 'x'").find("column n holds whole numbers"), std::string::npos);
}

TEST(PartitionExpression, ANumberThatMeetsAnotherValueIsAnErrorThatNamesIt) {
  const auto expression = PartitionExpression::Parse("region > 5", kColumns);
  ASSERT_TRUE(expression);
  EXPECT_TRUE(*expression->Matches(Row("6", "1")));
  const auto refused = expression->Matches(Row("eu", "1"));
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message().find("column region"), std::string::npos);
  EXPECT_NE(refused.error().message().find("\"eu\""), std::string::npos);
}

TEST(PartitionExpression, InTakesAnyOfItsValues) {
  EXPECT_TRUE(Matches("region in ('us' , \"eu\")", Row("eu", "1")));
  EXPECT_FALSE(Matches("region IN ('us')", Row("eu", "1")));
}

TEST(PartitionExpression, NullMeetsNoCondition) {
  for (const char* text : {"region = 'eu'", "region <> 'eu'", "region < 'zz'", "region IN ('')"}) {
    EXPECT_FALSE(Matches(text, Row(std::nullopt, "1"))) << text;
  }
  EXPECT_TRUE(Matches("region = ''", Row("", "1")));
  EXPECT_TRUE(Matches("region <> 'eu' OR n = 1", Row(std::nullopt, "1")));
}

TEST(PartitionExpression, AndBindsTighterAndWhatThatChangesIsTold) {
  EXPECT_TRUE(Matches("region = 'eu' OR region = 'us' AND n = 2", Row("eu", "1")));
  EXPECT_FALSE(Matches("(region = 'eu' OR region = 'us') AND n = 2", Row("eu", "1")));
  EXPECT_TRUE(Matches("n = 1 AND region = 'eu' AND n < 2", Row("eu", "1")));
  const auto warnings = [](std::string_view text) {
    return PartitionExpression::Parse(text, kColumns)->warnings();
  };
  const auto told = warnings("region = 'eu' OR region = 'us' AND n IN (2) OR n = 9");
  ASSERT_EQ(told.size(), 1U);
  EXPECT_EQ(told[0].find("\"region = 'us' AND n IN (2)\" is taken together"), 0U) << told[0];
  EXPECT_TRUE(warnings("region = 'eu' AND n = 1 OR n = 2").empty());  // the same either way
  EXPECT_TRUE(warnings("region = 'eu' OR (region = 'us' AND n = 2)").empty());
  EXPECT_TRUE(warnings("n = 1 OR (n = 2 AND region = 'a') OR n = 3").empty());
}

TEST(PartitionExpression, NamesAndValuesMayHoldWhatTheyWill) {
  EXPECT_TRUE(Matches("日期>='2024-01-01'", Row("eu", "1")));
  EXPECT_TRUE(Matches("REGION = 'eu'", Row("eu", "1")));
  EXPECT_TRUE(Matches("`odd name` = 'x'", Row("eu", "1")));
  EXPECT_TRUE(Matches("region = 'it''s \"a\" (b), c'", Row("it's \"a\" (b), c", "1")));
  EXPECT_TRUE(Matches("region = \"say \"\"x\"\"\"", Row("say \"x\"", "1")));
}

TEST(PartitionExpression, WhatCannotBeReadIsToldByItsPlace) {
  EXPECT_EQ(Refusal(""), "at character 1: a partition column or \"(\" is expected, not the end");
  EXPECT_EQ(
      Refusal("city = 'x'"),
      "at character 1: \"city\" is no partition column; these are: region, n, 日期, odd name");
  EXPECT_EQ(Refusal("region 'x'"),
            "at character 8: one of = <> < <= > >= IN is expected, not \"x\"");
  EXPECT_EQ(Refusal("region IS NULL"),
            "at character 8: one of = <> < <= > >= IN is expected, not \"IS\"");
  EXPECT_EQ(Refusal("region = 'x"), "at character 10: the quote that begins here has no end");
  EXPECT_EQ(Refusal("region = x"),
            "at character 10: a number, or a string in quotes, is expected, not \"x\"");
  EXPECT_EQ(Refusal("(region = 'x'"), "at character 14: \")\" is expected, not the end");
  EXPECT_EQ(Refusal("region = 'x' n = 1"),
            "at character 14: AND, OR or the end is expected, not \"n\"");
  EXPECT_EQ(Refusal("region IN 'x'"),
            "at character 11: a list in parentheses after IN is expected, not \"x\"");
  EXPECT_EQ(Refusal("n = 99999999999999999999"),
            "at character 5: a whole number of at most 64 bits is expected, not "
            "\"99999999999999999999\"");
  EXPECT_EQ(Refusal("n = -"),
            "at character 5: a whole number of at most 64 bits is expected, not \"-\"");
  EXPECT_EQ(Refusal("region = 'a' ; n = 1"),
            "at character 14: \";\" begins nothing that is known here");
  EXPECT_NE(Refusal(std::string(1000, '(')).find("more than 100 parentheses"), std::string::npos);
  EXPECT_EQ(PartitionExpression::Parse("a = 1", {}).error().message(),
            "the table has no partition columns");
}

}  // namespace
}  // namespace mms::migration
