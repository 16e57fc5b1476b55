#include "migration/transfer/text_rules.h"

#include <arrow/array.h>
#include <arrow/builder.h>
#include <gtest/gtest.h>

#include <optional>
#include <vector>

namespace mms::migration {
namespace {

using Values = std::vector<std::optional<std::string>>;

template <class Builder>
std::shared_ptr<arrow::Array> Make(const Values& values) {
  Builder builder;
  for (const auto& value : values) {
    const arrow::Status status = value ? builder.Append(*value) : builder.AppendNull();
    EXPECT_TRUE(status.ok());
  }
  return builder.Finish().ValueOrDie();
}

Values Read(const arrow::Array& array) {
  const auto& typed = static_cast<const arrow::BinaryArray&>(array);
  Values values;
  for (int64_t i = 0; i < typed.length(); ++i) {
    values.push_back(typed.IsNull(i) ? std::nullopt : std::optional(typed.GetString(i)));
  }
  return values;
}

const std::string kLongest(kCellMaxBytes, 'x');

TEST(TextRules, WhatFitsPassesWithoutACopy) {
  ChangeCounts changes = {};
  for (const auto& array : {Make<arrow::StringBuilder>({"", std::nullopt, "caf\xc3\xa9"}),
                            Make<arrow::StringBuilder>({kLongest, "y"}),
                            Make<arrow::BinaryBuilder>({"\xff", kLongest})}) {
    const auto kept = ApplyTextRules(array, {}, "c", &changes);
    ASSERT_TRUE(kept.has_value());
    EXPECT_EQ(kept->get(), array.get());
  }
  EXPECT_EQ(changes, ChangeCounts{});
}

TEST(TextRules, ALongValueFailsIsNullOrIsCutBetweenCharacters) {
  const std::string over = std::string(kCellMaxBytes - 1, 'x') + "\xc3\xa9";  // one byte too many
  const auto array = Make<arrow::StringBuilder>({"a", over, std::nullopt, kLongest});
  ChangeCounts changes = {};
  const auto failed = ApplyTextRules(array, {}, "note", &changes);
  ASSERT_FALSE(failed.has_value());
  EXPECT_EQ(failed.error().code(), "VALUE_TOO_LONG");
  EXPECT_NE(failed.error().message().find("column note: a value of 8388609 bytes"),
            std::string::npos);
  EXPECT_NE(failed.error().message().find("begins \"xxx"), std::string::npos);

  const auto null = ApplyTextRules(array, {.on_long_value = LongValue::kNull}, "c", &changes);
  ASSERT_TRUE(null.has_value());
  EXPECT_EQ(Read(**null), (Values{"a", std::nullopt, std::nullopt, kLongest}));
  const auto cut = ApplyTextRules(array, {.on_long_value = LongValue::kTruncate}, "c", &changes);
  ASSERT_TRUE(cut.has_value());
  EXPECT_EQ(Read(**cut),
            (Values{"a", std::string(kCellMaxBytes - 1, 'x'), std::nullopt, kLongest}));
  EXPECT_EQ(changes, (ChangeCounts{1, 1, 0, 0, 0}));
}

TEST(TextRules, BinaryIsCutAtTheVeryByte) {
  ChangeCounts changes = {};
  const auto array = Make<arrow::BinaryBuilder>({kLongest + "\x80\x80"});
  const auto cut = ApplyTextRules(array, {.on_long_value = LongValue::kTruncate}, "c", &changes);
  ASSERT_TRUE(cut.has_value());
  EXPECT_EQ(Read(**cut), (Values{kLongest}));
}

TEST(TextRules, AVarcharIsMeasuredInCharacters) {
  ChangeCounts changes = {};
  const TextRules rules{LongValue::kTruncate, BadUtf8::kFail, 3};
  const std::string e = "\xc3\xa9";
  const auto array = Make<arrow::StringBuilder>({e + e + e, e + e + e + "x", "abc", "abcd"});
  const auto cut = ApplyTextRules(array, rules, "c", &changes);
  ASSERT_TRUE(cut.has_value());
  EXPECT_EQ(Read(**cut), (Values{e + e + e, e + e + e, "abc", "abc"}));
  EXPECT_EQ(changes, (ChangeCounts{2, 0, 0, 0, 0}));
}

TEST(TextRules, BytesThatAreNoUtf8FailAreNullOrReplaced) {
  const auto array = Make<arrow::StringBuilder>({"ok",
                                                 "a\xff"
                                                 "b\n",
                                                 std::nullopt});
  ChangeCounts changes = {};
  const auto failed = ApplyTextRules(array, {}, "note", &changes);
  ASSERT_FALSE(failed.has_value());
  EXPECT_EQ(failed.error().code(), "VALUE_UTF8");
  EXPECT_NE(failed.error().message().find("begins \"a\\xFFb\\x0A\""), std::string::npos)
      << failed.error().message();
  const auto null = ApplyTextRules(array, {.on_bad_utf8 = BadUtf8::kNull}, "c", &changes);
  EXPECT_EQ(Read(**null), (Values{"ok", std::nullopt, std::nullopt}));
  const auto mended = ApplyTextRules(array, {.on_bad_utf8 = BadUtf8::kReplace}, "c", &changes);
  EXPECT_EQ(Read(**mended), (Values{"ok",
                                    "a\xEF\xBF\xBD"
                                    "b\n",
                                    std::nullopt}));
  EXPECT_EQ(changes, (ChangeCounts{0, 0, 1, 1, 0}));
}

TEST(TextRules, AReplacedValueThatBecomesTooLongIsCutToo) {
  ChangeCounts changes = {};
  const auto array = Make<arrow::StringBuilder>({std::string(kCellMaxBytes - 1, 'x') + "\xff"});
  const TextRules rules{LongValue::kTruncate, BadUtf8::kReplace, 0};
  const auto mended = ApplyTextRules(array, rules, "c", &changes);
  EXPECT_EQ(Read(**mended), (Values{std::string(kCellMaxBytes - 1, 'x')}));
  EXPECT_EQ(changes, (ChangeCounts{1, 0, 1, 0, 0}));
}

TEST(TextRules, EachIllFormedRunBecomesOneReplacement) {
  const std::string bad = "\xEF\xBF\xBD";
  // The examples of the Unicode standard, tables 3-8 to 3-11.
  EXPECT_EQ(ReplaceBadUtf8("\xC0\xAF\xE0\x80\xBF\xF0\x81\x82\x41"),
            bad + bad + bad + bad + bad + bad + bad + bad + "A");
  EXPECT_EQ(ReplaceBadUtf8("\xED\xA0\x80\xED\xBF\xBF\xED\xAF\x41"),
            bad + bad + bad + bad + bad + bad + bad + bad + "A");
  EXPECT_EQ(ReplaceBadUtf8("\xF4\x91\x92\x93\xFF\x41\x80\xBF\x42"),
            bad + bad + bad + bad + bad + "A" + bad + bad + "B");
  EXPECT_EQ(ReplaceBadUtf8("\xE1\x80\xE2\xF0\x91\x92\xF1\xBF\x41"), bad + bad + bad + bad + "A");
  EXPECT_EQ(ReplaceBadUtf8("\xF0\x9F\x98\x80\xE4\xB8\xAD"), "\xF0\x9F\x98\x80\xE4\xB8\xAD");
}

}  // namespace
}  // namespace mms::migration
