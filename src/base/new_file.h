// A file that is there whole or not at all: written beside its path as PATH.part, then named. One
// that is not committed goes with its object; a killed process leaves PATH.part behind, which says
// what it is and which the next writer of PATH overwrites.
//
// Buffered. One thread. Errors of all calls: kDenied OUTPUT_NOT_WRITABLE; kLimitReached
// OUTPUT_NOT_WRITABLE when there is no space.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace mms {

class NewFile {
 public:
  static Result<NewFile> Create(const std::string& path);
  NewFile(NewFile&& other) noexcept;
  NewFile& operator=(NewFile&&) = delete;
  ~NewFile();

  Status Write(std::string_view bytes);
  /// Replaces bytes that were written before.
  Status WriteAt(int64_t offset, std::string_view bytes);
  /// Bytes written so far.
  int64_t size_bytes() const { return size_bytes_; }
  /// Everything is on disk, and the file has its name. Nothing may follow.
  Status Commit();

 private:
  NewFile(std::string path, int fd) : path_(std::move(path)), fd_(fd) {}
  Status Flush();

  std::string path_;
  int fd_;  ///< -1 once it is committed or moved
  std::string buffer_;
  int64_t size_bytes_ = 0;
};

}  // namespace mms
