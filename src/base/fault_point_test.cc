#include "base/fault_point.h"

#include <gtest/gtest.h>

#include <csignal>
#include <cstdlib>

namespace mms {
namespace {

// Each death test reads the variable in a process of its own.
void Pass(const char* faults, int times) {
  setenv("MMS_FAULT", faults, 1);
  for (int i = 0; i < times; ++i) {
    FaultPoint(Moment::kBefore, "commit upload");
    FaultPoint(Moment::kAfter, "commit upload");
  }
  std::exit(0);
}

TEST(FaultPoint, KillsAtTheNthPassingOfItsMomentAndStep) {
  const auto killed = testing::KilledBySignal(SIGKILL);
  const auto done = testing::ExitedWithCode(0);
  EXPECT_EXIT(Pass("before commit upload", 1), killed, "");
  EXPECT_EXIT(Pass("after commit upload:3", 3), killed, "");
  EXPECT_EXIT(Pass("after commit upload:3", 2), done, "");
  EXPECT_EXIT(Pass("during commit upload", 5), done, "");
  EXPECT_EXIT(Pass("before commit", 5), done, "");
  EXPECT_EXIT(Pass("", 5), done, "");
}

TEST(FaultPoint, OfSeveralTheFirstThatIsReachedKills) {
  const auto killed = testing::KilledBySignal(SIGKILL);
  EXPECT_EXIT(Pass("after nothing,after commit upload:2", 2), killed, "");
  EXPECT_EXIT(Pass("after nothing:2,after commit upload:2", 1), testing::ExitedWithCode(0), "");
}

TEST(FaultPoint, WorkersIgnoreThem) {
  const auto ignore = [] {
    setenv("MMS_FAULT", "before commit upload", 1);
    IgnoreFaultPoints();
    FaultPoint(Moment::kBefore, "commit upload");
    std::exit(0);
  };
  EXPECT_EXIT(ignore(), testing::ExitedWithCode(0), "");
}

}  // namespace
}  // namespace mms
