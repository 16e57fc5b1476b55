#include "clients/databricks/value_text.h"

#include <arrow/array.h>
#include <arrow/builder.h>
#include <arrow/type.h>
#include <gtest/gtest.h>

#include <string>

namespace mms::databricks {
namespace {

/// The value that the text of a type becomes, as Arrow prints it; the error's code if it has none.
std::string Read(const std::shared_ptr<arrow::DataType>& type, std::string_view text) {
  std::unique_ptr<arrow::ArrayBuilder> builder;
  EXPECT_TRUE(arrow::MakeBuilder(arrow::default_memory_pool(), type, &builder).ok());
  const Status status = AppendText(text, *type, *builder);
  if (!status) return status.error().code();
  const auto array = *builder->Finish();
  return (*array->GetScalar(0))->ToString();
}

TEST(ValueText, ReadsEveryDayOfTheCalendar) {
  EXPECT_EQ(ParseDate("1970-01-01"), 0);
  EXPECT_EQ(ParseDate("0001-01-01"), -719162);
  EXPECT_EQ(ParseDate("1582-10-14"), -141428) << "proleptic: the day exists";
  EXPECT_EQ(ParseDate("9999-12-31"), 2932896);
  EXPECT_EQ(ParseDate("+10000-01-01"), 2932897);
  EXPECT_EQ(ParseDate("0000-02-29"), -719469) << "the year 0 is a leap year";
  EXPECT_EQ(ParseDate("-0001-12-31"), -719529);
  EXPECT_EQ(ParseDate("2000-02-29"), 11016);
}

TEST(ValueText, RefusesWhatIsNoDay) {
  for (const char* text : {"", "1970-1-1", "1970-13-01", "1970-00-01", "1900-02-29", "1970-01-32",
                           "1970-01-01x", "70-01-01", "1970/01/01", "+9999999-01-01"}) {
    EXPECT_EQ(ParseDate(text), std::nullopt) << text;
  }
}

TEST(ValueText, ReadsTimestampsToTheMicrosecond) {
  EXPECT_EQ(ParseTimestamp("1970-01-01 00:00:00"), 0);
  EXPECT_EQ(ParseTimestamp("1970-01-01 00:00:00.1"), 100'000);
  EXPECT_EQ(ParseTimestamp("1970-01-01 00:00:00.000001"), 1);
  EXPECT_EQ(ParseTimestamp("1969-12-31 23:59:59.999999"), -1);
  EXPECT_EQ(ParseTimestamp("0001-01-01 00:00:00"), -62'135'596'800'000'000);
  EXPECT_EQ(ParseTimestamp("9999-12-31 23:59:59.999999"), 253'402'300'799'999'999);
  EXPECT_EQ(ParseTimestamp("1970-01-01T00:00:00.5Z"), 500'000);
  EXPECT_EQ(ParseTimestamp("1970-01-01T01:00:00+01:00"), 0);
  EXPECT_EQ(ParseTimestamp("1969-12-31T19:30:00.000000000-04:30"), 0);
}

TEST(ValueText, RefusesTimestampsItWouldCut) {
  for (const char* text : {"1970-01-01", "1970-01-01 00:00", "1970-01-01 24:00:00",
                           "1970-01-01 00:60:00", "1970-01-01 00:00:00.", "1970-01-01 00:00:00 UTC",
                           "1970-01-01 00:00:00.0000001", "1970-01-01 00:00:00+0100"}) {
    EXPECT_EQ(ParseTimestamp(text), std::nullopt) << text;
  }
}

TEST(ValueText, ReadsNumbersWholeOrNotAtAll) {
  EXPECT_EQ(Read(arrow::int8(), "-128"), "-128");
  EXPECT_EQ(Read(arrow::int8(), "128"), "SQL_VALUE");
  EXPECT_EQ(Read(arrow::int64(), "9223372036854775807"), "9223372036854775807");
  EXPECT_EQ(Read(arrow::int64(), "1.0"), "SQL_VALUE");
  EXPECT_EQ(Read(arrow::float64(), "1.0E10"), "1e+10");
  EXPECT_EQ(Read(arrow::float64(), "NaN"), "nan");
  EXPECT_EQ(Read(arrow::float32(), "-Infinity"), "-inf");
  EXPECT_EQ(Read(arrow::float32(), "3.4028235E38"), "3.4028235e+38");
  EXPECT_EQ(Read(arrow::float64(), "1e"), "SQL_VALUE");
  EXPECT_EQ(Read(arrow::boolean(), "true"), "true");
  EXPECT_EQ(Read(arrow::boolean(), "1"), "SQL_VALUE");
}

TEST(ValueText, ReadsDecimalsOfTheirScale) {
  EXPECT_EQ(Read(arrow::decimal128(5, 2), "-1.5"), "-1.50");
  EXPECT_EQ(Read(arrow::decimal128(38, 0), std::string(38, '9')), std::string(38, '9'));
  EXPECT_EQ(Read(arrow::decimal128(38, 18), "0E-18"), "0E-18");
  EXPECT_EQ(Read(arrow::decimal128(38, 38), "0." + std::string(38, '9')),
            "0." + std::string(38, '9'));
  EXPECT_EQ(Read(arrow::decimal128(5, 2), "1.005"), "SQL_VALUE") << "a digit would be lost";
  EXPECT_EQ(Read(arrow::decimal128(5, 2), "1000.00"), "SQL_VALUE");
  EXPECT_EQ(Read(arrow::decimal128(5, 2), "one"), "SQL_VALUE");
}

TEST(ValueText, KeepsTextAndBytesAsTheyAre) {
  EXPECT_EQ(Read(arrow::utf8(), " a\"b "), " a\"b ");
  EXPECT_EQ(Read(arrow::duration(arrow::TimeUnit::MICRO), "1"), "SQL_TYPE_UNSUPPORTED");
  EXPECT_EQ(Read(arrow::timestamp(arrow::TimeUnit::NANO), "1970-01-01 00:00:00"),
            "SQL_TYPE_UNSUPPORTED");
}

}  // namespace
}  // namespace mms::databricks
