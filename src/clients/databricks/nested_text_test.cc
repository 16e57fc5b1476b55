#include "clients/databricks/nested_text.h"

#include <arrow/array.h>
#include <arrow/builder.h>
#include <arrow/compare.h>
#include <arrow/json/from_string.h>
#include <arrow/type.h>
#include <gtest/gtest.h>

#include <string>

namespace mms::databricks {
namespace {

using TypePtr = std::shared_ptr<arrow::DataType>;

/// One value read from text; null and the code in `code` when it was refused.
std::shared_ptr<arrow::Array> Read(const TypePtr& type, NestedForm form, std::string_view text,
                                   std::string* code = nullptr) {
  std::unique_ptr<arrow::ArrayBuilder> builder;
  EXPECT_TRUE(arrow::MakeBuilder(arrow::default_memory_pool(), type, &builder).ok());
  const Status status = AppendNestedText(text, form, *type, *builder);
  if (!status) {
    if (code != nullptr) *code = status.error().code();
    return nullptr;
  }
  return *builder->Finish();
}

void ExpectReads(const TypePtr& type, NestedForm form, std::string_view text,
                 const std::string& json) {
  const auto wanted = *arrow::json::ArrayFromJSONString(type, "[" + json + "]");
  const auto found = Read(type, form, text);
  ASSERT_NE(found, nullptr) << text;
  EXPECT_TRUE(found->ValidateFull().ok()) << text;
  EXPECT_TRUE(found->Equals(wanted, arrow::EqualOptions::Defaults().nans_equal(true)))
      << found->ToString() << wanted->ToString();
}

TEST(NestedText, ReadsHivesFormWithoutStrings) {
  const TypePtr numbers = arrow::list(arrow::int32());
  ExpectReads(numbers, NestedForm::kHive, "[1,2,null]", "[1,2,null]");
  ExpectReads(numbers, NestedForm::kHive, "[]", "[]");
  ExpectReads(numbers, NestedForm::kHive, "null", "null");
  const TypePtr record = arrow::struct_({arrow::field("a \"q\"", arrow::float64()),
                                         arrow::field("b", arrow::decimal128(10, 2)),
                                         arrow::field("n", arrow::list(numbers))});
  ExpectReads(record, NestedForm::kHive, R"({"a "q"":1.5E-7,"b":12.30,"n":[[1],null,[]]})",
              R"([1.5e-7,"12.30",[[1],null,[]]])");
  ExpectReads(record, NestedForm::kHive, R"({"a "q"":null,"b":null,"n":null})", "[null,null,null]");
  ExpectReads(arrow::map(arrow::int64(), arrow::date32()), NestedForm::kHive,
              "{1:2020-01-02,-3:null}", R"([[1,18263],[-3,null]])");
  ExpectReads(arrow::list(arrow::timestamp(arrow::TimeUnit::MICRO)), NestedForm::kHive,
              "[1970-01-01 00:00:01.5]", "[1500000]");
}

TEST(NestedText, RefusesHivesFormOfStringsSinceItIsAmbiguous) {
  const TypePtr strings = arrow::list(arrow::utf8());
  for (const TypePtr& type :
       {strings, arrow::list(arrow::binary()), arrow::map(arrow::utf8(), arrow::int32()),
        arrow::struct_({arrow::field("x", strings)}),
        arrow::map(arrow::date32(), arrow::int32())}) {
    const Status status = CheckNestedText(*type, NestedForm::kHive);
    ASSERT_FALSE(status) << type->ToString();
    EXPECT_EQ(status.error().code(), "SQL_NESTED_TEXT");
  }
  EXPECT_TRUE(CheckNestedText(*strings, NestedForm::kJson));
  EXPECT_FALSE(CheckNestedText(*arrow::map(arrow::date32(), arrow::int32()), NestedForm::kJson));
  EXPECT_TRUE(CheckNestedText(*arrow::list(arrow::int8()), NestedForm::kHive));
}

TEST(NestedText, ReadsJsonWithEveryEscape) {
  const TypePtr strings = arrow::list(arrow::utf8());
  const auto read =
      Read(strings, NestedForm::kJson,
           R"(["a\",\"b", "\\\/\b\f\n\r\t", "\u00e9\u4e2d\ud83d\ude00", "é中😀", null])");
  ASSERT_NE(read, nullptr);
  const auto& values =
      static_cast<const arrow::StringArray&>(*static_cast<const arrow::ListArray&>(*read).values());
  EXPECT_EQ(values.GetView(0), "a\",\"b");
  EXPECT_EQ(values.GetView(1), "\\/\b\f\n\r\t");
  EXPECT_EQ(values.GetView(2), "é中😀");
  EXPECT_EQ(values.GetView(3), "é中😀");
  EXPECT_TRUE(values.IsNull(4));
}

TEST(NestedText, ReadsJsonOfEveryScalar) {
  const TypePtr record = arrow::struct_(
      {arrow::field("f", arrow::float64()), arrow::field("b", arrow::boolean()),
       arrow::field("d", arrow::date32()),
       arrow::field("t", arrow::timestamp(arrow::TimeUnit::MICRO, "UTC")),
       arrow::field("x", arrow::binary()), arrow::field("c", arrow::decimal128(38, 2)),
       arrow::field("m", arrow::map(arrow::utf8(), arrow::int64()))});
  ExpectReads(record, NestedForm::kJson,
              R"({"f":"NaN","b":true,"d":"1970-01-02","t":"1970-01-01 00:00:01.000001Z",)"
              R"("x":"YWI=","c":1.5,"m":{"k\"":1,"":null}})",
              R"([NaN,true,1,1000001,"ab","1.50",[["k\"",1],["",null]]])");
}

TEST(NestedText, TakesJsonFieldsInAnyOrderAndMissingOnesForNull) {
  const TypePtr record =
      arrow::struct_({arrow::field("a", arrow::int32()), arrow::field("b", arrow::int32())});
  ExpectReads(record, NestedForm::kJson, R"({"b":2,"a":1})", "[1,2]");
  ExpectReads(record, NestedForm::kJson, R"({"b":2})", "[null,2]");
  ExpectReads(record, NestedForm::kJson, "{}", "[null,null]");
}

TEST(NestedText, RefusesWhatIsNotOfTheType) {
  const TypePtr record =
      arrow::struct_({arrow::field("a", arrow::int32()), arrow::field("b", arrow::int32())});
  for (const char* text : {"", "[", "[1", "[1,]", "[1]x", "{\"a\":1", "{\"c\":1}",
                           "{\"a\":1,\"a\":2}", "{\"a\" 1}", "{\"a\":\"x\"}", "1"}) {
    std::string code;
    EXPECT_EQ(Read(record, NestedForm::kJson, text, &code), nullptr) << text;
    EXPECT_EQ(code, "SQL_VALUE") << text;
  }
  for (const char* text : {"{\"b\":2,\"a\":1}", "{\"a\":1}", "{a:1,b:2}"}) {
    EXPECT_EQ(Read(record, NestedForm::kHive, text), nullptr) << text;
  }
  const TypePtr strings = arrow::list(arrow::utf8());
  for (const char* text : {"[\"a]", "[\"\\x\"]", "[\"\\u12\"]", "[\"\\ud83d\"]", "[a]"}) {
    EXPECT_EQ(Read(strings, NestedForm::kJson, text), nullptr) << text;
  }
  EXPECT_EQ(Read(arrow::list(arrow::binary()), NestedForm::kJson, "[\"*\"]"), nullptr);
}

}  // namespace
}  // namespace mms::databricks
