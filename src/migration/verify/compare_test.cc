#include "migration/verify/compare.h"

#include <gtest/gtest.h>

namespace mms::migration {
namespace {

Checksum Sum(int64_t rows, std::vector<ColumnChecksum> columns, uint64_t row_sum = 77) {
  Checksum checksum;
  checksum.rows = rows;
  checksum.row_sum = row_sum;
  checksum.columns = std::move(columns);
  return checksum;
}

Claim ClaimOf(const Checksum& checksum) {
  return {"ds=2026-01-01", checksum.rows, checksum, {"id", "name", "price"}};
}

const std::vector<ColumnChecksum> kColumns = {{0, 11}, {2, 22}, {0, 33}};

TEST(Compare, EqualSumsMatchAndSayNothing) {
  const auto comparison = CompareChecksums(ClaimOf(Sum(5, kColumns)), Sum(5, kColumns));
  EXPECT_EQ(comparison.verdict, Verdict::kMatch);
  EXPECT_EQ(comparison.rows_target, 5);
  EXPECT_EQ(comparison.difference, "");
  EXPECT_NE(comparison.target_checksum, "");
}

TEST(Compare, AnotherNumberOfRowsIsNamedWithBothCounts) {
  const auto comparison = CompareChecksums(ClaimOf(Sum(5, kColumns)), Sum(4, kColumns));
  EXPECT_EQ(comparison.verdict, Verdict::kMismatch);
  EXPECT_EQ(comparison.difference,
            "partition ds=2026-01-01: 5 rows at the source, 4 at the target");
}

TEST(Compare, AColumnAddedSinceMustBeNullInEveryRow) {
  std::vector<ColumnChecksum> wider = kColumns;
  wider.push_back({5, 44});
  const Claim claim = ClaimOf(Sum(5, kColumns));
  EXPECT_EQ(CompareChecksums(claim, Sum(5, wider)).verdict, Verdict::kMatch);
  wider.back().nulls = 4;
  const auto comparison = CompareChecksums(claim, Sum(5, wider));
  EXPECT_EQ(comparison.verdict, Verdict::kMismatch);
  EXPECT_NE(comparison.difference.find("column 4 was added"), std::string::npos)
      << comparison.difference;
}

TEST(Compare, ColumnsThatDifferAreNamedWithTheirNulls) {
  const auto target = Sum(5, {{0, 11}, {1, 22}, {0, 34}}, 78);
  const auto comparison = CompareChecksums(ClaimOf(Sum(5, kColumns)), target);
  EXPECT_EQ(comparison.verdict, Verdict::kMismatch);
  EXPECT_EQ(comparison.difference,
            "partition ds=2026-01-01: 5 rows on both sides; values differ in columns name "
            "(2 nulls at the source, 1 at the target), price");
}

TEST(Compare, ValuesThatChangedRowsAreFoundThoughEveryColumnIsRight) {
  const auto comparison = CompareChecksums(ClaimOf(Sum(5, kColumns)), Sum(5, kColumns, 78));
  EXPECT_EQ(comparison.verdict, Verdict::kMismatch);
  EXPECT_NE(comparison.difference.find("joined into other rows"), std::string::npos);
}

TEST(Compare, AnotherNumberOfColumnsIsAMismatch) {
  const auto comparison = CompareChecksums(ClaimOf(Sum(5, kColumns)), Sum(5, {{0, 11}, {2, 22}}));
  EXPECT_EQ(comparison.verdict, Verdict::kMismatch);
  EXPECT_NE(comparison.difference.find("3 columns were copied, the target gives 2"),
            std::string::npos);
}

TEST(Compare, AnEmptyPartitionMatchesWhoeverCountedItsColumns) {
  EXPECT_EQ(CompareChecksums({"", 0, Checksum{}, {}}, Checksum{}).verdict, Verdict::kMatch);
  EXPECT_EQ(CompareChecksums({"", 0, Sum(0, {{0, 0}}, 0), {}}, Checksum{}).verdict,
            Verdict::kMatch);
  EXPECT_EQ(CompareChecksums({"", 0, Checksum{}, {}}, Sum(1, {})).verdict, Verdict::kMismatch);
}

TEST(Compare, WithoutASourceChecksumRowsThatAreAsManyProveNothing) {
  const Claim claim{"ds=1", 5, std::nullopt, {}};
  auto comparison = CompareChecksums(claim, Sum(5, {}));
  EXPECT_EQ(comparison.verdict, Verdict::kNotComparable);
  EXPECT_EQ(comparison.rows_target, 5);
  EXPECT_EQ(comparison.difference.find("partition ds=1: 5 rows on both sides; their values cannot"),
            0U)
      << comparison.difference;
  comparison = CompareChecksums(claim, Sum(4, {}));
  EXPECT_EQ(comparison.verdict, Verdict::kMismatch) << "that much can be seen";
  EXPECT_EQ(CompareChecksums({"", 0, std::nullopt, {}}, Sum(0, {})).verdict, Verdict::kMatch);
}

TEST(Compare, WhatCannotBeComparedSaysWhyAndHowManyRowsThereAreIfThatIsKnown) {
  const Claim claim{"ds=1", 5, std::nullopt, {}};
  auto comparison = NotComparable(claim, std::nullopt, "why");
  EXPECT_EQ(comparison.verdict, Verdict::kNotComparable);
  EXPECT_EQ(comparison.rows_target, std::nullopt);
  EXPECT_EQ(comparison.difference, "partition ds=1: 5 rows were copied; why");
  comparison = NotComparable(claim, 6, "why");
  EXPECT_EQ(comparison.verdict, Verdict::kMismatch);
  EXPECT_EQ(ValuesDiffer(claim, "what").difference, "partition ds=1: 5 rows on both sides; what");
}

TEST(Compare, ManyDifferingColumnsAreCountedNotListed) {
  Checksum source = Sum(1, {}), target = Sum(1, {});
  for (uint64_t i = 0; i < 15; ++i) {
    source.columns.push_back({0, i});
    target.columns.push_back({0, i + 100});
  }
  const auto comparison = CompareChecksums({"", 1, source, {}}, target);
  EXPECT_NE(comparison.difference.find("column 10 and 5 more"), std::string::npos)
      << comparison.difference;
}

TEST(Compare, WhatIsNotAtTheTargetIsMissingWithUnknownRows) {
  const auto comparison = NotAtTarget({"ds=1", 3, std::nullopt, {}}, ComparedBy::kChecksum);
  EXPECT_EQ(comparison.verdict, Verdict::kMissing);
  EXPECT_EQ(comparison.rows_target, std::nullopt);
  EXPECT_EQ(comparison.difference, "partition ds=1: not at the target; 3 rows were copied");
}

UnitRecord Compared(const Ledger::Comparison& comparison) {
  UnitRecord unit;
  unit.verdict = comparison.verdict;
  unit.compared_by = comparison.by;
  unit.target_checksum = comparison.target_checksum;
  unit.difference = comparison.difference;
  unit.rows_target = comparison.rows_target;
  return unit;
}

TEST(Compare, ValuesThatDifferStaySoWhateverIsCounted) {
  const Claim claim = ClaimOf(Sum(5, kColumns));
  UnitRecord unit = Compared(CompareChecksums(claim, Sum(5, {{0, 11}, {2, 22}, {0, 34}}, 78)));
  const std::string differs = unit.difference;
  for (const auto& now : {CompareRows(claim, 5), CompareCounts(claim, 5, 5), CompareRows(claim, 4),
                          CompareRows(claim, 5), NotComparable(claim, 5, "no source")}) {
    const auto after = AfterEarlier(unit, now);
    EXPECT_EQ(after.verdict, Verdict::kMismatch);
    EXPECT_TRUE(UsesChecksum(after.by));
    EXPECT_EQ(after.rows_target, now.rows_target);
    EXPECT_EQ(after.target_checksum, unit.target_checksum);
    EXPECT_EQ(after.difference, differs + "; no count lifts that: since then " +
                                    std::to_string(*now.rows_target) +
                                    " rows at the target; compare by checksum, or copy it again");
    unit = Compared(after);
  }
  const auto gone = AfterEarlier(unit, NotAtTarget(claim, ComparedBy::kCount));
  EXPECT_EQ(gone.verdict, Verdict::kMissing);
  EXPECT_EQ(gone.target_checksum, "");
  const auto again = AfterEarlier(unit, CompareChecksums(claim, Sum(5, kColumns)));
  EXPECT_EQ(again.verdict, Verdict::kMatch);
  EXPECT_EQ(again.by, ComparedBy::kChecksum);
}

TEST(Compare, ACountThatAgreesLeavesAMatchOfValuesAndSaysThatItCounted) {
  const Claim claim = ClaimOf(Sum(5, kColumns));
  const UnitRecord unit = Compared(CompareChecksums(claim, Sum(5, kColumns)));
  const auto counted = AfterEarlier(unit, CompareRows(claim, 5));
  EXPECT_EQ(counted.verdict, Verdict::kMatch);
  EXPECT_EQ(counted.by, ComparedBy::kChecksumThenCount);
  EXPECT_EQ(counted.target_checksum, unit.target_checksum);
  const auto both = AfterEarlier(Compared(counted), CompareCounts(claim, 5, 5));
  EXPECT_EQ(both.by, ComparedBy::kChecksumThenCountBoth);
  const auto fewer = AfterEarlier(unit, CompareRows(claim, 4));
  EXPECT_EQ(fewer.verdict, Verdict::kMismatch);
  EXPECT_EQ(fewer.by, ComparedBy::kCount);
  EXPECT_EQ(fewer.target_checksum, "");
  EXPECT_EQ(AfterEarlier(Compared(CompareRows(claim, 5)), CompareRows(claim, 5)).by,
            ComparedBy::kCount);
}

}  // namespace
}  // namespace mms::migration
