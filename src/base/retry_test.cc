#include "base/retry.h"

#include <gtest/gtest.h>

#include <vector>

namespace mms {
namespace {

RetryPolicy Fast() {
  RetryPolicy policy;
  policy.first_wait_ms = 0;
  policy.throttled_first_wait_ms = 0;
  return policy;
}

/// Fails with `kinds` in turn, then succeeds. `calls` counts.
auto FailingWith(std::vector<ErrorKind> kinds, int& calls) {
  return [kinds, &calls]() -> Result<int> {
    const auto call = static_cast<size_t>(calls++);
    if (call < kinds.size()) return Error(kinds[call], "E" + std::to_string(call), "text");
    return 7;
  };
}

TEST(Retry, RepeatsUntilTheCallSucceeds) {
  int calls = 0;
  Result<int> result =
      Retry(Fast(), FailingWith({ErrorKind::kUnavailable, ErrorKind::kThrottled}, calls));
  ASSERT_TRUE(result);
  EXPECT_EQ(*result, 7);
  EXPECT_EQ(calls, 3);
}

TEST(Retry, NeverRepeatsWhatCannotPass) {
  for (const ErrorKind kind :
       {ErrorKind::kInvalidInput, ErrorKind::kNotFound, ErrorKind::kDenied, ErrorKind::kUnsupported,
        ErrorKind::kConflict, ErrorKind::kCorrupt, ErrorKind::kLimitReached, ErrorKind::kCancelled,
        ErrorKind::kInternal}) {
    int calls = 0;
    Result<int> result = Retry(Fast(), FailingWith({kind}, calls));
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().kind(), kind);
    EXPECT_EQ(calls, 1);
  }
}

TEST(Retry, GivesUpAfterTheAttemptsAndReturnsTheLastError) {
  RetryPolicy policy = Fast();
  policy.attempts_max = 3;
  int calls = 0;
  Result<int> result = Retry(policy, FailingWith(std::vector(9, ErrorKind::kUnavailable), calls));
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code(), "E2");
  EXPECT_EQ(calls, 3);
}

TEST(Retry, BeingThrottledUsesUpNoAttempt) {
  RetryPolicy policy = Fast();
  policy.attempts_max = 2;
  int calls = 0;
  std::vector<ErrorKind> kinds(20, ErrorKind::kThrottled);
  kinds.push_back(ErrorKind::kUnavailable);
  Result<int> result = Retry(policy, FailingWith(kinds, calls));
  ASSERT_TRUE(result);
  EXPECT_EQ(calls, 22);
}

TEST(Retry, BeingThrottledIsWaitedOutBeyondTheDeadlineOfFailures) {
  RetryPolicy policy = Fast();
  policy.deadline_ms = -1;
  int calls = 0;
  EXPECT_TRUE(Retry(policy, FailingWith({ErrorKind::kThrottled}, calls)));
  calls = 0;
  EXPECT_FALSE(Retry(policy, FailingWith({ErrorKind::kUnavailable}, calls)));
}

TEST(Retry, DoesNotBeginAWaitThatPassesTheDeadline) {
  RetryPolicy policy = Fast();
  policy.deadline_ms = policy.throttled_deadline_ms = 1000;
  for (const ErrorKind kind : {ErrorKind::kUnavailable, ErrorKind::kThrottled}) {
    int calls = 0;
    Result<int> result = Retry(policy, [&]() -> Result<int> {
      ++calls;
      return Error(kind, "E", "text").RetryAfter(3'600'000);
    });
    ASSERT_FALSE(result);
    EXPECT_EQ(calls, 1);
    EXPECT_EQ(result.error().retry_after_ms(), 3'600'000);
  }
}

TEST(Retry, CancellingEndsTheWait) {
  RetryPolicy policy;
  policy.first_wait_ms = 200'000;
  int looks = 0;
  policy.cancelled = [&looks] { return ++looks > 1; };
  int calls = 0;
  Result<int> result = Retry(policy, FailingWith({ErrorKind::kUnavailable}, calls));
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code(), "E0");
  EXPECT_EQ(calls, 1);
}

TEST(Backoff, StartsAnewAfterProgress) {
  RetryPolicy policy = Fast();
  policy.attempts_max = 2;
  Backoff backoff(policy);
  const Error error(ErrorKind::kUnavailable, "E", "text");
  EXPECT_TRUE(backoff.Wait(error));
  backoff.Restart();
  EXPECT_TRUE(backoff.Wait(error));
  EXPECT_FALSE(backoff.Wait(error));
}

}  // namespace
}  // namespace mms
