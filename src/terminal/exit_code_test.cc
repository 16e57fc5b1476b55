#include "terminal/exit_code.h"

#include <gtest/gtest.h>

namespace mms::terminal {
namespace {

migration::RunSummary Summary(int64_t done, int64_t refused, int64_t failed, int64_t mismatched) {
  migration::RunSummary summary;
  summary.done = done;
  summary.refused = refused;
  summary.failed = failed;
  summary.mismatched = mismatched;
  summary.tables = done + refused + failed + mismatched;
  return summary;
}

TEST(ExitCode, EachKindOfErrorHasItsDocumentedNumber) {
  const std::pair<ErrorKind, int> cases[] = {
      {ErrorKind::kInvalidInput, 3}, {ErrorKind::kNotFound, 3},     {ErrorKind::kDenied, 3},
      {ErrorKind::kConflict, 3},     {ErrorKind::kUnsupported, 4},  {ErrorKind::kThrottled, 5},
      {ErrorKind::kUnavailable, 5},  {ErrorKind::kLimitReached, 8}, {ErrorKind::kCancelled, 130},
      {ErrorKind::kCorrupt, 1},      {ErrorKind::kInternal, 1},
  };
  for (const auto& [kind, code] : cases) {
    EXPECT_EQ(static_cast<int>(ExitCodeOf(kind)), code) << KindName(kind);
  }
}

TEST(ExitCode, ARunWithoutTroubleIsZero) {
  EXPECT_EQ(ExitCodeOf(Summary(3, 0, 0, 0), {}), ExitCode::kDone);
}

TEST(ExitCode, RefusedTablesAloneBlockThePlan) {
  EXPECT_EQ(ExitCodeOf(Summary(3, 1, 0, 0), {}), ExitCode::kPlanBlocked);
}

TEST(ExitCode, AFailureOutweighsARefusalAndADifferenceOutweighsBoth) {
  EXPECT_EQ(ExitCodeOf(Summary(3, 1, 1, 0), {ErrorKind::kDenied}), ExitCode::kTasksFailed);
  EXPECT_EQ(ExitCodeOf(Summary(3, 1, 1, 1), {ErrorKind::kDenied}), ExitCode::kMismatch);
}

TEST(ExitCode, WhenEveryTableFellToOneCauseTheCodeNamesTheCause) {
  using Kinds = std::vector<ErrorKind>;
  EXPECT_EQ(ExitCodeOf(Summary(0, 0, 2, 0), Kinds{ErrorKind::kDenied, ErrorKind::kNotFound}),
            ExitCode::kConfiguration);
  EXPECT_EQ(ExitCodeOf(Summary(0, 1, 1, 0), Kinds{ErrorKind::kUnavailable}), ExitCode::kTransient);
  EXPECT_EQ(ExitCodeOf(Summary(0, 0, 2, 0), Kinds{ErrorKind::kDenied, ErrorKind::kUnavailable}),
            ExitCode::kTasksFailed);
  EXPECT_EQ(ExitCodeOf(Summary(1, 0, 1, 0), Kinds{ErrorKind::kDenied}), ExitCode::kTasksFailed);
}

}  // namespace
}  // namespace mms::terminal
