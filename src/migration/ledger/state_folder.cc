#include "migration/ledger/state_folder.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <system_error>

namespace mms::migration {
namespace {

Error CannotWrite(const std::string& folder, int error_number) {
  if (error_number == ENOSPC || error_number == EDQUOT) {
    return Error(ErrorKind::kLimitReached, "STATE_DISK_FULL",
                 "no space left; free some and run again, finished work is kept")
        .At("state folder " + folder);
  }
  return Error(ErrorKind::kDenied, "STATE_NOT_WRITABLE",
               std::string("cannot write there (") + std::strerror(error_number) +
                   "); name a folder this user may write to as `state:`")
      .At("state folder " + folder);
}

Status MakeFolder(const std::string& folder) {
  std::error_code failure;
  const std::filesystem::path parent = std::filesystem::path(folder).parent_path();
  if (!parent.empty()) {
    std::filesystem::create_directories(parent, failure);
    if (failure) return CannotWrite(folder, failure.value());
  }
  // A folder that exists keeps the mode its owner gave it; the files in it are 0600 anyway.
  if (mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST) return CannotWrite(folder, errno);
  struct stat info {};
  if (stat(folder.c_str(), &info) != 0) return CannotWrite(folder, errno);
  if (!S_ISDIR(info.st_mode)) return CannotWrite(folder, ENOTDIR);
  return OkStatus();
}

std::string OwnerOf(int lock_fd) {
  char text[32] = {};
  const ssize_t size = pread(lock_fd, text, sizeof(text) - 1, 0);
  std::string owner(text, size > 0 ? static_cast<size_t>(size) : 0);
  while (!owner.empty() && owner.back() == '\n') owner.pop_back();
  return owner.empty() ? "unknown" : owner;
}

}  // namespace

Result<std::unique_ptr<StateFolder>> StateFolder::Take(const std::string& folder,
                                                       const std::string& lock) {
  if (folder.empty() || folder.find('"') != std::string::npos) {
    return Error(ErrorKind::kInvalidInput, "STATE_PATH_INVALID",
                 "the path is empty or has a double quote; name another folder as `state:`")
        .At("state folder " + folder);
  }
  std::string path = folder;
  while (path.size() > 1 && path.back() == '/') path.pop_back();
  TRY_VOID(MakeFolder(path));
  const std::string lock_path = path + "/" + lock;
  const int fd = open(lock_path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0) return CannotWrite(path, errno);
  if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
    const int reason = errno;
    const std::string owner = OwnerOf(fd);
    close(fd);
    if (reason != EWOULDBLOCK) return CannotWrite(path, reason);
    return Error(ErrorKind::kConflict, "STATE_IN_USE",
                 "process " + owner + " works in it; wait for it to end, or stop it and run again")
        .At("state folder " + path);
  }
  const std::string pid = std::to_string(getpid()) + "\n";
  if (ftruncate(fd, 0) != 0 ||
      pwrite(fd, pid.data(), pid.size(), 0) != static_cast<ssize_t>(pid.size())) {
    const int reason = errno;
    close(fd);
    return CannotWrite(path, reason);
  }
  return std::unique_ptr<StateFolder>(new StateFolder(std::move(path), fd));
}

StateFolder::~StateFolder() { close(lock_fd_); }

Result<std::string> StateFolder::MakeFile(const std::string& name) const {
  std::string path = path_ + "/" + name;
  const int fd = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0) return CannotWrite(path_, errno);
  close(fd);
  return path;
}

}  // namespace mms::migration
