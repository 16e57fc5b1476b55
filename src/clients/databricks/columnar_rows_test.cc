#include "clients/databricks/columnar_rows.h"

#include <arrow/api.h>
#include <arrow/json/from_string.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "clients/databricks/test_rows.h"

namespace mms::databricks {
namespace {

using tcli::TTypeId;

ResultSchema Planned(std::vector<tcli::TColumnDesc> columns, ResultSchemaOptions options = {}) {
  tcli::TTableSchema server;
  server.columns = std::move(columns);
  Result<ResultSchema> schema = PlanColumnarResult(server, options);
  EXPECT_TRUE(schema) << schema.error().ToString();
  return schema ? std::move(*schema) : ResultSchema();
}

std::string RefusedPlan(std::vector<tcli::TColumnDesc> columns, ResultSchemaOptions options = {}) {
  tcli::TTableSchema server;
  server.columns = std::move(columns);
  Result<ResultSchema> schema = PlanColumnarResult(server, options);
  EXPECT_FALSE(schema);
  if (schema) return "";
  EXPECT_NE(schema.error().ToString().find("column "), std::string::npos)
      << "it names the column: " << schema.error().ToString();
  return schema.error().code();
}

ResultSchemaOptions Wanted(std::vector<std::shared_ptr<arrow::DataType>> types) {
  arrow::FieldVector fields;
  for (auto& type : types) fields.push_back(arrow::field("w", std::move(type)));
  return {arrow::schema(std::move(fields)), {}, false};
}

/// A column of two rows, the second null: how it travels, and what its first value prints as.
struct Carried {
  tcli::TColumnDesc description;
  tcli::TColumn column;
  std::string value;
};

template <class Carrier, class Value>
Carried Carry(tcli::TColumnDesc description, void (tcli::TColumn::*set)(const Carrier&),
              Value value, std::string printed) {
  Carrier carrier;
  carrier.values = {value, Value()};
  carrier.nulls = "\2";
  Carried carried{std::move(description), {}, std::move(printed)};
  (carried.column.*set)(carrier);
  return carried;
}

std::vector<Carried> EveryCarrier() {
  using tcli::TColumn;
  const std::string bytes("\0\xff", 2);
  const auto text = [](tcli::TColumnDesc description, std::string value, std::string printed) {
    return Carry(std::move(description), &TColumn::__set_stringVal, std::move(value),
                 std::move(printed));
  };
  return {
      Carry(Described("bo", TTypeId::BOOLEAN), &TColumn::__set_boolVal, true, "true"),
      Carry(Described("ti", TTypeId::TINYINT), &TColumn::__set_byteVal, int8_t{-128}, "-128"),
      Carry(Described("si", TTypeId::SMALLINT), &TColumn::__set_i16Val, int16_t{-5}, "-5"),
      Carry(Described("i", TTypeId::INT), &TColumn::__set_i32Val,
            std::numeric_limits<int32_t>::min(), "-2147483648"),
      Carry(Described("bi", TTypeId::BIGINT), &TColumn::__set_i64Val,
            std::numeric_limits<int64_t>::min(), "-9223372036854775808"),
      Carry(Described("f", TTypeId::FLOAT), &TColumn::__set_doubleVal, double{0.1F}, "0.1"),
      Carry(Described("d", TTypeId::DOUBLE), &TColumn::__set_doubleVal, std::nan(""), "nan"),
      Carry(Described("n", TTypeId::BINARY), &TColumn::__set_binaryVal, bytes, bytes),
      text(Described("s", TTypeId::STRING), "a", "a"),
      text(Described("vc", TTypeId::VARCHAR), "b", "b"),
      text(Described("ch", TTypeId::CHAR), "c ", "c "),
      text(Described("da", TTypeId::DATE), "1970-01-02", "1970-01-02"),
      text(Described("ts", TTypeId::TIMESTAMP), "1970-01-01 00:00:01.5",
           "1970-01-01 00:00:01.500000Z"),
      text(DescribedDecimal("de", 10, 2), "-1.50", "-1.50"),
      text(Described("no", TTypeId::NULL_TYPE), "ignored", "null"),
  };
}

TEST(ColumnarRows, EveryCarrierBecomesItsArrowType) {
  const std::vector<Carried> carried = EveryCarrier();
  std::vector<tcli::TColumnDesc> descriptions;
  tcli::TRowSet rows;
  for (const Carried& one : carried) {
    descriptions.push_back(one.description);
    rows.columns.push_back(one.column);
  }
  const ResultSchema schema = Planned(std::move(descriptions));
  EXPECT_TRUE(schema.zone_unsaid);
  auto batch = DecodeColumnarRows(rows, schema);
  ASSERT_TRUE(batch) << batch.error().ToString();
  ASSERT_TRUE((*batch)->ValidateFull().ok());
  for (int i = 0; i < (*batch)->num_columns(); ++i) {
    const auto& column = *(*batch)->column(i);
    const std::string& value = carried[static_cast<size_t>(i)].value;
    EXPECT_EQ((*column.GetScalar(0))->ToString(), value) << (*batch)->column_name(i);
    EXPECT_TRUE(column.type_id() == arrow::Type::NA || column.IsNull(1)) << i;
  }
  EXPECT_EQ((*batch)->column(5)->type_id(), arrow::Type::FLOAT);
}

TEST(ColumnarRows, ANullBitmapMayEndEarlyAndCountsFromTheLowestBit) {
  tcli::TRowSet rows;
  std::vector<std::string> texts(20, "x");
  rows.columns = {TextColumn(texts, std::string("\x05", 1)), TextColumn(texts, ""),
                  TextColumn(texts, std::string("\0\x80", 2))};
  const ResultSchema schema =
      Planned({Described("a", TTypeId::STRING), Described("b", TTypeId::STRING),
               Described("c", TTypeId::STRING)});
  auto batch = DecodeColumnarRows(rows, schema);
  ASSERT_TRUE(batch) << batch.error().ToString();
  EXPECT_TRUE((*batch)->column(0)->IsNull(0));
  EXPECT_FALSE((*batch)->column(0)->IsNull(1));
  EXPECT_TRUE((*batch)->column(0)->IsNull(2));
  EXPECT_EQ((*batch)->column(0)->null_count(), 2);
  EXPECT_EQ((*batch)->column(1)->null_count(), 0);
  EXPECT_TRUE((*batch)->column(2)->IsNull(15));
}

TEST(ColumnarRows, RefusesColumnsOfDifferentLengthsAndWrongCarriers) {
  const ResultSchema schema =
      Planned({Described("a", TTypeId::BIGINT), Described("b", TTypeId::BIGINT)});
  tcli::TRowSet rows;
  rows.columns = {NumberColumn(0, 2), NumberColumn(0, 3)};
  EXPECT_EQ(DecodeColumnarRows(rows, schema).error().code(), "SQL_ANSWER");
  rows.columns = {NumberColumn(0, 2)};
  EXPECT_EQ(DecodeColumnarRows(rows, schema).error().code(), "SQL_ANSWER");
  rows.columns = {NumberColumn(0, 2), TextColumn({"1", "2"})};
  const auto wrong = DecodeColumnarRows(rows, schema);
  ASSERT_FALSE(wrong);
  EXPECT_NE(wrong.error().message().find("column b"), std::string::npos);
  rows.columns = {NumberColumn(0, 2), tcli::TColumn()};
  EXPECT_FALSE(DecodeColumnarRows(rows, schema));
}

TEST(ColumnarRows, NamesTheColumnOfABadValue) {
  tcli::TRowSet rows;
  rows.columns = {TextColumn({"2020-02-30"})};
  const auto batch = DecodeColumnarRows(rows, Planned({Described("day", TTypeId::DATE)}));
  ASSERT_FALSE(batch);
  EXPECT_EQ(batch.error().code(), "SQL_VALUE");
  EXPECT_EQ(batch.error().where(), "column day");
}

TEST(ColumnarRows, NestedTextBecomesTheWantedType) {
  const auto numbers = arrow::list(arrow::int32());
  ResultSchemaOptions options = Wanted({numbers, arrow::list(arrow::utf8())});
  options.json_columns = {1};
  const ResultSchema schema =
      Planned({Described("a", TTypeId::ARRAY), Described("j", TTypeId::STRING)}, options);
  tcli::TRowSet rows;
  rows.columns = {TextColumn({"[1,null]", ""}, "\2"), TextColumn({"[\"a\\\"\"]", "[]"})};
  auto batch = DecodeColumnarRows(rows, schema);
  ASSERT_TRUE(batch) << batch.error().ToString();
  EXPECT_TRUE(
      (*batch)->column(0)->Equals(*arrow::json::ArrayFromJSONString(numbers, "[[1,null],null]")));
  EXPECT_TRUE((*batch)->column(1)->Equals(
      *arrow::json::ArrayFromJSONString(arrow::list(arrow::utf8()), R"([["a\""],[]])")));
}

TEST(ResultSchema, RefusesByNameWhatWouldLoseSomething) {
  EXPECT_EQ(RefusedPlan({Described("a", TTypeId::ARRAY)}), "SQL_NESTED_TEXT");
  EXPECT_EQ(RefusedPlan({Described("a", TTypeId::ARRAY)}, Wanted({arrow::list(arrow::utf8())})),
            "SQL_NESTED_TEXT");
  EXPECT_EQ(RefusedPlan({Described("j", TTypeId::STRING)}, Wanted({arrow::list(arrow::utf8())})),
            "SQL_SCHEMA_DIFFERS")
      << "text that nobody calls JSON could be Hive's";
  EXPECT_EQ(RefusedPlan({Described("i", TTypeId::INTERVAL_DAY_TIME)}), "SQL_TYPE_UNSUPPORTED");
  EXPECT_EQ(RefusedPlan({Described("u", 99)}), "SQL_TYPE_UNSUPPORTED");
  EXPECT_EQ(RefusedPlan({Described("d", TTypeId::DECIMAL)}), "SQL_TYPE_UNSUPPORTED")
      << "without digits";
  EXPECT_EQ(RefusedPlan({Described("i", TTypeId::INT)}, Wanted({arrow::int64()})),
            "SQL_SCHEMA_DIFFERS");
  EXPECT_EQ(RefusedPlan({DescribedDecimal("d", 10, 2)}, Wanted({arrow::decimal128(10, 3)})),
            "SQL_SCHEMA_DIFFERS");
  EXPECT_EQ(RefusedPlan({Described("m", TTypeId::MAP)}, Wanted({arrow::list(arrow::int32())})),
            "SQL_SCHEMA_DIFFERS");
  EXPECT_EQ(RefusedPlan({Described("t", TTypeId::TIMESTAMP)},
                        Wanted({arrow::timestamp(arrow::TimeUnit::NANO)})),
            "SQL_SCHEMA_DIFFERS");
  tcli::TTableSchema two;
  two.columns = {Described("a", TTypeId::INT), Described("b", TTypeId::INT)};
  EXPECT_EQ(PlanColumnarResult(two, Wanted({arrow::int32()})).error().code(), "SQL_SCHEMA_DIFFERS");
}

TEST(ResultSchema, TakesTimestampsWithoutZoneWhenTheCatalogSaysSo) {
  const auto ntz = arrow::timestamp(arrow::TimeUnit::MICRO);
  const ResultSchema schema = Planned({Described("t", TTypeId::TIMESTAMP)}, Wanted({ntz}));
  EXPECT_TRUE(schema.arrow->field(0)->type()->Equals(ntz));
  EXPECT_TRUE(schema.zone_unsaid);
}

TEST(ResultSchema, GivesTextOnlyWhenItIsAskedFor) {
  const ResultSchema text = Planned({Described("a", TTypeId::ARRAY)}, {nullptr, {}, true});
  EXPECT_TRUE(text.arrow->field(0)->type()->Equals(arrow::utf8()));
  tcli::TRowSet rows;
  rows.columns = {TextColumn({"[\"a\"]"})};
  auto batch = DecodeColumnarRows(rows, text);
  ASSERT_TRUE(batch);
  EXPECT_EQ((*(*batch)->column(0)->GetScalar(0))->ToString(), "[\"a\"]");
  const ResultSchema wanted = Planned({Described("a", TTypeId::STRUCT)}, Wanted({arrow::utf8()}));
  EXPECT_EQ(wanted.columns[0].form, ColumnForm::kTextAsIs);
}

TEST(ResultSchema, KnowsTheNamesOfUtc) {
  EXPECT_TRUE(IsUtc("UTC") && IsUtc("Etc/UTC") && IsUtc("Z"));
  EXPECT_FALSE(IsUtc("Europe/London") || IsUtc(""));
}

}  // namespace
}  // namespace mms::databricks
