#include "migration/transfer/convert.h"

#include <arrow/array.h>
#include <arrow/builder.h>
#include <arrow/json/from_string.h>
#include <arrow/type.h>
#include <gtest/gtest.h>

namespace mms::migration {
namespace {

std::shared_ptr<arrow::Array> Make(const std::shared_ptr<arrow::DataType>& type, const char* json) {
  return arrow::json::ArrayFromJSONString(type, json).ValueOrDie();
}

/// One array under the policy given, or one that stops.
Result<std::shared_ptr<arrow::Array>> ConvertArray(const std::shared_ptr<arrow::Array>& array,
                                                   const std::shared_ptr<arrow::DataType>& target,
                                                   const std::string& column) {
  return ColumnConverter({column, {}, 0}).Convert(array, target);
}

const auto kMicros = arrow::timestamp(arrow::TimeUnit::MICRO, "UTC");
const auto kNanos = arrow::timestamp(arrow::TimeUnit::NANO);

TEST(Convert, TypesThatAgreePassWithoutACopy) {
  const auto array = Make(arrow::int64(), "[1, null]");
  auto converted = ConvertArray(array, arrow::int64(), "c");
  ASSERT_TRUE(converted.has_value());
  EXPECT_EQ(converted->get(), array.get());
}

TEST(Convert, MicrosecondsBecomeNanosecondsToTheEdgeOfTheRange) {
  const auto array = Make(kMicros, "[-9223372036854775, null, -1, 9223372036854775]");
  auto converted = ConvertArray(array, kNanos, "c");
  ASSERT_TRUE(converted.has_value());
  EXPECT_TRUE(
      (*converted)
          ->Equals(*Make(kNanos, "[-9223372036854775000, null, -1000, 9223372036854775000]")));
}

TEST(Convert, ATimestampBeyondTheRangeNamesColumnAndValue) {
  auto converted = ConvertArray(Make(kMicros, "[0, -62135596800000000]"), kNanos, "born");
  ASSERT_FALSE(converted.has_value());
  EXPECT_EQ(converted.error().code(), "VALUE_TIMESTAMP_RANGE");
  EXPECT_NE(converted.error().message().find("born: 0001-01-01 00:00:00.000000"),
            std::string::npos);
}

TEST(Convert, ATimestampBeyondTheRangeIsNullWhereThePolicySaysSoAndCounted) {
  ColumnConverter converter({"c", {.on_timestamp_range = FarTimestamp::kNull}, 0});
  const auto array = Make(kMicros, "[9, -62135596800000000, null, 9223372036854776]");
  auto converted = converter.Convert(array->Slice(1), kNanos);
  ASSERT_TRUE(converted.has_value());
  ASSERT_TRUE((*converted)->ValidateFull().ok());
  EXPECT_TRUE((*converted)->Equals(*Make(kNanos, "[null, null, null]")));
  EXPECT_EQ((*converted)->null_count(), 3);
  EXPECT_EQ(converter.changes(), (ChangeCounts{0, 0, 0, 0, 2, 0}));
}

TEST(Convert, ARecordBlockTakesTheYearsOneTo9999AndNoOther) {
  const auto type = RecordForm(arrow::list(kNanos));
  ColumnConverter converter({"c", {}, 0});
  const auto array = Make(arrow::list(kMicros), "[[-62135596800000000, 253402300799999999]]");
  auto converted = converter.Convert(array, type);
  ASSERT_TRUE(converted.has_value()) << converted.error().ToString();
  EXPECT_TRUE((*converted)->Equals(*Make(type, "[[-62135596800000000, 253402300799999999]]")));
  auto beyond = converter.Convert(Make(arrow::list(kMicros), "[[253402300800000000]]"), type);
  ASSERT_FALSE(beyond.has_value());
  EXPECT_EQ(beyond.error().code(), "VALUE_TIMESTAMP_RANGE");
}

TEST(Convert, ADateOutsideTheYearsOneTo9999NamesColumnAndValue) {
  const auto fits = Make(arrow::date32(), "[-719162, 2932896, null]");
  auto converted = ConvertArray(fits, arrow::date32(), "born");
  ASSERT_TRUE(converted.has_value());
  EXPECT_EQ(converted->get(), fits.get()) << "without a copy";
  const std::pair<const char*, const char*> cases[] = {
      {"[0, -719163]", "born: 0000-12-31 lies outside"},
      {"[2932897]", "born: 10000-01-01 lies outside"},
      {"[-800000]", "born: -221-09-04 lies outside"},
      {"[2147483647]", "born: day 2147483647 since 1970 lies outside"}};
  for (const auto& [days, text] : cases) {
    converted = ConvertArray(Make(arrow::date32(), days), arrow::date32(), "born");
    ASSERT_FALSE(converted.has_value());
    EXPECT_EQ(converted.error().code(), "VALUE_DATE_RANGE");
    EXPECT_NE(converted.error().message().find(text), std::string::npos)
        << converted.error().message();
  }
}

TEST(Convert, ADateOutsideTheYearsIsNullWhereThePolicySaysSoAndCountedNestedToo) {
  const ValuePolicy null{.on_timestamp_range = FarTimestamp::kNull};
  ColumnConverter converter({"c", null, 0});
  const auto dates = Make(arrow::date32(), "[-800000, 2932897, 7, null, -719163]");
  auto converted = converter.Convert(dates->Slice(1), arrow::date32());
  ASSERT_TRUE(converted.has_value());
  ASSERT_TRUE((*converted)->ValidateFull().ok());
  EXPECT_TRUE((*converted)->Equals(*Make(arrow::date32(), "[null, 7, null, null]")));
  EXPECT_EQ((*converted)->null_count(), 3);
  EXPECT_EQ(converter.changes(), (ChangeCounts{0, 0, 0, 0, 0, 2}));
  const auto lists = arrow::list(arrow::date32());
  converted = converter.Convert(Make(lists, "[[1, 2932897], null]"), lists);
  ASSERT_TRUE(converted.has_value());
  EXPECT_TRUE((*converted)->Equals(*Make(lists, "[[1, null], null]")));
  const auto maps = arrow::map(arrow::date32(), arrow::int32());
  converted = converter.Convert(Make(maps, "[[[2932897, 1]]]"), maps);
  ASSERT_FALSE(converted.has_value()) << "a key";
  EXPECT_EQ(converted.error().code(), "VALUE_DATE_RANGE");
}

TEST(Convert, WhatLiesUnderANullDateIsNoValue) {
  const auto bits = arrow::AllocateEmptyBitmap(2).ValueOrDie();
  const int32_t days[] = {2147483647, -2147483647 - 1};
  const auto array = std::make_shared<arrow::Date32Array>(
      2, arrow::Buffer::FromString(std::string(reinterpret_cast<const char*>(days), sizeof days)),
      std::shared_ptr<arrow::Buffer>(bits));
  auto converted = ConvertArray(array, arrow::date32(), "c");
  ASSERT_TRUE(converted.has_value());
  EXPECT_EQ(converted->get(), array.get());
}

TEST(Convert, OnlyTheRowsOfASliceAreConvertedAndCounted) {
  ColumnConverter converter({"c", {.on_bad_utf8 = BadUtf8::kReplace}, 0});
  arrow::ListBuilder lists(arrow::default_memory_pool(), std::make_shared<arrow::StringBuilder>());
  auto& text = static_cast<arrow::StringBuilder&>(*lists.value_builder());
  for (const char* value : {"\xff", "a\xff", "b"}) {
    ASSERT_TRUE(lists.Append().ok() && text.Append(value).ok());
  }
  const auto array = lists.Finish().ValueOrDie();
  auto converted = converter.Convert(array->Slice(1, 2), arrow::list(arrow::utf8()));
  ASSERT_TRUE(converted.has_value());
  ASSERT_TRUE((*converted)->ValidateFull().ok());
  EXPECT_TRUE((*converted)->Equals(*Make(arrow::list(arrow::utf8()), R"([["a\uFFFD"], ["b"]])")));
  EXPECT_EQ(converter.changes()[static_cast<size_t>(Change::kReplacedUtf8)], 1);
}

TEST(Convert, AMapsKeyIsNeverChanged) {
  const auto type = arrow::map(kMicros, arrow::int32());
  ColumnConverter converter({"c", {.on_timestamp_range = FarTimestamp::kNull}, 0});
  auto converted = converter.Convert(Make(type, "[[[-62135596800000000, 1]]]"),
                                     arrow::map(kNanos, arrow::int32()));
  ASSERT_FALSE(converted.has_value());
  EXPECT_EQ(converted.error().code(), "VALUE_TIMESTAMP_RANGE");
}

TEST(Convert, SlicedStructsListsAndMapsKeepTheirNulls) {
  const auto from =
      arrow::struct_({arrow::field("t", kMicros), arrow::field("l", arrow::list(kMicros)),
                      arrow::field("m", arrow::map(arrow::utf8(), kMicros))});
  const auto to = arrow::struct_({arrow::field("t", kNanos), arrow::field("l", arrow::list(kNanos)),
                                  arrow::field("m", arrow::map(arrow::utf8(), kNanos))});
  const auto array = Make(
      from, R"([{"t": 1, "l": [1], "m": []}, null, {"t": null, "l": [2, null], "m": [["k", 3]]}])");
  auto converted = ConvertArray(array->Slice(1), to, "c");
  ASSERT_TRUE(converted.has_value());
  ASSERT_TRUE((*converted)->ValidateFull().ok());
  EXPECT_TRUE(
      (*converted)
          ->Equals(*Make(to, R"([null, {"t": null, "l": [2000, null], "m": [["k", 3000]]}])")));
}

TEST(Convert, DecimalsBecomePlainText) {
  const auto array = Make(arrow::decimal128(38, 20),
                          R"(["0.00000000000000000001", "-12.50000000000000000000", null])");
  auto converted = ConvertArray(array, arrow::utf8(), "c");
  ASSERT_TRUE(converted.has_value());
  EXPECT_TRUE(
      (*converted)
          ->Equals(*Make(arrow::utf8(),
                         R"(["0.00000000000000000001", "-12.50000000000000000000", null])")));
}

TEST(Convert, ACellAboveEightMebibytesIsRefusedOneAtItPasses) {
  arrow::StringBuilder fits, longer;
  ASSERT_TRUE(fits.Append(std::string(kCellMaxBytes, 'x')).ok());
  ASSERT_TRUE(longer.Append("y").ok() && longer.Append(std::string(kCellMaxBytes + 1, 'x')).ok());
  EXPECT_TRUE(ConvertArray(fits.Finish().ValueOrDie(), arrow::utf8(), "c").has_value());
  auto converted = ConvertArray(longer.Finish().ValueOrDie(), arrow::utf8(), "c");
  ASSERT_FALSE(converted.has_value());
  EXPECT_EQ(converted.error().code(), "VALUE_TOO_LONG");
}

TEST(Convert, TextThatIsNotUtf8IsRefusedBinaryPasses) {
  arrow::StringBuilder text;
  arrow::BinaryBuilder bytes;
  ASSERT_TRUE(text.Append("\xff\xfe").ok() && bytes.Append("\xff\xfe").ok());
  auto converted = ConvertArray(text.Finish().ValueOrDie(), arrow::utf8(), "c");
  ASSERT_FALSE(converted.has_value());
  EXPECT_EQ(converted.error().code(), "VALUE_UTF8");
  EXPECT_TRUE(ConvertArray(bytes.Finish().ValueOrDie(), arrow::binary(), "c").has_value());
}

TEST(Convert, ACharacterCutInTwoByValuesIsRefusedThoughItsBytesTogetherAreUtf8) {
  arrow::StringBuilder text;
  ASSERT_TRUE(text.Append("ab\xc3").ok() && text.Append("\xa9").ok());
  auto converted = ConvertArray(text.Finish().ValueOrDie(), arrow::utf8(), "c");
  ASSERT_FALSE(converted.has_value());
  EXPECT_EQ(converted.error().code(), "VALUE_UTF8");
}

TEST(Convert, TextBeyondAsciiPassesWhateverTheBytesBehindANull) {
  const std::string all = "caf\xc3\xa9\xff\xe4\xb8\xad";  // the 0xff belongs to the NULL
  const int32_t offsets[] = {0, 5, 6, 9};
  const uint8_t valid[] = {0b101};
  const auto text = std::make_shared<arrow::StringArray>(3, arrow::Buffer::Wrap(offsets, 4),
                                                         arrow::Buffer::FromString(all),
                                                         arrow::Buffer::Wrap(valid, 1));
  EXPECT_TRUE(ConvertArray(text, arrow::utf8(), "c").has_value());
  EXPECT_TRUE(ConvertArray(text->Slice(2), arrow::utf8(), "c").has_value());
}

TEST(Convert, NoSilentWayBetweenUnlikeTypes) {
  auto converted = ConvertArray(Make(arrow::int64(), "[1]"), arrow::utf8(), "c");
  ASSERT_FALSE(converted.has_value());
  EXPECT_EQ(converted.error().code(), "CONVERSION");
}

TEST(Convert, ClassChangesAreFoundAtAnyDepth) {
  const auto decimals = arrow::list(arrow::struct_({arrow::field("d", arrow::decimal128(38, 30))}));
  const auto texts = arrow::list(arrow::struct_({arrow::field("d", arrow::utf8())}));
  EXPECT_TRUE(ChangesClass(*decimals, *texts));
  EXPECT_FALSE(ChangesClass(*kMicros, *kNanos));
}

}  // namespace
}  // namespace mms::migration
