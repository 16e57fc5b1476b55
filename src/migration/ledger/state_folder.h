// The folder a process keeps its state in: made with mode 0700, owned by one process at a time.
//
// The lock is flock(2) on a file in it, which the kernel drops however the process dies; the
// file's text (the owner's process id) is for people only. Its descriptor is close-on-exec: a
// worker that outlived us by a moment would otherwise keep the folder locked.
#pragma once

#include <memory>
#include <string>

#include "base/result.h"

namespace mms::migration {

class StateFolder {
 public:
  /// Who takes the folder under one lock's name does not hinder who takes it under another's.
  /// Errors: kDenied STATE_NOT_WRITABLE, kLimitReached STATE_DISK_FULL, kConflict STATE_IN_USE.
  static Result<std::unique_ptr<StateFolder>> Take(const std::string& folder,
                                                   const std::string& lock = "lock");
  ~StateFolder();
  StateFolder(const StateFolder&) = delete;
  StateFolder& operator=(const StateFolder&) = delete;

  const std::string& path() const { return path_; }
  /// Path of a file in the folder, made empty with mode 0600 when absent.
  Result<std::string> MakeFile(const std::string& name) const;

 private:
  StateFolder(std::string path, int lock_fd) : path_(std::move(path)), lock_fd_(lock_fd) {}
  std::string path_;
  int lock_fd_;
};

}  // namespace mms::migration
