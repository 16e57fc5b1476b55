#include "migration/checksum/checksum.h"

#include <arrow/array.h>
#include <arrow/builder.h>
#include <arrow/compute/cast.h>
#include <arrow/compute/initialize.h>
#include <arrow/json/from_string.h>
#include <arrow/record_batch.h>
#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "migration/checksum/value_hash.h"

namespace mms::migration {
namespace {

std::shared_ptr<arrow::Array> Make(const std::shared_ptr<arrow::DataType>& type, const char* json) {
  return arrow::json::ArrayFromJSONString(type, json).ValueOrDie();
}

Checksum Of(const arrow::ArrayVector& columns) {
  arrow::FieldVector fields;
  for (const auto& column : columns) fields.push_back(arrow::field("c", column->type()));
  Hasher hasher;
  const auto batch = arrow::RecordBatch::Make(arrow::schema(fields), columns[0]->length(), columns);
  EXPECT_TRUE(hasher.Update(*batch).has_value());
  return hasher.checksum();
}

TEST(Checksum, OrderOfRowsDoesNotMatter) {
  EXPECT_EQ(Of({Make(arrow::int64(), "[1, 2, null, 2]")}),
            Of({Make(arrow::int64(), "[2, null, 2, 1]")}));
}

TEST(Checksum, RowsMayBeHashedOverTheirFirstColumnsAlone) {
  const auto ids = Make(arrow::int64(), "[1, 2]");
  const auto more = Make(arrow::int64(), "[null, null]");
  Hasher hasher(1);
  const auto schema =
      arrow::schema({arrow::field("a", ids->type()), arrow::field("b", ids->type())});
  ASSERT_TRUE(hasher.Update(*arrow::RecordBatch::Make(schema, 2, {ids, more})).has_value());
  EXPECT_EQ(hasher.checksum().row_sum, Of({ids}).row_sum);
  EXPECT_EQ(hasher.checksum().columns, Of({ids, more}).columns);
}

TEST(Checksum, ADoubledRowIsSeen) {
  EXPECT_NE(Of({Make(arrow::int64(), "[1, 2, 2]")}).columns[0].sum,
            Of({Make(arrow::int64(), "[1, 1, 2]")}).columns[0].sum);
}

TEST(Checksum, PartsMergeToTheWhole) {
  Checksum parts = Of({Make(arrow::utf8(), R"(["a", null])")});
  parts.Merge(Of({Make(arrow::utf8(), R"(["b"])")}));
  EXPECT_EQ(parts, Of({Make(arrow::utf8(), R"(["b", "a", null])")}));
  Checksum empty;
  empty.Merge(parts);
  EXPECT_EQ(empty, parts);
}

TEST(Checksum, ValuesThatSwapRowsChangeOnlyTheRowSum) {
  const auto left = Make(arrow::int64(), "[1, 2]");
  const Checksum straight = Of({left, Make(arrow::utf8(), R"(["a", "b"])")});
  const Checksum swapped = Of({left, Make(arrow::utf8(), R"(["b", "a"])")});
  EXPECT_EQ(straight.columns, swapped.columns);
  EXPECT_NE(straight.row_sum, swapped.row_sum);
}

TEST(Checksum, AWiderIntegerOrFinerTimestampKeepsTheSum) {
  EXPECT_EQ(Of({Make(arrow::int8(), "[-1, 7, null]")}),
            Of({Make(arrow::int64(), "[-1, 7, null]")}));
  EXPECT_EQ(Of({Make(arrow::float32(), "[0.5, null]")}),
            Of({Make(arrow::float64(), "[0.5, null]")}));
  const auto micros =
      Make(arrow::timestamp(arrow::TimeUnit::MICRO, "UTC"), "[-1, 0, 1700000000000001]");
  const auto nanos =
      Make(arrow::timestamp(arrow::TimeUnit::NANO), "[-1000, 0, 1700000000000001000]");
  EXPECT_EQ(Of({micros}), Of({nanos}));
  const auto finer =
      Make(arrow::timestamp(arrow::TimeUnit::NANO), "[-999, 0, 1700000000000001000]");
  EXPECT_NE(Of({micros}), Of({finer}));
}

TEST(Checksum, NullEmptyZeroAndTypesDiffer) {
  const auto sum = [](const std::shared_ptr<arrow::DataType>& type, const char* json) {
    return Of({Make(type, json)}).columns[0].sum;
  };
  EXPECT_NE(sum(arrow::utf8(), "[null]"), sum(arrow::utf8(), R"([""])"));
  EXPECT_NE(sum(arrow::utf8(), R"([""])"), sum(arrow::binary(), R"([""])"));
  EXPECT_NE(sum(arrow::int64(), "[0]"), sum(arrow::boolean(), "[false]"));
  EXPECT_NE(sum(arrow::int32(), "[3]"), sum(arrow::date32(), "[3]"));
  EXPECT_NE(sum(arrow::list(arrow::int64()), "[[]]"), sum(arrow::list(arrow::int64()), "[null]"));
  EXPECT_NE(sum(arrow::list(arrow::int64()), "[[null]]"), sum(arrow::list(arrow::int64()), "[[]]"));
  EXPECT_NE(sum(arrow::utf8(), R"(["12", "3"])"), sum(arrow::utf8(), R"(["1", "23"])"));
}

TEST(Checksum, FloatsCompareByBitsWithOneNan) {
  arrow::DoubleBuilder one, other, zeros, negative;
  ASSERT_TRUE(one.Append(std::nan("1")).ok() && other.Append(std::nan("2")).ok());
  ASSERT_TRUE(zeros.Append(0.0).ok() && negative.Append(-0.0).ok());
  EXPECT_EQ(Of({one.Finish().ValueOrDie()}), Of({other.Finish().ValueOrDie()}));
  EXPECT_NE(Of({zeros.Finish().ValueOrDie()}), Of({negative.Finish().ValueOrDie()}));
}

TEST(Checksum, MapsHaveNoOrderListsHave) {
  const auto map = arrow::map(arrow::utf8(), arrow::int64());
  EXPECT_EQ(Of({Make(map, R"([[["a", 1], ["b", null]]])")}),
            Of({Make(map, R"([[["b", null], ["a", 1]]])")}));
  EXPECT_NE(Of({Make(map, R"([[["a", 1], ["b", 2]]])")}),
            Of({Make(map, R"([[["a", 2], ["b", 1]]])")}));
  const auto list = arrow::list(arrow::int64());
  EXPECT_NE(Of({Make(list, "[[1, 2]]")}), Of({Make(list, "[[2, 1]]")}));
}

TEST(Checksum, SlicedArraysHashLikeTheirOwnRows) {
  const auto type =
      arrow::struct_({arrow::field("l", arrow::list(arrow::utf8())),
                      arrow::field("m", arrow::map(arrow::int32(), arrow::boolean()))});
  const auto all = Make(type, R"([{"l": ["x"], "m": [[1, true]]}, null, {"l": ["y", null], "m": []},
                                  {"l": null, "m": [[2, false]]}])");
  const auto last =
      Make(type, R"([null, {"l": ["y", null], "m": []}, {"l": null, "m": [[2, false]]}])");
  EXPECT_EQ(Of({all->Slice(1)}), Of({last}));
}

TEST(Checksum, JsonRoundTripsAndRefusesOthers) {
  const Checksum checksum =
      Of({Make(arrow::int64(), "[1, null]"), Make(arrow::utf8(), R"(["a", "b"])")});
  auto back = ChecksumFromJson(ToJson(checksum));
  ASSERT_TRUE(back.has_value());
  EXPECT_EQ(*back, checksum);
  EXPECT_FALSE(ChecksumFromJson(nlohmann::json::parse(R"({"version": 2})")).has_value());
  EXPECT_FALSE(
      ChecksumFromJson(nlohmann::json::parse(R"({"version": 1, "rows": 1, "row_sum": "zz"})"))
          .has_value());
}

TEST(Checksum, SumsAreTheSameInEveryVersionOfTheProgram) {  // ledgers keep them
  const Checksum checksum =
      Of({Make(arrow::int64(), "[1, null, -5]"), Make(arrow::utf8(), R"(["a", "", null])"),
          Make(arrow::decimal128(10, 2), R"(["1.50", "-2.00", null])")});
  EXPECT_EQ(ToJson(checksum).dump(),
            R"({"columns":[[1,"44371d246b89a820"],[1,"b80c66244564c069"],[1,"0a3cb2ec26dc0791"]],)"
            R"("row_sum":"ddfb84a1c7027fcd","rows":3,"version":1})");
}

TEST(Checksum, AnUnknownTypeIsRefusedByName) {
  Hasher hasher;
  const auto batch = arrow::RecordBatch::Make(
      arrow::schema({arrow::field("c", arrow::time32(arrow::TimeUnit::SECOND))}), 1,
      {Make(arrow::time32(arrow::TimeUnit::SECOND), "[1]")});
  const Status status = hasher.Update(*batch);
  ASSERT_FALSE(status.has_value());
  EXPECT_EQ(status.error().code(), "CHECKSUM_TYPE");
}

}  // namespace
}  // namespace mms::migration
