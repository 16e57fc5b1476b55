#include "migration/verify/target_columns.h"

#include <gtest/gtest.h>

#include <string>

namespace mms::migration {
namespace {

using maxcompute::TypeKind;

maxcompute::TableSchema Schema(const std::vector<std::pair<std::string, TypeKind>>& columns) {
  maxcompute::TableSchema schema;
  for (const auto& [name, kind] : columns) {
    maxcompute::Column column;
    column.name = name;
    column.type.kind = kind;
    schema.columns.push_back(std::move(column));
  }
  return schema;
}

const maxcompute::TableSchema kPlanned =
    Schema({{"a", TypeKind::kInt}, {"b", TypeKind::kString}, {"c", TypeKind::kDate}});

std::string Found(const std::vector<std::pair<std::string, TypeKind>>& columns,
                  size_t copied = SIZE_MAX) {
  const auto error = FindOtherColumns(kPlanned, copied, Schema(columns));
  return error ? error->code() + ": " + error->message() : "";
}

TEST(TargetColumns, WhatIsAsItWasOrOnlyHasMoreOrOtherNamesIsCompared) {
  EXPECT_EQ(Found({{"a", TypeKind::kInt}, {"b", TypeKind::kString}, {"c", TypeKind::kDate}}), "");
  EXPECT_EQ(Found({{"A", TypeKind::kInt}, {"B", TypeKind::kString}, {"C", TypeKind::kDate}}), "");
  EXPECT_EQ(Found({{"a", TypeKind::kInt},
                   {"note", TypeKind::kString},
                   {"c", TypeKind::kDate},
                   {"more", TypeKind::kBigint}}),
            "");
}

TEST(TargetColumns, AColumnThatIsGoneIsNamedWhereverItStood) {
  for (const auto& left :
       {Schema({{"b", TypeKind::kString}, {"c", TypeKind::kDate}}),
        Schema({{"b", TypeKind::kString}, {"c", TypeKind::kDate}, {"z", TypeKind::kDate}})}) {
    const auto error = FindOtherColumns(kPlanned, SIZE_MAX, left);
    ASSERT_TRUE(error);
    EXPECT_EQ(error->code(), "TARGET_COLUMN_GONE");
    EXPECT_EQ(error->kind(), ErrorKind::kConflict);
    EXPECT_NE(error->message().find("column a is no longer"), std::string::npos);
  }
  EXPECT_EQ(Found({{"a", TypeKind::kInt}, {"b", TypeKind::kString}}).find("TARGET_COLUMN_GONE"),
            0U);
  EXPECT_EQ(Found({{"a", TypeKind::kInt}, {"b", TypeKind::kString}}, 2), "")
      << "the rows had no third one";
}

TEST(TargetColumns, AnotherTypeOrOrderIsNoDifferenceThatCouldBeSeen) {
  std::string text =
      Found({{"a", TypeKind::kBigint}, {"b", TypeKind::kString}, {"c", TypeKind::kDate}});
  EXPECT_EQ(text.find("TARGET_COLUMN_OTHER: column a is BIGINT at the target, and was INT"), 0U)
      << text;
  text = Found({{"a", TypeKind::kInt}, {"c", TypeKind::kDate}, {"b", TypeKind::kString}});
  EXPECT_EQ(text.find("TARGET_COLUMN_OTHER: column b stands elsewhere"), 0U) << text;
}

}  // namespace
}  // namespace mms::migration
