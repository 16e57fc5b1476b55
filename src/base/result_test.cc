#include "base/result.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>

namespace mms {
namespace {

Result<int> Parse(const std::string& text) {
  if (text.empty()) return Error(ErrorKind::kInvalidInput, "EMPTY", "no text");
  return static_cast<int>(text.size());
}

Result<std::string> Twice(const std::string& text) {
  TRY(const int size, Parse(text));
  TRY(const int again, Parse(text));
  return std::string(static_cast<size_t>(size + again), '.');
}

Status Check(bool good) {
  if (!good) return Error(ErrorKind::kConflict, "BAD", "not good");
  return OkStatus();
}

Status CheckBoth(bool first, bool second) {
  TRY_VOID(Check(first));
  TRY_VOID(Check(second));
  return OkStatus();
}

TEST(Result, HoldsAValueOrAnError) {
  Result<int> good = Parse("abc");
  ASSERT_TRUE(good.has_value());
  EXPECT_EQ(*good, 3);
  Result<int> bad = Parse("");
  ASSERT_FALSE(bad);
  EXPECT_EQ(bad.error().code(), "EMPTY");
}

TEST(Result, TryPassesValuesOnAndErrorsUp) {
  EXPECT_EQ(*Twice("ab"), "....");
  EXPECT_EQ(Twice("").error().code(), "EMPTY");
  EXPECT_TRUE(CheckBoth(true, true));
  EXPECT_EQ(CheckBoth(true, false).error().kind(), ErrorKind::kConflict);
}

TEST(Result, MovesWhatCannotBeCopied) {
  Result<std::unique_ptr<int>> result(std::make_unique<int>(5));
  const std::unique_ptr<int> taken = *std::move(result);
  EXPECT_EQ(*taken, 5);
}

TEST(Result, ConstResultsCanBeRead) {
  const Result<std::string> result(std::string("text"));
  EXPECT_EQ(result->size(), 4u);
  EXPECT_EQ(*result, "text");
}

TEST(ResultDeathTest, ReadingTheWrongSideStopsTheProcess) {
  EXPECT_DEATH((void)*Parse(""), "CHECK failed");
  EXPECT_DEATH((void)Parse("x").error(), "CHECK failed");
}

TEST(Error, NamesItsObjectsFromTheOutside) {
  Error error(ErrorKind::kNotFound, "NO_TABLE", "it is not there");
  Error placed = std::move(error).At("column b").At("table a");
  EXPECT_EQ(placed.where(), "table a: column b");
  EXPECT_EQ(placed.ToString(), "table a: column b: it is not there [NO_TABLE]");
}

TEST(Error, OnlyThrottledAndUnavailableMayPass) {
  int transient = 0;
  for (int kind = 0; kind <= static_cast<int>(ErrorKind::kInternal); ++kind) {
    transient += IsTransient(static_cast<ErrorKind>(kind)) ? 1 : 0;
    EXPECT_FALSE(KindName(static_cast<ErrorKind>(kind)).empty());
  }
  EXPECT_EQ(transient, 2);
  EXPECT_TRUE(IsTransient(ErrorKind::kThrottled));
  EXPECT_TRUE(IsTransient(ErrorKind::kUnavailable));
}

}  // namespace
}  // namespace mms
