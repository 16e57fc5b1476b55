// The units of one table that are under way: holds the table's thread back while there are enough
// of them, and collects how they ended. Thread-safe.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>

#include "base/error.h"

namespace mms::migration {

class UnitWindow {
 public:
  /// Waits until one more unit whose plan has `bytes` may be under way.
  void Enter(size_t bytes);
  void Leave(size_t bytes);
  /// Waits until none is under way.
  void Drain();

  /// Notes how a unit failed.
  void Fail(Error error);
  /// Handing out more units is useless: the source's files are gone, a right is missing, or too
  /// many failed.
  bool ShouldStop() const;
  int64_t failed() const;
  /// The most telling error: files gone before a missing right before whatever came first.
  std::optional<Error> error() const;

 private:
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  size_t units_ = 0;
  size_t bytes_ = 0;
  int64_t failed_ = 0;
  bool stop_ = false;
  std::optional<Error> error_;
};

}  // namespace mms::migration
