// Shows long work while it runs, on a thread of its own: a block redrawn in place on a terminal, a
// sentence every few seconds elsewhere, JSON objects with --json. What there is to show comes from
// the function it is given.
//
// Threads: Start, Stop by the owner; Note from any thread; `look` is called by one thread at a
// time.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "terminal/output.h"
#include "terminal/progress_lines.h"

namespace mms::terminal {

class LiveProgress {
 public:
  /// What is to be seen at a moment.
  struct Look {
    std::vector<std::string> above;  ///< whole lines that stay, once each
    std::vector<std::string> block;  ///< on a terminal
    std::string sentence;            ///< elsewhere
    Json fields;                     ///< with --json
  };
  using LookAt = std::function<Look(int64_t elapsed_ms, const Screen& screen)>;

  /// `kind`: of the JSON objects. `output` and what `look_at` uses outlive it.
  LiveProgress(Output& output, std::string kind, LookAt look_at);
  ~LiveProgress();

  void Start();
  /// Shows the last lines and takes the block away. Idempotent.
  void Stop();
  /// A line for people, above the block.
  void Note(const std::string& line);

 private:
  void Loop();
  void Show(bool last);

  Output& output_;
  const std::string kind_;
  const LookAt look_at_;
  const int64_t start_ms_;
  int64_t next_ms_ = 0;  ///< of the showing thread; so block_
  BottomBlock block_;

  std::mutex mutex_;  ///< of the two below
  std::vector<std::string> notes_;
  bool stopping_ = false;
  std::condition_variable wake_;
  std::thread thread_;
};

}  // namespace mms::terminal
