#include "terminal/output_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <utility>

namespace mms::terminal {
namespace {

constexpr size_t kBufferBytes = 1 << 16;

Error NotWritable(const std::string& path, int error_number) {
  const ErrorKind kind = error_number == ENOSPC || error_number == EDQUOT ? ErrorKind::kLimitReached
                                                                          : ErrorKind::kDenied;
  return Error(kind, "OUTPUT_NOT_WRITABLE",
               std::string("cannot be written (") + std::strerror(error_number) +
                   "); free space, or name another path")
      .At("file " + path);
}

std::string PartOf(const std::string& path) { return path + ".part"; }

}  // namespace

Result<OutputFile> OutputFile::Open(const std::string& path, Output* output) {
  if (path.empty()) return OutputFile(path, output, -1);
  const int fd = ::open(PartOf(path).c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  if (fd < 0) return NotWritable(path, errno);
  return OutputFile(path, output, fd);
}

OutputFile::OutputFile(OutputFile&& other) noexcept
    : path_(std::move(other.path_)),
      output_(other.output_),
      fd_(std::exchange(other.fd_, -1)),
      buffer_(std::move(other.buffer_)) {}

OutputFile::~OutputFile() {
  if (fd_ < 0) return;
  ::close(fd_);
  ::unlink(PartOf(path_).c_str());
}

Status OutputFile::Write(std::string_view text) {
  buffer_ += text;
  return buffer_.size() < kBufferBytes ? OkStatus() : Flush();
}

Status OutputFile::Flush() {
  if (path_.empty()) {
    output_->Result(buffer_);
    buffer_.clear();
    return OkStatus();
  }
  std::string_view left = buffer_;
  while (!left.empty()) {
    const ssize_t written = ::write(fd_, left.data(), left.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return NotWritable(path_, errno);
    left.remove_prefix(static_cast<size_t>(written));
  }
  buffer_.clear();
  return OkStatus();
}

Status OutputFile::Commit() {
  TRY_VOID(Flush());
  if (path_.empty()) return OkStatus();
  const std::string part = PartOf(path_);
  // A close that fails is a write that failed (a quota, a network's file system).
  const bool closed = ::fsync(fd_) == 0 && ::close(std::exchange(fd_, -1)) == 0;
  if (closed && std::rename(part.c_str(), path_.c_str()) == 0) return OkStatus();
  const int reason = errno;
  ::unlink(part.c_str());
  return NotWritable(path_, reason);
}

}  // namespace mms::terminal
