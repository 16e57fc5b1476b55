#include "migration/inspect/reading_choice.h"

#include <gtest/gtest.h>

#include "migration/inspect/refusal.h"

namespace mms::migration {
namespace {

databricks::Table MakeTable(const std::string& type, const std::string& format) {
  databricks::Table table;
  table.catalog = "main";
  table.schema = "s";
  table.name = "t";
  table.table_type = type;
  table.data_source_format = format;
  table.storage_location = "abfss://c@a.dfs.core.windows.net/t";
  table.columns.resize(1);
  table.columns[0].name = "id";
  return table;
}

SourceTable Choose(const databricks::Table& table, ReadingChoice choice) {
  SourceTable source = MakeSourceTable(table);
  ChooseReading(table, choice, &source);
  return source;
}

constexpr ReadingChoice kSql{true, false, false};

TEST(ReadingChoice, DeltaStaysWithItsFilesUnlessAllIsWantedBySql) {
  const auto delta = MakeTable("MANAGED", "DELTA");
  EXPECT_FALSE(Choose(delta, kSql).by_sql);
  EXPECT_FALSE(Choose(delta, {}).refusal);
  EXPECT_TRUE(Choose(delta, {true, true, false}).by_sql);
}

TEST(ReadingChoice, WhatHasNoReadableFilesGoesBySqlWhereItCanRun) {
  for (const char* type : {"STREAMING_TABLE", "MATERIALIZED_VIEW", "FOREIGN"}) {
    const auto table = MakeTable(type, "DELTA");
    const SourceTable by_sql = Choose(table, kSql);
    EXPECT_TRUE(by_sql.by_sql && !by_sql.refusal) << type;
    const SourceTable refused = Choose(table, {});
    ASSERT_TRUE(refused.refusal) << type;
    EXPECT_EQ(refused.refusal->code(), "TABLE_KIND_UNSUPPORTED");
    EXPECT_NE(refused.refusal->message().find("source.warehouse"), std::string::npos);
    EXPECT_EQ(refused.refusal->where(), "table main.s.t");
  }
}

TEST(ReadingChoice, ARowFilterOrAMaskIsToldOf) {
  auto table = MakeTable("MANAGED", "DELTA");
  table.row_filtered = true;
  table.columns[0].masked = true;
  const SourceTable source = Choose(table, kSql);
  EXPECT_TRUE(source.by_sql);
  EXPECT_EQ(source.warnings.size(), 2u);
}

TEST(ReadingChoice, AViewIsReadOnlyWhenItIsAskedFor) {
  const auto view = MakeTable("VIEW", "");
  const SourceTable refused = Choose(view, {true, true, false});
  ASSERT_TRUE(refused.refusal);
  EXPECT_NE(refused.refusal->message().find("views: true"), std::string::npos);
  EXPECT_TRUE(Choose(view, {true, false, true}).by_sql);
  EXPECT_TRUE(Choose(view, {false, false, true}).refusal);
}

TEST(ReadingChoice, WhatMayOnlyBeBrowsedIsRefusedEitherWay) {
  auto table = MakeTable("MANAGED", "DELTA");
  table.browse_only = true;
  EXPECT_TRUE(Choose(table, {true, true, true}).refusal);
}

}  // namespace
}  // namespace mms::migration
