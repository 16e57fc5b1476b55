// SIGINT and SIGTERM for verbs that can stop softly: the first asks the work to stop at the next
// border, the second ends the process at once (exit 130; the ledger goes on from whatever moment
// that was).
//
// One object at a time in a process. Exec resets the handlers, so workers start without them.
#pragma once

#include <functional>
#include <thread>

namespace mms::terminal {

class Interrupt {
 public:
  /// `on_first` runs on a thread of its own, not in the signal handler.
  explicit Interrupt(std::function<void()> on_first);
  /// Puts back what was there before.
  ~Interrupt();
  Interrupt(const Interrupt&) = delete;
  Interrupt& operator=(const Interrupt&) = delete;

  bool Caught() const;

 private:
  std::function<void()> on_first_;
  std::thread thread_;
};

/// For verbs with nothing to save: SIGINT and SIGTERM end the process with exit code 130.
void ExitOnInterrupt();

}  // namespace mms::terminal
