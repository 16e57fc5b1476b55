#include "clients/maxcompute/calls.h"

#include <gtest/gtest.h>

#include <set>

namespace mms::maxcompute {
namespace {

TEST(Calls, EachHasItsOwnRuleAndName) {
  std::set<std::string_view> names;
  for (const CallRule& rule : AllCalls()) {
    EXPECT_EQ(&RuleOf(rule.kind), &rule);
    EXPECT_TRUE(names.insert(rule.name).second) << rule.name;
  }
  EXPECT_EQ(names.size(), static_cast<size_t>(CallKind::kReadInstanceRows) + 1);
}

TEST(Calls, OnlyWhatIsHarmlessTwiceIsRepeatedFreely) {
  for (const CallRule& rule : AllCalls()) {
    const bool harmless = rule.lost_answer == LostAnswer::kChangesNothing ||
                          rule.lost_answer == LostAnswer::kSameEnd ||
                          rule.lost_answer == LostAnswer::kLeftToExpire;
    EXPECT_TRUE(harmless || rule.repeat != Repeat::kFreely) << rule.name;
  }
}

}  // namespace
}  // namespace mms::maxcompute
