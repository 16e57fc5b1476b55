#include "terminal/interrupt.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <future>

namespace mms::terminal {
namespace {

TEST(Interrupt, TheFirstSignalAsksSoftlyOnAnotherThread) {
  std::promise<std::thread::id> called;
  Interrupt interrupt([&] { called.set_value(std::this_thread::get_id()); });
  EXPECT_FALSE(interrupt.Caught());
  raise(SIGTERM);
  EXPECT_NE(called.get_future().get(), std::this_thread::get_id());
  EXPECT_TRUE(interrupt.Caught());
}

TEST(Interrupt, ItMayEndWithoutASignalAndBeMadeAgain) {
  int calls = 0;
  for (int i = 0; i < 3; ++i) {
    Interrupt interrupt([&] { ++calls; });
  }
  EXPECT_EQ(calls, 0);
}

TEST(InterruptDeathTest, TheSecondSignalEndsAtOnceWith130) {
  EXPECT_EXIT(
      {
        std::promise<void> called;
        Interrupt interrupt([&] { called.set_value(); });
        raise(SIGINT);
        called.get_future().wait();
        raise(SIGINT);
        _exit(0);
      },
      testing::ExitedWithCode(130), "");
}

TEST(InterruptDeathTest, AVerbWithNothingToSaveEndsAtTheFirst) {
  EXPECT_EXIT(
      {
        ExitOnInterrupt();
        raise(SIGTERM);
        _exit(0);
      },
      testing::ExitedWithCode(130), "");
}

}  // namespace
}  // namespace mms::terminal
