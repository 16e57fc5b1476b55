// The container of an evidence bundle: a tar archive (POSIX.1-1988 ustar) in one form only, so that
// each of its bytes is either a file's content, which a hash covers, or can be told to be wrong.
// Any tar reads it; ours refuses what ours did not write, a repacked archive included.
//
// The one form: regular files below kTarFolder, mode 0644, no owner, one fixed time, sizes from 8
// GiB in base 256 as GNU tar has them, zeros up to the block, two blocks of zeros at the end and
// nothing behind them.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/new_file.h"
#include "base/result.h"

namespace mms::migration {

inline constexpr std::string_view kTarFolder = "mms-evidence/";
inline constexpr size_t kTarBlockBytes = 512;
/// Of a name below the folder.
inline constexpr size_t kTarNameMax = 80;

/// The one header of a file. `name` is below kTarFolder, at most kTarNameMax.
std::string TarHeader(std::string_view name, int64_t size_bytes);

/// Writes one file after the other; the size of one need not be known before.
class TarWriter {
 public:
  explicit TarWriter(NewFile* file) : file_(file) {}

  Status Begin(std::string name);
  Status Write(std::string_view bytes);
  Status End();
  /// Behind the last file.
  Status Finish();

 private:
  NewFile* file_;
  std::string name_;
  int64_t header_at_ = 0;
  int64_t size_bytes_ = 0;
};

/// Reads an archive of that form from begin to end, in pieces.
class TarReader {
 public:
  struct Entry {
    std::string name;  ///< below kTarFolder
    int64_t size_bytes = 0;
  };
  /// Errors of all calls: kNotFound EVIDENCE_NOT_FOUND, kDenied EVIDENCE_UNREADABLE, kCorrupt
  /// EVIDENCE_TRUNCATED, EVIDENCE_CHANGED, EVIDENCE_ADDED; each names the file inside.
  static Result<TarReader> Open(const std::string& path);
  TarReader(TarReader&& other) noexcept;
  TarReader& operator=(TarReader&&) = delete;
  ~TarReader();

  /// The next file; nullopt = the archive's end. What is left of the one before is skipped.
  Result<std::optional<Entry>> Next();
  /// The next piece of the file; "" = its end.
  Result<std::string_view> Read();

 private:
  explicit TarReader(int fd) : fd_(fd) {}
  /// Up to `size` bytes; fewer only at the archive's end.
  Result<std::string_view> Take(size_t size);
  Status ExpectZeros(size_t size, const std::string& where);

  int fd_;
  std::string buffer_;
  size_t at_ = 0;        ///< in buffer_
  Entry entry_;          ///< "" before the first
  int64_t left_ = 0;     ///< bytes of the entry that were not read
  bool inside_ = false;  ///< an entry's padding is still to come
};

}  // namespace mms::migration
