#include "migration/formats/text_value.h"

#include <arrow/array.h>
#include <arrow/builder.h>
#include <arrow/scalar.h>
#include <arrow/type.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>

namespace mms::migration {
namespace {

/// The value as Arrow writes it; "none" when the text is no value of the type.
std::string Read(const std::shared_ptr<arrow::DataType>& type, std::string_view text) {
  std::unique_ptr<arrow::ArrayBuilder> builder;
  EXPECT_TRUE(arrow::MakeBuilder(arrow::default_memory_pool(), type, &builder).ok());
  const bool read = AppendText(text, {}, builder.get());
  const auto array = *builder->Finish();
  EXPECT_EQ(array->length(), read ? 1 : 0);
  return read ? (*array->GetScalar(0))->ToString() : "none";
}

TEST(TextValue, NumbersAreWholeAndWithinTheirType) {
  EXPECT_EQ(Read(arrow::int8(), "-128"), "-128");
  EXPECT_EQ(Read(arrow::int8(), "128"), "none");
  EXPECT_EQ(Read(arrow::int64(), "+9223372036854775807"), "9223372036854775807");
  for (const char* none : {"", " 1", "1 ", "1.0", "+-1", "0x1", "1e3"}) {
    EXPECT_EQ(Read(arrow::int32(), none), "none") << none;
  }
  EXPECT_EQ(Read(arrow::float64(), "-1.5E3"), "-1500");
  EXPECT_EQ(Read(arrow::float64(), "Inf"), "inf");
  EXPECT_EQ(Read(arrow::float64(), "-Infinity"), "-inf");
  EXPECT_EQ(Read(arrow::float32(), "NaN"), "nan");
  for (const char* none : {"inf", "nan", "1e999", "1,5", "0x1p3", "1f"}) {
    EXPECT_EQ(Read(arrow::float64(), none), "none") << none;
  }
}

TEST(TextValue, DecimalsAreRoundedHalfUpToTheirScale) {
  const auto type = arrow::decimal128(6, 2);
  EXPECT_EQ(Read(type, "1,234.565"), "1234.57");
  EXPECT_EQ(Read(type, "-0.005"), "-0.01");
  EXPECT_EQ(Read(type, "1e3"), "1000.00");
  EXPECT_EQ(Read(type, "12345"), "none");
  EXPECT_EQ(Read(type, "a"), "none");
  EXPECT_EQ(Read(type, " 1"), "none");
}

TEST(TextValue, OtherTypes) {
  EXPECT_EQ(Read(arrow::boolean(), "TRUE"), "true");
  EXPECT_EQ(Read(arrow::boolean(), "1"), "none");
  EXPECT_EQ(Read(arrow::date32(), "1969-12-31"), "1969-12-31");
  EXPECT_EQ(Read(arrow::timestamp(arrow::TimeUnit::MICRO, "UTC"), "2024-02-29T01:00:00+01:00"),
            "2024-02-29 00:00:00.000000Z");
  EXPECT_EQ(Read(arrow::timestamp(arrow::TimeUnit::MICRO), "2024-02-29 00:00:00Z"), "none");
  EXPECT_EQ(Read(arrow::utf8(), "\xE4\xB8\xAD"), "\xE4\xB8\xAD");
  EXPECT_EQ(Read(arrow::utf8(), "\xE4\xB8"), "none");
}

TEST(TextValue, TypesThatNoTextGivesAreRefused) {
  EXPECT_TRUE(CheckTextType(*arrow::field("a", arrow::utf8())));
  EXPECT_EQ(CheckTextType(*arrow::field("a", arrow::binary())).error().code(), "TYPE_UNSUPPORTED");
  EXPECT_FALSE(CheckTextType(*arrow::field("a", arrow::list(arrow::int32()))));
}

}  // namespace
}  // namespace mms::migration
