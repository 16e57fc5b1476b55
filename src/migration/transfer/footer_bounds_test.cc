#include "migration/transfer/footer_bounds.h"

#include <arrow/array.h>
#include <arrow/io/memory.h>
#include <arrow/json/from_string.h>
#include <arrow/table.h>
#include <arrow/type.h>
#include <arrow/util/key_value_metadata.h>
#include <gtest/gtest.h>
#include <parquet/arrow/writer.h>
#include <parquet/metadata.h>
#include <parquet/properties.h>

namespace mms::migration {
namespace {

using TypePtr = std::shared_ptr<arrow::DataType>;

constexpr int64_t kDayMicros = 86'400'000'000;

std::shared_ptr<arrow::Field> WithId(const std::string& name, const TypePtr& type, int id) {
  return arrow::field(name, type)
      ->WithMetadata(arrow::key_value_metadata({{"PARQUET:field_id", std::to_string(id)}}));
}

struct FileColumn {
  std::shared_ptr<arrow::Field> field;
  std::string values;  ///< a JSON list
};

struct FileOptions {
  int64_t group_rows = 1024;
  bool int96 = false;
  bool dictionary = true;
  std::shared_ptr<arrow::KeyValueMetadata> footer = nullptr;
};

/// The bytes of a Parquet file.
std::shared_ptr<arrow::Buffer> FileOf(const std::vector<FileColumn>& columns,
                                      const FileOptions& options = {}) {
  arrow::FieldVector fields;
  arrow::ArrayVector arrays;
  for (const FileColumn& column : columns) {
    fields.push_back(column.field);
    arrays.push_back(
        arrow::json::ArrayFromJSONString(column.field->type(), column.values).ValueOrDie());
  }
  const auto table = arrow::Table::Make(arrow::schema(fields, options.footer), arrays);
  auto out = arrow::io::BufferOutputStream::Create().ValueOrDie();
  parquet::WriterProperties::Builder properties;
  if (!options.dictionary) properties.disable_dictionary();
  parquet::ArrowWriterProperties::Builder arrow_properties;
  if (options.footer) arrow_properties.store_schema();  // and its metadata with it
  if (options.int96) arrow_properties.enable_deprecated_int96_timestamps();
  const arrow::Status written =
      parquet::arrow::WriteTable(*table, arrow::default_memory_pool(), out, options.group_rows,
                                 properties.build(), arrow_properties.build());
  EXPECT_TRUE(written.ok()) << written;
  return out->Finish().ValueOrDie();
}

/// Reads of `bytes` through ReadFooter.
Result<Footer> Read(const std::shared_ptr<arrow::Buffer>& bytes) {
  arrow::io::BufferReader file(bytes);
  return ReadFooter(file, bytes->size(), "f.parquet");
}

LeafBounds Bounds(const std::shared_ptr<arrow::Buffer>& bytes, const TablePlan& plan,
                  const LeafPath& leaf) {
  const auto footer = Read(bytes);
  EXPECT_TRUE(footer.has_value()) << footer.error().ToString();
  const auto bounds = BoundsOf(*footer->metadata, plan, {leaf});
  EXPECT_TRUE(bounds.has_value()) << bounds.error().ToString();
  return bounds ? bounds->at(0) : LeafBounds();
}

TablePlan PlanOf(const arrow::FieldVector& fields) {
  TablePlan plan;
  plan.physical = arrow::schema(fields);
  return plan;
}

/// Of the only column of a file, which is of the table's type.
LeafBounds BoundsOfColumn(const TypePtr& type, const std::string& values,
                          const FileOptions& options = {}) {
  const auto field = arrow::field("c", type);
  return Bounds(FileOf({{field, values}}, options), PlanOf({field}), {0});
}

const TypePtr kMicros = arrow::timestamp(arrow::TimeUnit::MICRO, "UTC");

TEST(FooterBounds, DaysAndInstantsAreThoseOfAllRowGroups) {
  const LeafBounds days = BoundsOfColumn(arrow::date32(), "[5, -3, null, 9]", {.group_rows = 1});
  EXPECT_TRUE(days.covers_all);
  EXPECT_EQ(days.low, (Instant{-3, 0}));
  EXPECT_EQ(days.high, (Instant{9, 0}));
  for (const auto unit : {arrow::TimeUnit::MILLI, arrow::TimeUnit::MICRO, arrow::TimeUnit::NANO}) {
    // A millisecond before 1970, and one in it.
    const std::string one = unit == arrow::TimeUnit::MILLI   ? "1"
                            : unit == arrow::TimeUnit::MICRO ? "1000"
                                                             : "1000000";
    const LeafBounds bounds =
        BoundsOfColumn(arrow::timestamp(unit, ""), "[" + one + ", -" + one + "]");
    EXPECT_TRUE(bounds.covers_all);
    EXPECT_EQ(bounds.low, (Instant{-1, 86'399'999'000'000}));
    EXPECT_EQ(bounds.high, (Instant{0, 1'000'000}));
  }
}

TEST(FooterBounds, NothingButNullIsCoveredWithoutBounds) {
  const LeafBounds nulls = BoundsOfColumn(arrow::date32(), "[null, null]");
  EXPECT_TRUE(nulls.covers_all);
  EXPECT_FALSE(nulls.low);
  const LeafBounds none = BoundsOfColumn(arrow::date32(), "[]");
  EXPECT_TRUE(none.covers_all);
  EXPECT_FALSE(none.high);
}

TEST(FooterBounds, Int96HasNoStatisticsAndNothingIsClaimed) {
  const LeafBounds bounds = BoundsOfColumn(kMicros, "[0, 1]", {.int96 = true});
  EXPECT_FALSE(bounds.covers_all);
  EXPECT_FALSE(bounds.low);
}

TEST(FooterBounds, FieldsOfStructsListsAndMapsAreFound) {
  const auto inner =
      arrow::struct_({arrow::field("n", arrow::int64()), arrow::field("at", kMicros)});
  const auto list = arrow::field("l", arrow::list(inner));
  const auto map = arrow::field("m", arrow::map(arrow::date32(), arrow::date32()));
  const auto bytes = FileOf({{list, R"([[{"n": 1, "at": 7}, {"n": 1, "at": 3}], [], null])"},
                             {map, "[[[1, 2]], [[3, 4]], null]"}});
  const TablePlan plan = PlanOf({map, list});
  EXPECT_EQ(Bounds(bytes, plan, {1, 0, 1}).low, (Instant{0, 3000}));
  EXPECT_EQ(Bounds(bytes, plan, {1, 0, 1}).high, (Instant{0, 7000}));
  EXPECT_EQ(Bounds(bytes, plan, {0, 0}).high, (Instant{3, 0}));
  EXPECT_EQ(Bounds(bytes, plan, {0, 1}).low, (Instant{2, 0}));
}

TEST(FooterBounds, AFieldThatTheFileLacksIsNullAndOneOfAnotherShapeIsUnknown) {
  const auto bytes = FileOf({{arrow::field("a", arrow::date32()), "[1]"}});
  const TablePlan plan = PlanOf({arrow::field("later", arrow::date32()),
                                 arrow::field("a", arrow::struct_({arrow::field("x", kMicros)}))});
  const LeafBounds absent = Bounds(bytes, plan, {0});
  EXPECT_TRUE(absent.covers_all);
  EXPECT_EQ(absent.bytes_max, 0);
  EXPECT_FALSE(absent.low);
  EXPECT_FALSE(Bounds(bytes, plan, {1, 0}).covers_all);
}

TEST(FooterBounds, FieldsAreMatchedAsTheReaderMatchesThem) {
  const auto bytes = FileOf(
      {{WithId("old", arrow::date32(), 7), "[1]"}, {WithId("New", arrow::date32(), 8), "[2]"}});
  TablePlan plan = PlanOf({WithId("new", arrow::date32(), 7)});
  EXPECT_FALSE(Bounds(bytes, plan, {0}).low) << "by name, with its case: absent";
  plan.column_mapping = "id";
  EXPECT_EQ(Bounds(bytes, plan, {0}).low, (Instant{1, 0}));
  plan.format = "parquet";
  EXPECT_EQ(Bounds(bytes, plan, {0}).low, (Instant{2, 0})) << "in any case";
}

TEST(FooterBounds, DaysOfTheOldCalendarAreThoseTheReaderGives) {
  FileOptions options;
  options.footer = arrow::key_value_metadata({{"org.apache.spark.version", "2.4.0"}});
  const LeafBounds days = BoundsOfColumn(arrow::date32(), "[-719164, 20000]", options);
  EXPECT_TRUE(days.covers_all);
  EXPECT_EQ(days.low, (Instant{-719162, 0})) << "0001-01-01 was two days later in it";
  EXPECT_EQ(days.high, (Instant{20000, 0}));
  const std::string late = std::to_string(20000 * kDayMicros);
  EXPECT_TRUE(BoundsOfColumn(kMicros, "[0, " + late + "]", options).covers_all);
  const LeafBounds early = BoundsOfColumn(
      kMicros, "[" + std::to_string(-200'000 * kDayMicros) + ", " + late + "]", options);
  EXPECT_FALSE(early.covers_all) << "before 1900 it depends on the writer's zone";
  EXPECT_FALSE(early.low);
  EXPECT_EQ(early.high, (Instant{20000, 0}));
}

TEST(FooterBounds, NoTextIsLongerThanItsChunk) {
  const std::string text(100'000, 'x');
  const std::string values = "[\"" + text + "\", \"" + text + "\", \"a\"]";
  for (const bool dictionary : {true, false}) {
    const LeafBounds bounds = BoundsOfColumn(arrow::utf8(), values, {.dictionary = dictionary});
    ASSERT_TRUE(bounds.bytes_max);
    EXPECT_GE(*bounds.bytes_max, 100'000);
    EXPECT_LT(*bounds.bytes_max, 250'000);
    EXPECT_FALSE(bounds.covers_all) << "text has no instants";
  }
}

TEST(FooterBounds, AFooterTakesOneReadOrTwo) {
  const auto small = Read(FileOf({{arrow::field("c", arrow::date32()), "[1]"}}));
  ASSERT_TRUE(small.has_value()) << small.error().ToString();
  EXPECT_EQ(small->requests, 1);
  std::vector<FileColumn> columns;
  for (int i = 0; i < 1000; ++i) {
    columns.push_back({arrow::field("column_" + std::to_string(i), arrow::date32()), "[1]"});
  }
  const auto bytes = FileOf(columns);
  const auto large = Read(bytes);
  ASSERT_TRUE(large.has_value()) << large.error().ToString();
  EXPECT_EQ(large->requests, 2);
  EXPECT_GT(large->bytes, 64 << 10);
  EXPECT_EQ(large->metadata->num_columns(), 1000);
}

TEST(FooterBounds, WhatIsNoParquetFileIsNamed) {
  const auto whole = FileOf({{arrow::field("c", arrow::date32()), "[1]"}});
  const std::string good(reinterpret_cast<const char*>(whole->data()),
                         static_cast<size_t>(whole->size()));
  std::string long_footer = good;
  long_footer.replace(good.size() - 8, 4, "\xff\xff\xff\x7f");
  std::string broken = good;
  for (size_t i = good.size() - 60; i < good.size() - 8; ++i) broken[i] = '\xff';
  for (const std::string& text :
       {std::string(), std::string("PAR1"), good.substr(0, good.size() - 1), long_footer, broken}) {
    const auto read = Read(arrow::Buffer::FromString(text));
    ASSERT_FALSE(read.has_value());
    EXPECT_EQ(read.error().code(), "FILE_UNREADABLE");
    EXPECT_NE(read.error().ToString().find("f.parquet"), std::string::npos);
  }
}

}  // namespace
}  // namespace mms::migration
