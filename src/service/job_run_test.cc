#include "service/job_run.h"

#include <gtest/gtest.h>

namespace mms::service {
namespace {

TEST(WaitBeforeRetry, GrowsAndEndsAfterThreeTries) {
  const Error away(ErrorKind::kUnavailable, "X", "");
  EXPECT_EQ(WaitBeforeRetry(away, 1), 30'000);
  EXPECT_EQ(WaitBeforeRetry(away, 2), 120'000);
  EXPECT_EQ(WaitBeforeRetry(away, 3), std::nullopt);
  EXPECT_EQ(WaitBeforeRetry(Error(ErrorKind::kThrottled, "X", "").RetryAfter(500'000), 1), 500'000);
}

TEST(WaitBeforeRetry, IsForTransientFailuresAlone) {
  for (const ErrorKind kind : {ErrorKind::kDenied, ErrorKind::kUnsupported, ErrorKind::kConflict,
                               ErrorKind::kInvalidInput, ErrorKind::kCorrupt}) {
    EXPECT_EQ(WaitBeforeRetry(Error(kind, "X", ""), 1), std::nullopt);
  }
}

}  // namespace
}  // namespace mms::service
