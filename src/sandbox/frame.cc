#include "sandbox/frame.h"

#include <arrow/buffer.h>

#include <algorithm>
#include <cstring>

#include "sandbox/recycling_pool.h"

namespace mms::sandbox {
namespace {

/// No client is known to use chunks above 1 MiB; the bound keeps a hostile size word from taking
/// memory.
constexpr size_t kChunkBytesMax = 64 << 20;

uint32_t BigEndian(const char* bytes) {
  uint32_t word;
  std::memcpy(&word, bytes, sizeof word);
  return __builtin_bswap32(word);
}

Error Malformed(std::string what) {
  return Error(ErrorKind::kCorrupt, "MalformedDataStream", std::move(what));
}

}  // namespace

Result<size_t> FrameReader::Fill(char* buffer, size_t size) {
  size_t got = 0;
  while (got < size) {
    TRY(size_t n, source_->Read(buffer + got, size - got));
    if (n == 0) break;
    got += n;
  }
  return got;
}

Status FrameReader::ReadSizeWord() {
  char word[4];
  TRY(size_t got, Fill(word, sizeof word));
  if (got == 0) {
    ended_ = true;
    return OkStatus();
  }
  if (got < sizeof word) return Malformed("the block ends inside the chunk size word");
  chunk_size_ = BigEndian(word);
  if (chunk_size_ == 0) {
    TRY(size_t more, Fill(word, 1));
    if (more != 0) return Malformed("chunk size 0");
    ended_ = true;
    return OkStatus();
  }
  if (chunk_size_ > kChunkBytesMax) {
    return Malformed("chunk size " + std::to_string(chunk_size_) + " is above 64 MiB");
  }
  chunk_.resize(chunk_size_ + 4);
  joiner_.emplace(chunk_size_);
  return OkStatus();
}

Status FrameReader::CheckTail(size_t got) {
  ended_ = true;
  if (got < 4) return Malformed("the block ends without its final checksum");
  size_t size = got - 4;
  uint32_t crc = Crc32c(global_crc_, chunk_.data(), size);
  if (!SumsMatch(BigEndian(chunk_.data() + size), crc)) {
    return Malformed("the checksum of the whole block is wrong (or the block was cut)");
  }
  end_ = size;
  payload_bytes_ += size;
  return OkStatus();
}

Status FrameReader::NextChunk() {
  if (chunk_size_ == 0) {
    TRY_VOID(ReadSizeWord());
    if (ended_) return OkStatus();
  }
  begin_ = end_ = 0;
  TRY(size_t got, Fill(chunk_.data(), chunk_.size()));
  // A tail is always shorter than a chunk with its checksum, so the length alone tells them apart.
  if (got < chunk_.size()) return CheckTail(got);
  uint32_t crc = Crc32c(0, chunk_.data(), chunk_size_);
  if (!SumsMatch(BigEndian(chunk_.data() + chunk_size_), crc)) {
    return Malformed("the checksum of the chunk at byte " + std::to_string(payload_bytes_) +
                     " is wrong");
  }
  global_crc_ = joiner_->Join(global_crc_, crc);
  end_ = chunk_size_;
  payload_bytes_ += chunk_size_;
  return OkStatus();
}

Result<size_t> FrameReader::Read(void* buffer, size_t size) {
  while (begin_ == end_) {
    if (ended_) return size_t{0};
    TRY_VOID(NextChunk());
  }
  size_t n = std::min(size, end_ - begin_);
  std::memcpy(buffer, chunk_.data() + begin_, n);
  begin_ += n;
  return n;
}

arrow::Result<int64_t> FrameInputStream::Read(int64_t size, void* out) {
  int64_t got = 0;
  while (got < size) {
    auto n = frames_->Read(static_cast<char*>(out) + got, static_cast<size_t>(size - got));
    if (!n) {
      error_ = std::move(n).error();
      return arrow::Status::IOError(error_->message());
    }
    if (*n == 0) break;
    got += static_cast<int64_t>(*n);
  }
  position_ += got;
  return got;
}

arrow::Result<std::shared_ptr<arrow::Buffer>> FrameInputStream::Read(int64_t size) {
  ARROW_ASSIGN_OR_RAISE(auto buffer, arrow::AllocateResizableBuffer(size, RecyclingPool::Get()));
  ARROW_ASSIGN_OR_RAISE(int64_t got, Read(size, buffer->mutable_data()));
  if (got < size) ARROW_RETURN_NOT_OK(buffer->Resize(got, false));
  return std::shared_ptr<arrow::Buffer>(std::move(buffer));
}

void FrameWriter::AppendWord(uint32_t word) {
  word = __builtin_bswap32(word);
  out_.append(reinterpret_cast<const char*>(&word), sizeof word);
}

Status FrameWriter::Flush() {
  TRY_VOID(sink_->Write(out_.data(), out_.size()));
  out_.clear();
  return OkStatus();
}

Status FrameWriter::Write(const void* data, size_t size) {
  if (!begun_) AppendWord(chunk_size_);
  begun_ = true;
  const char* bytes = static_cast<const char*>(data);
  while (size > 0) {
    size_t n = std::min<size_t>(size, chunk_size_ - in_chunk_);
    chunk_crc_ = Crc32c(chunk_crc_, bytes, n);
    global_crc_ = Crc32c(global_crc_, bytes, n);
    out_.append(bytes, n);
    bytes += n;
    size -= n;
    in_chunk_ += n;
    if (in_chunk_ == chunk_size_) {
      AppendWord(chunk_crc_);
      chunk_crc_ = 0;
      in_chunk_ = 0;
    }
    if (out_.size() >= kFlushBytes) TRY_VOID(Flush());
  }
  return OkStatus();
}

Status FrameWriter::Finish() {
  if (!begun_) AppendWord(chunk_size_);
  begun_ = true;
  AppendWord(global_crc_);
  return Flush();
}

}  // namespace mms::sandbox
