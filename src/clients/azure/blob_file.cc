#include "clients/azure/blob_file.h"

#include <arrow/buffer.h>
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <optional>

#include "clients/azure/arrow_error.h"

namespace mms::azure {
namespace {

constexpr int kAttemptsMax = 5;
constexpr long kDeadlineMs = 120000;

/// Total of "bytes 0-9/1234"; nullopt when absent or "*".
std::optional<int64_t> TotalOf(const std::string& content_range) {
  const size_t slash = content_range.rfind('/');
  if (slash == std::string::npos) return std::nullopt;
  int64_t total = 0;
  const char* end = content_range.data() + content_range.size();
  const auto [stop, error] = std::from_chars(content_range.data() + slash + 1, end, total);
  if (error != std::errc() || stop != end) return std::nullopt;
  return total;
}

}  // namespace

Error FileChanged(const std::string& text) {
  return Error(ErrorKind::kConflict, "STORAGE_CHANGED",
               "the file was written again or removed after the table was planned, and what else "
               "changed meanwhile is not known; stop its writers, and run again: the table is "
               "planned anew")
      .At(text);
}

BlobFile::BlobFile(std::shared_ptr<Account> account, BlobAddress address, int64_t size_bytes)
    : account_(std::move(account)), address_(std::move(address)), size_bytes_(size_bytes) {}

Result<int64_t> BlobFile::Fetch(int64_t position, int64_t size_bytes, char* out) {
  int64_t received_bytes = 0;
  HttpRequest request;
  request.url = address_.url;
  request.headers = {{"Range", fmt::format("bytes={}-{}", position, position + size_bytes - 1)}};
  if (!address_.etag.empty()) {
    // Listings tell it without its quotes.
    const bool quoted = address_.etag.starts_with('"');
    request.headers.emplace_back("If-Match", quoted ? address_.etag : "\"" + address_.etag + "\"");
  }
  request.on_body = [&](std::string_view bytes) -> Status {
    const int64_t count = static_cast<int64_t>(bytes.size());
    if (count > size_bytes - received_bytes) {
      return Error(ErrorKind::kCorrupt, "STORAGE_RANGE",
                   "the storage sent more than the range asked for; the endpoint ignores ranges")
          .At(address_.text);
    }
    std::memcpy(out + received_bytes, bytes.data(), bytes.size());
    received_bytes += count;
    return OkStatus();
  };
  RetryPolicy policy;
  policy.attempts_max = kAttemptsMax;
  policy.deadline_ms = kDeadlineMs;
  policy.cancelled = [this] { return account_->cancelled(); };
  return Retry(policy, [&]() -> Result<int64_t> {
    received_bytes = 0;
    TRY(const HttpResponse response, account_->Send(request, address_.text));
    TRY_VOID(CheckAnswer(response, received_bytes, size_bytes));
    return received_bytes;
  });
}

Status BlobFile::CheckAnswer(const HttpResponse& response, int64_t received_bytes,
                             int64_t wanted_bytes) const {
  const bool gone = response.status == 404 && !address_.etag.empty();
  if (response.status == 412 || gone) return FileChanged(address_.text);
  if (!response.ok()) return FromAnswer(response, address_.text);
  const std::optional<int64_t> total = TotalOf(response.Header("content-range"));
  if (total && *total != size_bytes_) {
    return Error(ErrorKind::kCorrupt, "STORAGE_SIZE",
                 fmt::format("the blob has {} bytes, the Delta log says {}", *total, size_bytes_))
        .At(address_.text);
  }
  if (received_bytes != wanted_bytes) {
    return Error(ErrorKind::kUnavailable, "STORAGE_UNREACHABLE",
                 fmt::format("the answer ended after {} of {} bytes", received_bytes, wanted_bytes))
        .At(address_.text);
  }
  return OkStatus();
}

arrow::Result<int64_t> BlobFile::Clamp(int64_t position, int64_t nbytes) const {
  if (closed()) return arrow::Status::Invalid("read of a closed file");
  if (position < 0 || nbytes < 0 || position > size_bytes_) {
    return arrow::Status::Invalid("read of ", nbytes, " bytes at ", position, " of ", size_bytes_);
  }
  return std::min(nbytes, size_bytes_ - position);
}

arrow::Result<int64_t> BlobFile::ReadAt(int64_t position, int64_t nbytes, void* out) {
  ARROW_ASSIGN_OR_RAISE(const int64_t size, Clamp(position, nbytes));
  if (size == 0) return 0;
  Result<int64_t> read = Fetch(position, size, static_cast<char*>(out));
  if (!read) return ToArrow(std::move(read).error());
  return *read;
}

arrow::Result<std::shared_ptr<arrow::Buffer>> BlobFile::ReadAt(int64_t position, int64_t nbytes) {
  ARROW_ASSIGN_OR_RAISE(const int64_t size, Clamp(position, nbytes));
  ARROW_ASSIGN_OR_RAISE(std::unique_ptr<arrow::Buffer> buffer, arrow::AllocateBuffer(size));
  ARROW_ASSIGN_OR_RAISE(const int64_t read, ReadAt(position, size, buffer->mutable_data()));
  CHECK(read == size);
  return std::shared_ptr<arrow::Buffer>(std::move(buffer));
}

arrow::Result<int64_t> BlobFile::Read(int64_t nbytes, void* out) {
  ARROW_ASSIGN_OR_RAISE(const int64_t position, Tell());
  ARROW_ASSIGN_OR_RAISE(const int64_t read, ReadAt(position, nbytes, out));
  ARROW_RETURN_NOT_OK(Seek(position + read));
  return read;
}

arrow::Result<std::shared_ptr<arrow::Buffer>> BlobFile::Read(int64_t nbytes) {
  ARROW_ASSIGN_OR_RAISE(const int64_t position, Tell());
  ARROW_ASSIGN_OR_RAISE(std::shared_ptr<arrow::Buffer> buffer, ReadAt(position, nbytes));
  ARROW_RETURN_NOT_OK(Seek(position + buffer->size()));
  return buffer;
}

arrow::Status BlobFile::Seek(int64_t position) {
  ARROW_RETURN_NOT_OK(Clamp(position, 0).status());
  std::lock_guard lock(mutex_);
  position_ = position;
  return arrow::Status::OK();
}

arrow::Result<int64_t> BlobFile::Tell() const {
  std::lock_guard lock(mutex_);
  return position_;
}

arrow::Result<int64_t> BlobFile::GetSize() { return size_bytes_; }

arrow::Status BlobFile::Close() {
  std::lock_guard lock(mutex_);
  closed_ = true;
  return arrow::Status::OK();
}

bool BlobFile::closed() const {
  std::lock_guard lock(mutex_);
  return closed_;
}

}  // namespace mms::azure
