#include "migration/transfer/fit.h"

#include <arrow/array.h>
#include <arrow/compute/initialize.h>
#include <arrow/json/from_string.h>
#include <arrow/type.h>
#include <arrow/util/key_value_metadata.h>
#include <gtest/gtest.h>

namespace mms::migration {
namespace {

std::shared_ptr<arrow::Array> Make(const std::shared_ptr<arrow::DataType>& type, const char* json) {
  return arrow::json::ArrayFromJSONString(type, json).ValueOrDie();
}

Result<std::shared_ptr<arrow::Array>> Fit(const std::shared_ptr<arrow::Array>& array,
                                          const std::shared_ptr<arrow::DataType>& wanted) {
  EXPECT_TRUE(arrow::compute::Initialize().ok());
  return FitArray(array, arrow::field("c", array->type()), arrow::field("c", wanted),
                  FieldMatch::kName);
}

TEST(Fit, WidenedTypesAreCast) {
  const struct {
    std::shared_ptr<arrow::DataType> file, table;
    const char *from, *to;
  } cases[] = {
      {arrow::int32(), arrow::int64(), "[1, null]", "[1, null]"},
      {arrow::float32(), arrow::float64(), "[0.5]", "[0.5]"},
      {arrow::decimal128(5, 2), arrow::decimal128(10, 2), R"(["1.25"])", R"(["1.25"])"},
      {arrow::date32(), arrow::timestamp(arrow::TimeUnit::MICRO), "[1, null]",
       "[86400000000, null]"},
      {arrow::large_utf8(), arrow::utf8(), R"(["a", null])", R"(["a", null])"},
      {arrow::timestamp(arrow::TimeUnit::MICRO), arrow::timestamp(arrow::TimeUnit::MICRO, "UTC"),
       "[5]", "[5]"},
  };
  for (const auto& one : cases) {
    auto fitted = Fit(Make(one.file, one.from), one.table);
    ASSERT_TRUE(fitted.has_value()) << one.file->ToString() << ": " << fitted.error().ToString();
    EXPECT_TRUE((*fitted)->Equals(*Make(one.table, one.to))) << one.table->ToString();
  }
}

TEST(Fit, WhatMicrosecondsDoNotHoldIsAsFarAsTheyGo) {
  const auto micros = arrow::timestamp(arrow::TimeUnit::MICRO);
  const std::pair<std::shared_ptr<arrow::DataType>, const char*> cases[] = {
      {arrow::date32(), "[2, 2147483647, -2147483648, null]"},
      {arrow::timestamp(arrow::TimeUnit::MILLI),
       "[172800000, 9223372036854775807, "
       "-9223372036854775808, null]"},
      {arrow::timestamp(arrow::TimeUnit::SECOND),
       "[172800, 9223372036854775807, "
       "-9223372036854775808, null]"}};
  for (const auto& [type, values] : cases) {
    auto fitted = Fit(Make(type, values)->Slice(1), micros);
    ASSERT_TRUE(fitted.has_value()) << fitted.error().ToString();
    ASSERT_TRUE((*fitted)->ValidateFull().ok());
    EXPECT_TRUE(
        (*fitted)->Equals(*Make(micros, "[9223372036854775807, -9223372036854775808, null]")))
        << type->ToString() << (*fitted)->ToString();
    EXPECT_TRUE(Fit(Make(type, values)->Slice(0, 1), micros)
                    .value()
                    ->Equals(*Make(micros, "[172800000000]")));
  }
}

TEST(Fit, ALossyChangeIsRefused) {
  auto fitted = Fit(Make(arrow::int64(), "[5000000000]"), arrow::int32());
  ASSERT_FALSE(fitted.has_value());
  EXPECT_EQ(fitted.error().code(), "FILE_TYPE_DIFFERS");
}

TEST(Fit, AddedNestedFieldsAreNullAndOthersFoundByName) {
  const auto file = arrow::list(
      arrow::struct_({arrow::field("b", arrow::int32()), arrow::field("a", arrow::utf8())}));
  const auto table = arrow::list(
      arrow::struct_({arrow::field("a", arrow::utf8()), arrow::field("new", arrow::int64()),
                      arrow::field("b", arrow::int64())}));
  auto fitted = Fit(Make(file, R"([null, [{"b": 1, "a": "x"}, null]])")->Slice(1), table);
  ASSERT_TRUE(fitted.has_value());
  ASSERT_TRUE((*fitted)->ValidateFull().ok());
  EXPECT_TRUE((*fitted)->Equals(*Make(table, R"([[{"a": "x", "new": null, "b": 1}, null]])")));
}

TEST(Fit, FieldsAreFoundByIdWhenTheTableMapsById) {
  const auto id = [](const char* value) {
    return arrow::key_value_metadata({"PARQUET:field_id"}, {value});
  };
  const arrow::FieldVector file = {arrow::field("x", arrow::int32(), true, id("1")),
                                   arrow::field("y", arrow::int32(), true, id("2"))};
  EXPECT_EQ(
      FindField(file, *arrow::field("x", arrow::int32(), true, id("2")), FieldMatch::kId).value(),
      1);
  EXPECT_EQ(
      FindField(file, *arrow::field("x", arrow::int32(), true, id("2")), FieldMatch::kName).value(),
      0);
  EXPECT_EQ(
      FindField(file, *arrow::field("z", arrow::int32(), true, id("9")), FieldMatch::kId).value(),
      -1);
}

TEST(Fit, NamesOfATableWithoutALogMatchInAnyCaseOnceOnly) {
  const auto wanted = arrow::field("Label", arrow::utf8());
  const arrow::FieldVector one = {arrow::field("n", arrow::int64()),
                                  arrow::field("LABEL", arrow::utf8())};
  EXPECT_EQ(FindField(one, *wanted, FieldMatch::kAnyCase).value(), 1);
  EXPECT_EQ(FindField(one, *wanted, FieldMatch::kName).value(), -1);
  arrow::FieldVector two = one;
  two.push_back(arrow::field("label", arrow::utf8()));
  EXPECT_EQ(FindField(two, *wanted, FieldMatch::kAnyCase).error().code(), "FILE_COLUMN_AMBIGUOUS");
}

TEST(Fit, ATypeThatSparkDoesNotReadAsTheTablesIsAnError) {
  const auto fit = [](const std::shared_ptr<arrow::DataType>& have,
                      const std::shared_ptr<arrow::DataType>& want) {
    const auto array = *arrow::MakeArrayOfNull(have, 1);
    auto fitted =
        FitArray(array, arrow::field("c", have), arrow::field("c", want), FieldMatch::kAnyCase);
    return fitted ? "read" : fitted.error().code();
  };
  EXPECT_EQ(fit(arrow::int32(), arrow::int64()), "read");
  EXPECT_EQ(fit(arrow::int32(), arrow::utf8()), "FILE_TYPE_DIFFERS");
  EXPECT_EQ(fit(arrow::float64(), arrow::int64()), "FILE_TYPE_DIFFERS");
  EXPECT_EQ(fit(arrow::utf8(), arrow::date32()), "FILE_TYPE_DIFFERS");
}

TEST(Fit, InstantsOfOrcAreWhatSparkReadsOfThem) {
  const auto nanos = arrow::timestamp(arrow::TimeUnit::NANO);
  const auto nanos_utc = arrow::timestamp(arrow::TimeUnit::NANO, "UTC");
  const auto micros = arrow::timestamp(arrow::TimeUnit::MICRO);
  const auto micros_utc = arrow::timestamp(arrow::TimeUnit::MICRO, "UTC");
  const auto fit = [](const std::shared_ptr<arrow::Array>& array,
                      const std::shared_ptr<arrow::DataType>& want, const char* noted = "") {
    const auto note = arrow::key_value_metadata({"spark.sql.catalyst.type"}, {noted});
    const auto list = arrow::list(arrow::field("element", array->type(), true, note));
    const auto offsets = Make(arrow::int32(), "[0, 2]");
    const auto lists = *arrow::ListArray::FromArrays(list, *offsets, *array);
    return FitArray(lists, arrow::field("c", list), arrow::field("c", arrow::list(want)),
                    FieldMatch::kOrc);
  };
  const auto values = Make(nanos, "[7, -1, null, 1999]")->Slice(1, 2);
  for (const auto& want : {micros, micros_utc}) {
    auto fitted = fit(values, want);
    ASSERT_TRUE(fitted.has_value()) << fitted.error().ToString();
    ASSERT_TRUE((*fitted)->ValidateFull().ok());
    EXPECT_TRUE((*fitted)->Equals(*Make(arrow::list(want), "[[-1, null]]")))
        << (*fitted)->ToString();
  }
  const auto numbers = Make(arrow::int64(), "[5, null]");
  auto noted = fit(numbers, micros, "timestamp_ntz");
  ASSERT_TRUE(noted.has_value()) << noted.error().ToString();
  EXPECT_TRUE((*noted)->Equals(*Make(arrow::list(micros), "[[5, null]]")));
  const auto days = Make(arrow::date32(), "[1, 2]");
  for (const auto& refused : {fit(numbers, micros), fit(numbers, micros_utc, "timestamp_ntz"),
                              fit(days, micros), fit(Make(nanos_utc, "[5, 6]"), micros_utc)}) {
    ASSERT_FALSE(refused.has_value());
    EXPECT_EQ(refused.error().code(), "FILE_TYPE_DIFFERS");
  }
}

}  // namespace
}  // namespace mms::migration
