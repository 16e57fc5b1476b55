#include "migration/transfer/value_changes.h"

#include <gtest/gtest.h>

namespace mms::migration {
namespace {

TEST(ValueChanges, ComeBackFromTheirTextExactly) {
  EXPECT_EQ(ToText(ValueChanges{}), "");
  EXPECT_TRUE(ValueChangesFromText("")->empty());
  ValueChanges changes;
  changes.record_blocks = 2;
  changes.Add("a", {1, 0, 0, 0, 1LL << 40});
  changes.Add("untouched", {});
  EXPECT_EQ(changes.columns.size(), 1U);
  EXPECT_EQ(
      ToText(changes),
      R"({"columns":{"a":{"cut":1,"null_timestamp_range":1099511627776}},"record_blocks":2})");
  EXPECT_EQ(*ValueChangesFromText(ToText(changes)), changes);
}

TEST(ValueChanges, PartsAddUpByColumn) {
  ValueChanges sum, part;
  part.Add("a", {1, 2, 3, 4, 5});
  part.record_blocks = 1;
  sum.Merge(part);
  sum.Merge(part);
  EXPECT_EQ(sum.columns.at("a"), (ChangeCounts{2, 4, 6, 8, 10}));
  EXPECT_EQ(sum.record_blocks, 2);
}

TEST(ValueChanges, AnUnknownKindIsRefusedNotDropped) {
  for (const char* text :
       {"{", "[]", R"({"record_blocks":0})", R"({"record_blocks":0,"columns":{"a":{"odd":1}}})"}) {
    const auto changes = ValueChangesFromText(text);
    ASSERT_FALSE(changes.has_value()) << text;
    EXPECT_EQ(changes.error().code(), "CHANGES_INVALID");
  }
}

}  // namespace
}  // namespace mms::migration
