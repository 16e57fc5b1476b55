// A document that a verb writes: into a file that is there whole or not at all, or onto stdout.
// Buffered; one thread. Errors of all calls: base/new_file.h.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/new_file.h"
#include "terminal/output.h"

namespace mms::terminal {

class OutputFile {
 public:
  /// `path` "" = stdout, by `output`, which must outlive this.
  static Result<OutputFile> Open(const std::string& path, Output* output);

  Status Write(std::string_view text);
  /// Everything is written, and the file has its name.
  Status Commit();

 private:
  OutputFile(std::optional<NewFile> file, Output* output)
      : file_(std::move(file)), output_(output) {}

  std::optional<NewFile> file_;  ///< nullopt = stdout
  Output* output_;
  std::string buffer_;  ///< of stdout
};

}  // namespace mms::terminal
