#include "base/new_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <utility>

namespace mms {
namespace {

constexpr size_t kBufferBytes = 1 << 16;

Error NotWritable(const std::string& path, int error_number) {
  const bool full = error_number == ENOSPC || error_number == EDQUOT;
  return Error(full ? ErrorKind::kLimitReached : ErrorKind::kDenied, "OUTPUT_NOT_WRITABLE",
               std::string("cannot be written (") + std::strerror(error_number) +
                   "); free space, or name another path")
      .At("file " + path);
}

std::string PartOf(const std::string& path) { return path + ".part"; }

}  // namespace

Result<NewFile> NewFile::Create(const std::string& path) {
  const int fd = ::open(PartOf(path).c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  if (fd < 0) return NotWritable(path, errno);
  return NewFile(path, fd);
}

NewFile::NewFile(NewFile&& other) noexcept
    : path_(std::move(other.path_)),
      fd_(std::exchange(other.fd_, -1)),
      buffer_(std::move(other.buffer_)),
      size_bytes_(other.size_bytes_) {}

NewFile::~NewFile() {
  if (fd_ < 0) return;
  ::close(fd_);
  ::unlink(PartOf(path_).c_str());
}

Status NewFile::Write(std::string_view bytes) {
  size_bytes_ += static_cast<int64_t>(bytes.size());
  buffer_ += bytes;
  return buffer_.size() < kBufferBytes ? OkStatus() : Flush();
}

Status NewFile::WriteAt(int64_t offset, std::string_view bytes) {
  CHECK(offset >= 0 && offset + static_cast<int64_t>(bytes.size()) <= size_bytes_);
  TRY_VOID(Flush());
  while (!bytes.empty()) {
    const ssize_t written = ::pwrite(fd_, bytes.data(), bytes.size(), offset);
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return NotWritable(path_, errno);
    bytes.remove_prefix(static_cast<size_t>(written));
    offset += written;
  }
  return OkStatus();
}

Status NewFile::Flush() {
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

Status NewFile::Commit() {
  TRY_VOID(Flush());
  const std::string part = PartOf(path_);
  // A sync or close that fails is a write that failed (a quota, a network's file system).
  const bool synced = ::fsync(fd_) == 0;
  const int reason = errno;
  const bool closed = ::close(std::exchange(fd_, -1)) == 0;
  if (synced && closed && std::rename(part.c_str(), path_.c_str()) == 0) return OkStatus();
  const Error error = NotWritable(path_, synced ? errno : reason);
  ::unlink(part.c_str());
  return error;
}

}  // namespace mms
