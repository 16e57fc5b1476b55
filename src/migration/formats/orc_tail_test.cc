#include "migration/formats/orc_tail.h"

#include <gtest/gtest.h>

#include <string>

namespace mms::migration {
namespace {

std::string Number(int field, int value) {
  return {static_cast<char>(field << 3), static_cast<char>(value)};
}
std::string Nested(int field, const std::string& text) {
  return std::string{static_cast<char>(field << 3 | 2), static_cast<char>(text.size())} + text;
}

TEST(OrcTail, RowsCalendarAndDecodedBytesAreTold) {
  const std::string text = Nested(4, Nested(1, "least") + Number(3, 2 * 30));
  const std::string statistics = Nested(7, Number(1, 5)) + Nested(7, Number(1, 4) + text);
  const auto tail = ParseOrcTail(Nested(1, "postscript is not looked at") +
                                 Nested(2, Number(6, 5) + statistics + Number(11, 2)));
  ASSERT_TRUE(tail) << tail.error().ToString();
  EXPECT_EQ(tail->rows, 5);
  EXPECT_EQ(tail->decoded_bytes, 5 * 8 + 4 * 8 + 30);
  EXPECT_TRUE(tail->proleptic);
  EXPECT_FALSE(tail->encrypted);
}

TEST(OrcTail, AFooterThatSaysNothingOfItIsOfTheOldCalendar) {
  EXPECT_FALSE(ParseOrcTail(Nested(2, ""))->proleptic);
  EXPECT_FALSE(ParseOrcTail(Nested(2, Number(11, 1)))->proleptic);
  EXPECT_TRUE(ParseOrcTail(Nested(2, Nested(10, "keys")))->encrypted);
}

TEST(OrcTail, WhatIsNoTailIsAnError) {
  const std::string whole = Nested(2, Number(6, 5) + Nested(7, Number(1, 5)));
  ASSERT_TRUE(ParseOrcTail(whole));
  for (size_t length = 0; length < whole.size(); ++length) {
    const auto cut = ParseOrcTail(std::string_view(whole).substr(0, length));
    ASSERT_FALSE(cut) << length;
    EXPECT_EQ(cut.error().code(), "FILE_INVALID");
  }
  EXPECT_FALSE(ParseOrcTail(Nested(2, std::string("\x33", 1)))) << "a group";
  EXPECT_FALSE(ParseOrcTail(Nested(2, "\x30" + std::string(11, '\xff')))) << "a number too long";
}

}  // namespace
}  // namespace mms::migration
