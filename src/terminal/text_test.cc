#include "terminal/text.h"

#include <gtest/gtest.h>

namespace mms::terminal {
namespace {

TEST(Text, NumbersHaveThousandsSeparatorsAndUnknownIsNotZero) {
  EXPECT_EQ(Thousands(0), "0");
  EXPECT_EQ(Thousands(999), "999");
  EXPECT_EQ(Thousands(1000), "1,000");
  EXPECT_EQ(Thousands(-1234567), "-1,234,567");
  EXPECT_EQ(Thousands(INT64_MAX), "9,223,372,036,854,775,807");
  EXPECT_EQ(Thousands(std::nullopt), "?");
}

TEST(Text, BytesHaveThreeDigitsAndABinaryUnit) {
  const std::pair<int64_t, const char*> cases[] = {
      {0, "0 B"},
      {999, "999 B"},
      {1000, "0.98 KiB"},
      {1240, "1.21 KiB"},
      {64 << 20, "64.0 MiB"},
      {1023LL << 20, "1.00 GiB"},
      {5LL << 40, "5.00 TiB"},
      {INT64_MAX, "8.00 EiB"},
  };
  for (const auto& [bytes, text] : cases) EXPECT_EQ(HumanBytes(bytes), text);
  EXPECT_EQ(HumanBytes(std::nullopt), "?");
}

TEST(Text, DurationsGrowAnHourPartOnlyWhenNeeded) {
  EXPECT_EQ(HumanDuration(7'999), "0:07");
  EXPECT_EQ(HumanDuration(754'000), "12:34");
  EXPECT_EQ(HumanDuration(10'921'000), "3:02:01");
  EXPECT_EQ(HumanDuration(std::nullopt), "?");
}

TEST(Text, ControlCharactersAndBrokenUtf8CannotReachTheTerminal) {
  EXPECT_EQ(Printable("a\x1b[2Jb\n\xff\xc3"), "a?[2Jb???");
  EXPECT_EQ(Printable("größe 表"), "größe 表");
  EXPECT_EQ(Printable("\xed\xa0\x80"), "???");    // a surrogate
  EXPECT_EQ(Printable("x\xe2\x80\xaey"), "x?y");  // right-to-left override
}

TEST(Text, WidthCountsCellsNotBytes) {
  EXPECT_EQ(DisplayWidth("größe"), 5);
  EXPECT_EQ(DisplayWidth("订单"), 4);
  EXPECT_EQ(DisplayWidth("e\xcc\x81"), 1);
}

TEST(Text, LongNamesKeepTheirEnd) {
  EXPECT_EQ(KeepEnd("main.sales.orders", 20, true), "main.sales.orders");
  EXPECT_EQ(KeepEnd("main.sales.orders", 10, true), "…es.orders");
  EXPECT_EQ(KeepEnd("main.sales.orders", 10, false), "~es.orders");
  EXPECT_EQ(KeepEnd("表表表表", 4, true), "…表");
  EXPECT_EQ(KeepEnd("abc", 0, true), "");
}

TEST(TextTable, AlignsColumnsByCellsAndLeavesNoTrailingSpace) {
  TextTable table({{"NAME"}, {"ROWS", TextTable::Align::kRight}, {"NOTE"}});
  table.AddRow({"订单", "1,000", ""});
  table.AddRow({"b", "7", "x"});
  table.AddRule();
  table.AddRow({"2", "1,007", ""});
  EXPECT_EQ(table.Render(false),
            "NAME   ROWS  NOTE\n"
            "订单  1,000\n"
            "b         7  x\n"
            "-----------------\n"
            "2     1,007\n");
  EXPECT_EQ(table.Width(), 17);
}

}  // namespace
}  // namespace mms::terminal
