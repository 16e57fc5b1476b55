// A child process with pipes on its stdin and stdout; stderr is shared with ours.
//
// The child is killed when the *thread* that started it ends (PR_SET_PDEATHSIG is per thread), so
// start children from a thread that lives as long as they may.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "base/result.h"

namespace mms::migration {

class ChildProcess {
 public:
  /// Errors: kInternal CHILD_START with the reason.
  static Result<ChildProcess> Start(const std::vector<std::string>& arguments);

  ChildProcess(ChildProcess&& other) noexcept;
  ChildProcess& operator=(ChildProcess&&) = delete;
  ~ChildProcess();  ///< kills and reaps what still runs

  pid_t pid() const { return pid_; }
  /// Whole line with its end. False when the child no longer reads.
  bool WriteLine(const std::string& line);
  /// Next line without its end; false at the end of the child's output.
  bool ReadLine(std::string* line);
  void CloseInput();
  void Kill();
  /// Waits for the end; "exit code 3", "signal 9".
  std::string Wait();

 private:
  ChildProcess(pid_t pid, int input, int output) : pid_(pid), input_(input), output_(output) {}
  pid_t pid_;
  int input_;
  int output_;
  std::string buffer_;
};

}  // namespace mms::migration
