#include "migration/checksum/partition_hasher.h"

#include <arrow/array.h>
#include <arrow/json/from_string.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>
#include <gtest/gtest.h>

#include <random>

namespace mms::migration {
namespace {

using Batch = std::shared_ptr<arrow::RecordBatch>;

std::shared_ptr<arrow::Array> Make(const std::shared_ptr<arrow::DataType>& type,
                                   const std::string& json) {
  return arrow::json::ArrayFromJSONString(type, json).ValueOrDie();
}

Batch MakeBatch(const arrow::ArrayVector& columns) {
  arrow::FieldVector fields;
  for (const auto& column : columns) fields.push_back(arrow::field("c", column->type()));
  return arrow::RecordBatch::Make(arrow::schema(fields), columns[0]->length(), columns);
}

Checksum Of(const arrow::ArrayVector& columns, size_t row_columns = SIZE_MAX) {
  Hasher hasher(row_columns);
  EXPECT_TRUE(hasher.Update(*MakeBatch(columns)));
  return hasher.checksum();
}

TEST(PartitionHasher, RowsOfAPartitionMayStandAnywhere) {
  const auto type = arrow::int64();
  PartitionHasher hasher(1, SIZE_MAX);
  ASSERT_TRUE(hasher.Update(
      *MakeBatch({Make(arrow::utf8(), R"(["a", "a", "b", "a"])"), Make(type, "[1, null, 3, 4]"),
                  Make(arrow::utf8(), R"(["x", null, "", "y"])")})));
  ASSERT_TRUE(
      hasher.Update(*MakeBatch({Make(arrow::utf8(), R"(["b", "c"])"), Make(type, "[5, null]"),
                                Make(arrow::utf8(), R"([null, null])")})));
  const PartitionChecksums wanted = {
      {{"a"}, Of({Make(type, "[4, null, 1]"), Make(arrow::utf8(), R"(["y", null, "x"])")})},
      {{"b"}, Of({Make(type, "[3, 5]"), Make(arrow::utf8(), R"(["", null])")})},
      {{"c"}, Of({Make(type, "[null]"), Make(arrow::utf8(), R"([null])")})}};
  EXPECT_EQ(hasher.checksums(), wanted);
}

TEST(PartitionHasher, LevelsAreToldApartWhateverTheirValuesHold) {
  PartitionHasher hasher(2, SIZE_MAX);
  ASSERT_TRUE(hasher.Update(*MakeBatch({Make(arrow::utf8(), R"(["a/b", "a", "a'", ""])"),
                                        Make(arrow::utf8(), R"(["c", "b/c", "=,", ""])"),
                                        Make(arrow::int64(), "[1, 2, 3, 4]")})));
  ASSERT_EQ(hasher.checksums().size(), 4u);
  EXPECT_EQ(hasher.checksums().at({"a/b", "c"}), Of({Make(arrow::int64(), "[1]")}));
  EXPECT_EQ(hasher.checksums().at({"a", "b/c"}), Of({Make(arrow::int64(), "[2]")}));
}

TEST(PartitionHasher, RangesMergeToWhatOneStreamGives) {
  const unsigned seed = std::random_device{}();
  std::mt19937 random(seed);
  PartitionHasher whole(1, 1);
  PartitionChecksums merged;
  for (int range = 0; range < 5; ++range) {
    std::string keys;
    std::string values;
    for (int i = 0; i < 200; ++i) {
      keys += (i > 0 ? ", \"p" : "\"p") + std::to_string(random() % 7) + "\"";
      values += (i > 0 ? ", " : "") + (random() % 5 == 0 ? "null" : std::to_string(random() % 100));
    }
    const Batch batch =
        MakeBatch({Make(arrow::utf8(), "[" + keys + "]"), Make(arrow::int32(), "[" + values + "]"),
                   Make(arrow::int64(), "[" + values + "]")});
    PartitionHasher part(1, 1);
    ASSERT_TRUE(part.Update(*batch));
    ASSERT_TRUE(whole.Update(*batch));
    Merge(part.checksums(), &merged);
  }
  EXPECT_EQ(merged, whole.checksums()) << "seed " << seed;
}

TEST(PartitionHasher, SlicedBatchesAndFewerRowColumnsHashAsTheyDoAlone) {
  const arrow::ArrayVector columns = {Make(arrow::utf8(), R"(["z", "a", "a", "b", "z"])"),
                                      Make(arrow::int64(), "[9, 1, 2, null, 9]"),
                                      Make(arrow::int64(), "[9, null, null, 7, 9]")};
  PartitionHasher hasher(1, 1);
  ASSERT_TRUE(hasher.Update(*MakeBatch(columns)->Slice(1, 3)));
  const PartitionChecksums wanted = {
      {{"a"}, Of({Make(arrow::int64(), "[1, 2]"), Make(arrow::int64(), "[null, null]")}, 1)},
      {{"b"}, Of({Make(arrow::int64(), "[null]"), Make(arrow::int64(), "[7]")}, 1)}};
  EXPECT_EQ(hasher.checksums(), wanted);
}

TEST(PartitionHasher, ARowThatDoesNotSayItsPartitionIsRefused) {
  for (const Batch& batch : {MakeBatch({Make(arrow::utf8(), R"(["a", null])")}),
                             MakeBatch({Make(arrow::int64(), "[1]")})}) {
    const Status status = PartitionHasher(1, SIZE_MAX).Update(*batch);
    ASSERT_FALSE(status);
    EXPECT_EQ(status.error().code(), "READ_BACK_PARTITION");
  }
  EXPECT_FALSE(PartitionHasher(2, SIZE_MAX).Update(*MakeBatch({Make(arrow::utf8(), "[]")})));
}

}  // namespace
}  // namespace mms::migration
