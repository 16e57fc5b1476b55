// A document that a verb writes: into a file that is there whole or not at all (written beside it
// as PATH.part, then named), or onto stdout. Buffered; one thread.
#pragma once

#include <string>
#include <string_view>

#include "terminal/output.h"

namespace mms::terminal {

class OutputFile {
 public:
  /// `path` "" = stdout, by `output`, which must outlive this. Errors of all calls: kDenied
  /// OUTPUT_NOT_WRITABLE, kLimitReached OUTPUT_NOT_WRITABLE without space.
  static Result<OutputFile> Open(const std::string& path, Output* output);
  OutputFile(OutputFile&& other) noexcept;
  OutputFile& operator=(OutputFile&&) = delete;
  /// Takes away what was not committed.
  ~OutputFile();

  Status Write(std::string_view text);
  /// Everything is written, and the file has its name.
  Status Commit();

 private:
  OutputFile(std::string path, Output* output, int fd)
      : path_(std::move(path)), output_(output), fd_(fd) {}
  Status Flush();

  std::string path_;
  Output* output_;
  int fd_;  ///< -1 = stdout, or committed
  std::string buffer_;
};

}  // namespace mms::terminal
