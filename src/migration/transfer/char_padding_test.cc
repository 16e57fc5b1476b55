#include "migration/transfer/char_padding.h"

#include <arrow/array.h>
#include <arrow/json/from_string.h>
#include <gtest/gtest.h>

namespace mms::migration {
namespace {

TEST(CharPadding, OnlyCharTypesHaveALength) {
  EXPECT_EQ(CharLength("CHAR(5)"), 5);
  EXPECT_EQ(CharLength("char(255)"), 255);
  for (const char* other :
       {"VARCHAR(5)", "STRING", "CHAR", "CHAR()", "CHAR(x)", "ARRAY<CHAR(5)>"}) {
    EXPECT_EQ(CharLength(other), std::nullopt) << other;
  }
}

TEST(CharPadding, ValuesArePaddedByCharactersNotBytes) {
  const auto text = [](const char* json) {
    return arrow::json::ArrayFromJSONString(arrow::utf8(), json).ValueOrDie();
  };
  auto padded = PadChars(text(R"(["ab", "", null, "字", "abcde", "longer"])"), 5);
  ASSERT_TRUE(padded.has_value());
  EXPECT_TRUE((*padded)->Equals(*text(R"(["ab   ", "     ", null, "字    ", "abcde", "longer"])")));
}

}  // namespace
}  // namespace mms::migration
