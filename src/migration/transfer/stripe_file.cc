#include "migration/transfer/stripe_file.h"

#include <arrow/buffer.h>

#include <algorithm>
#include <cstring>
#include <future>
#include <utility>
#include <vector>

namespace mms::migration {
namespace {

constexpr int64_t kRequestBytes = 8LL << 20;
constexpr size_t kRequestsAtOnce = 4;

}  // namespace

arrow::Status StripeFile::Fetch(int64_t start, int64_t length) {
  fetched_.reset();
  ARROW_ASSIGN_OR_RAISE(const int64_t size, file_->GetSize());
  if (start < 0 || length < 0 || start > size || length > size - start) {
    return arrow::Status::IOError("a stripe does not lie within the file");
  }
  ARROW_ASSIGN_OR_RAISE(std::shared_ptr<arrow::Buffer> buffer, arrow::AllocateBuffer(length));
  std::vector<std::future<arrow::Status>> requests;
  arrow::Status status;
  for (int64_t at = 0; at < length || !requests.empty();) {
    if (at < length && requests.size() < kRequestsAtOnce && status.ok()) {
      const int64_t bytes = std::min(kRequestBytes, length - at);
      uint8_t* out = buffer->mutable_data() + at;
      requests.push_back(std::async(std::launch::async, [this, start, at, bytes, out] {
        ARROW_ASSIGN_OR_RAISE(const int64_t read, file_->ReadAt(start + at, bytes, out));
        return read == bytes ? arrow::Status::OK()
                             : arrow::Status::IOError("the file ends before its stripes do");
      }));
      at += bytes;
      continue;
    }
    if (requests.empty()) break;  // one failed, and those beside it have ended
    const arrow::Status ended = requests.front().get();
    requests.erase(requests.begin());
    if (status.ok()) status = ended;
  }
  ARROW_RETURN_NOT_OK(status);
  fetched_ = std::move(buffer);
  start_ = start;
  return arrow::Status::OK();
}

arrow::Result<int64_t> StripeFile::ReadAt(int64_t position, int64_t nbytes, void* out) {
  const bool inside = fetched_ && position >= start_ && nbytes >= 0 && nbytes <= fetched_->size() &&
                      position - start_ <= fetched_->size() - nbytes;
  if (inside) {
    std::memcpy(out, fetched_->data() + (position - start_), static_cast<size_t>(nbytes));
    return nbytes;
  }
  auto read = file_->ReadAt(position, nbytes, out);
  if (!read.ok() && failure_.ok()) failure_ = read.status();
  return read;
}

arrow::Result<std::shared_ptr<arrow::Buffer>> StripeFile::ReadAt(int64_t position, int64_t nbytes) {
  ARROW_ASSIGN_OR_RAISE(auto buffer, arrow::AllocateResizableBuffer(nbytes));
  ARROW_ASSIGN_OR_RAISE(const int64_t read, ReadAt(position, nbytes, buffer->mutable_data()));
  ARROW_RETURN_NOT_OK(buffer->Resize(read));
  return std::shared_ptr<arrow::Buffer>(std::move(buffer));
}

arrow::Result<int64_t> StripeFile::Read(int64_t nbytes, void* out) {
  ARROW_ASSIGN_OR_RAISE(const int64_t read, ReadAt(position_, nbytes, out));
  position_ += read;
  return read;
}

arrow::Result<std::shared_ptr<arrow::Buffer>> StripeFile::Read(int64_t nbytes) {
  ARROW_ASSIGN_OR_RAISE(auto buffer, ReadAt(position_, nbytes));
  position_ += buffer->size();
  return buffer;
}

arrow::Status StripeFile::Seek(int64_t position) {
  position_ = position;
  return arrow::Status::OK();
}

}  // namespace mms::migration
