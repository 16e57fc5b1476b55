#include "migration/evidence/tar.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

namespace mms::migration {
namespace {

constexpr size_t kPieceBytes = 1 << 16;
constexpr int64_t kOctalMax = (1LL << 33) - 1;  ///< 11 digits
/// 1980-01-01: some tars warn of the year 1970.
constexpr int64_t kTime = 315532800;

// Offsets and lengths of a ustar header (POSIX.1-1988, 10.1.1).
constexpr size_t kNameAt = 0, kNameLength = 100;
constexpr size_t kModeAt = 100, kOwnerAt = 108, kGroupAt = 116;
constexpr size_t kSizeAt = 124, kSizeLength = 12;
constexpr size_t kTimeAt = 136, kSumAt = 148, kSumLength = 8;
constexpr size_t kTypeAt = 156, kMagicAt = 257;

void Put(std::string& header, size_t at, std::string_view text) {
  CHECK(at + text.size() <= header.size());
  header.replace(at, text.size(), text);
}

std::string SizeField(int64_t size) {
  if (size <= kOctalMax) return fmt::format("{:011o}", size) + std::string(1, '\0');
  std::string field(kSizeLength, '\0');
  for (size_t i = kSizeLength; i-- > 1; size >>= 8) field[i] = static_cast<char>(size & 0xff);
  field[0] = '\x80';
  return field;
}

std::optional<int64_t> ParseSize(std::string_view field) {
  int64_t size = 0;
  if (field[0] == '\x80') {
    for (const char c : field.substr(4)) size = size << 8 | static_cast<unsigned char>(c);
    return size >= 0 ? std::optional(size) : std::nullopt;
  }
  for (const char c : field.substr(0, kSizeLength - 1)) {
    if (c < '0' || c > '7') return std::nullopt;
    size = size * 8 + (c - '0');
  }
  return size;
}

/// The name in a header, whether the rest is right or not; "" when it is none of ours.
std::string NameIn(std::string_view header) {
  std::string_view name = header.substr(kNameAt, kNameLength);
  name = name.substr(0, std::min(name.find('\0'), name.size()));
  if (!name.starts_with(kTarFolder)) return "";
  name.remove_prefix(kTarFolder.size());
  return name.size() <= kTarNameMax ? std::string(name) : "";
}

/// What a header names, where it is exactly the one that we write.
std::optional<TarReader::Entry> ParseHeader(std::string_view header) {
  std::string name = NameIn(header);
  const auto size = ParseSize(header.substr(kSizeAt, kSizeLength));
  if (!size || name.empty() || TarHeader(name, *size) != header) return std::nullopt;
  return TarReader::Entry{std::move(name), *size};
}

bool AllZero(std::string_view bytes) {
  return bytes.find_first_not_of('\0') == std::string_view::npos;
}

size_t Padding(int64_t size) {
  const auto over = static_cast<size_t>(size % static_cast<int64_t>(kTarBlockBytes));
  return over == 0 ? 0 : kTarBlockBytes - over;
}

std::string Behind(const std::string& name) {
  return name.empty() ? "first file" : "file behind " + name;
}

Error Truncated(const std::string& where) {
  return Error(ErrorKind::kCorrupt, "EVIDENCE_TRUNCATED",
               "the bundle ends in it, some of it is cut off; get the bundle again")
      .At(where);
}

}  // namespace

std::string TarHeader(std::string_view name, int64_t size_bytes) {
  CHECK(!name.empty() && name.size() <= kTarNameMax && size_bytes >= 0);
  std::string header(kTarBlockBytes, '\0');
  Put(header, kNameAt, std::string(kTarFolder) + std::string(name));
  Put(header, kModeAt, "0000644");
  Put(header, kOwnerAt, "0000000");
  Put(header, kGroupAt, "0000000");
  Put(header, kSizeAt, SizeField(size_bytes));
  Put(header, kTimeAt, fmt::format("{:011o}", kTime));
  Put(header, kTypeAt, "0");
  Put(header, kMagicAt, std::string_view("ustar\00000", 8));
  // The sum is taken with blanks in its own place.
  Put(header, kSumAt, std::string(kSumLength, ' '));
  unsigned sum = 0;
  for (const char c : header) sum += static_cast<unsigned char>(c);
  Put(header, kSumAt, fmt::format("{:06o}", sum) + std::string("\0 ", 2));
  return header;
}

Status TarWriter::Begin(std::string name) {
  name_ = std::move(name);
  header_at_ = file_->size_bytes();
  size_bytes_ = 0;
  return file_->Write(TarHeader(name_, 0));
}

Status TarWriter::Write(std::string_view bytes) {
  size_bytes_ += static_cast<int64_t>(bytes.size());
  return file_->Write(bytes);
}

Status TarWriter::End() {
  TRY_VOID(file_->Write(std::string(Padding(size_bytes_), '\0')));
  return file_->WriteAt(header_at_, TarHeader(name_, size_bytes_));
}

Status TarWriter::Finish() { return file_->Write(std::string(2 * kTarBlockBytes, '\0')); }

Result<TarReader> TarReader::Open(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd >= 0) return TarReader(fd);
  if (errno == ENOENT) {
    return Error(ErrorKind::kNotFound, "EVIDENCE_NOT_FOUND", "is not there; check the path")
        .At("bundle " + path);
  }
  return Error(ErrorKind::kDenied, "EVIDENCE_UNREADABLE",
               std::string("cannot be read: ") + std::strerror(errno))
      .At("bundle " + path);
}

TarReader::TarReader(TarReader&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)),
      buffer_(std::move(other.buffer_)),
      at_(other.at_),
      entry_(std::move(other.entry_)),
      left_(other.left_),
      inside_(other.inside_) {}

TarReader::~TarReader() {
  if (fd_ >= 0) ::close(fd_);
}

Result<std::string_view> TarReader::Take(size_t size) {
  if (buffer_.size() - at_ < size) {
    buffer_.erase(0, std::exchange(at_, 0));
    while (buffer_.size() < size) {
      const size_t held = buffer_.size();
      buffer_.resize(held + kPieceBytes);
      const ssize_t got = ::read(fd_, buffer_.data() + held, kPieceBytes);
      buffer_.resize(held + static_cast<size_t>(std::max<ssize_t>(got, 0)));
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) {
        return Error(ErrorKind::kDenied, "EVIDENCE_UNREADABLE",
                     std::string("cannot be read: ") + std::strerror(errno));
      }
      if (got == 0) break;
    }
  }
  const std::string_view taken = std::string_view(buffer_).substr(at_, size);
  at_ += taken.size();
  return taken;
}

Status TarReader::ExpectZeros(size_t size, const std::string& where) {
  TRY(const std::string_view zeros, Take(size));
  if (zeros.size() < size) return Truncated(where);
  if (AllZero(zeros)) return OkStatus();
  return Error(ErrorKind::kCorrupt, "EVIDENCE_CHANGED",
               "there are bytes behind it that were not written with the bundle")
      .At(where);
}

Result<std::optional<TarReader::Entry>> TarReader::Next() {
  while (left_ > 0) TRY_VOID(Read());
  if (std::exchange(inside_, false)) {
    TRY_VOID(ExpectZeros(Padding(entry_.size_bytes), "file " + entry_.name));
  }
  TRY(const std::string_view header, Take(kTarBlockBytes));
  if (header.size() < kTarBlockBytes) return Truncated(Behind(entry_.name));
  if (AllZero(header)) {
    TRY_VOID(ExpectZeros(kTarBlockBytes, "end of the bundle"));
    TRY(const std::string_view more, Take(1));
    if (more.empty()) return std::optional<Entry>();
    return Error(ErrorKind::kCorrupt, "EVIDENCE_ADDED",
                 "there are bytes that were not written with the bundle; get it again")
        .At("behind the end of the bundle");
  }
  std::optional<Entry> entry = ParseHeader(header);
  if (!entry) {
    return Error(ErrorKind::kCorrupt, "EVIDENCE_CHANGED",
                 "its name, size or attributes are not as they were written, or it is no evidence "
                 "bundle; one that was packed anew is none")
        .At(NameIn(header).empty() ? Behind(entry_.name) : "file " + NameIn(header));
  }
  entry_ = *entry;
  left_ = entry_.size_bytes;
  inside_ = true;
  return entry;
}

Result<std::string_view> TarReader::Read() {
  const auto wanted = std::min<int64_t>(left_, static_cast<int64_t>(kPieceBytes));
  TRY(const std::string_view piece, Take(static_cast<size_t>(wanted)));
  if (static_cast<int64_t>(piece.size()) < wanted) return Truncated("file " + entry_.name);
  left_ -= wanted;
  return piece;
}

}  // namespace mms::migration
