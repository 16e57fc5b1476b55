#include "clients/maxcompute/snappy_frame.h"

#include <arrow/util/compression.h>

#include <algorithm>
#include <cstring>

#include "clients/maxcompute/crc32c.h"

namespace mms::maxcompute {
namespace {

constexpr size_t kChunkBytes = 65536;  // of plain bytes, at most
constexpr size_t kHeaderBytes = 4;     // type, then the length in three bytes
constexpr size_t kSumBytes = 4;
constexpr std::string_view kIdentifier = "sNaPpY";
constexpr unsigned char kTypeIdentifier = 0xff;
constexpr unsigned char kTypeCompressed = 0x00;
constexpr unsigned char kTypePlain = 0x01;
constexpr unsigned char kTypeSkippedFrom = 0x80;

uint32_t Mask(uint32_t crc) { return ((crc >> 15) | (crc << 17)) + 0xa282ead8; }

std::unique_ptr<arrow::util::Codec> MakeSnappy() {
  auto made = arrow::util::Codec::Create(arrow::Compression::SNAPPY);
  CHECK(made.ok());
  return *std::move(made);
}

const uint8_t* Bytes(std::string_view text) {
  return reinterpret_cast<const uint8_t*>(text.data());
}

void AppendHeader(unsigned char type, size_t size, std::string& out) {
  out.push_back(static_cast<char>(type));
  for (int shift = 0; shift < 24; shift += 8) out.push_back(static_cast<char>(size >> shift));
}

Error Malformed(const std::string& what) {
  return Error(ErrorKind::kCorrupt, "TUNNEL_CODEC", "the snappy stream is malformed: " + what);
}

}  // namespace

SnappyCompressor::SnappyCompressor() : codec_(MakeSnappy()) {
  compressed_.resize(static_cast<size_t>(codec_->MaxCompressedLen(kChunkBytes, nullptr)));
}
SnappyCompressor::~SnappyCompressor() = default;

void SnappyCompressor::Begin(std::string& out) {
  if (begun_) return;
  begun_ = true;
  AppendHeader(kTypeIdentifier, kIdentifier.size(), out);
  out += kIdentifier;
}

Status SnappyCompressor::Add(std::string_view bytes, std::string& out) {
  Begin(out);
  while (!bytes.empty()) {
    if (waiting_.empty() && bytes.size() >= kChunkBytes) {
      TRY_VOID(AddChunk(bytes.substr(0, kChunkBytes), out));
      bytes.remove_prefix(kChunkBytes);
      continue;
    }
    const size_t size = std::min(kChunkBytes - waiting_.size(), bytes.size());
    waiting_.append(bytes.substr(0, size));
    bytes.remove_prefix(size);
    if (waiting_.size() < kChunkBytes) return OkStatus();
    TRY_VOID(AddChunk(waiting_, out));
    waiting_.clear();
  }
  return OkStatus();
}

Status SnappyCompressor::End(std::string& out) {
  Begin(out);
  return waiting_.empty() ? OkStatus() : AddChunk(waiting_, out);
}

Status SnappyCompressor::AddChunk(std::string_view bytes, std::string& out) {
  const auto done = codec_->Compress(static_cast<int64_t>(bytes.size()), Bytes(bytes),
                                     static_cast<int64_t>(compressed_.size()), compressed_.data());
  if (!done.ok()) {
    return Error(ErrorKind::kInternal, "TUNNEL_CODEC", "snappy: " + done.status().message());
  }
  const uint32_t sum = Mask(Crc32c(0, bytes.data(), bytes.size()));
  auto size = static_cast<size_t>(*done);
  const bool shorter = size < bytes.size();
  if (!shorter) size = bytes.size();
  AppendHeader(shorter ? kTypeCompressed : kTypePlain, kSumBytes + size, out);
  out.append(reinterpret_cast<const char*>(&sum), sizeof sum);
  if (shorter) {
    out.append(reinterpret_cast<const char*>(compressed_.data()), size);
  } else {
    out.append(bytes);
  }
  return OkStatus();
}

SnappyDecompressor::SnappyDecompressor() : codec_(MakeSnappy()), plain_(kChunkBytes) {}
SnappyDecompressor::~SnappyDecompressor() = default;

Status SnappyDecompressor::Add(std::string_view bytes, const Sink& sink) {
  waiting_.append(bytes);
  size_t at = 0;
  while (waiting_.size() - at >= kHeaderBytes) {
    const uint8_t* header = Bytes(waiting_) + at;
    const size_t size = header[1] | size_t{header[2]} << 8 | size_t{header[3]} << 16;
    if (waiting_.size() - at - kHeaderBytes < size) break;
    const unsigned char type = header[0];
    const auto content = std::string_view(waiting_).substr(at + kHeaderBytes, size);
    TRY_VOID(TakeChunk(type, content, sink));
    at += kHeaderBytes + size;
  }
  waiting_.erase(0, at);
  return OkStatus();
}

Status SnappyDecompressor::TakeChunk(unsigned char type, std::string_view content,
                                     const Sink& sink) {
  if (type == kTypeIdentifier) {
    begun_ = true;
    return content == kIdentifier ? OkStatus() : Status(Malformed("another identifier"));
  }
  if (!begun_) return Malformed("it does not begin with its identifier");
  if (type == kTypeCompressed || type == kTypePlain) {
    return TakeData(content, type == kTypeCompressed, sink);
  }
  if (type >= kTypeSkippedFrom) return OkStatus();
  return Malformed("a chunk of type " + std::to_string(type));
}

Status SnappyDecompressor::TakeData(std::string_view content, bool compressed, const Sink& sink) {
  if (content.size() < kSumBytes) return Malformed("a chunk without its checksum");
  uint32_t expected;
  std::memcpy(&expected, content.data(), sizeof expected);
  std::string_view plain = content.substr(kSumBytes);
  if (compressed) {
    // Arrow's codec refuses what would be longer than the buffer.
    const auto size = codec_->Decompress(static_cast<int64_t>(plain.size()), Bytes(plain),
                                         static_cast<int64_t>(plain_.size()), plain_.data());
    if (!size.ok()) return Malformed(size.status().message());
    plain = {reinterpret_cast<const char*>(plain_.data()), static_cast<size_t>(*size)};
  }
  if (Mask(Crc32c(0, plain.data(), plain.size())) != expected) {
    return Error(ErrorKind::kCorrupt, "TUNNEL_CHECKSUM",
                 "the checksum of a snappy chunk is wrong; read the range again");
  }
  return plain.empty() ? OkStatus() : sink(plain);
}

Status SnappyDecompressor::End() {
  if (waiting_.empty()) return OkStatus();
  return Error(ErrorKind::kCorrupt, "TUNNEL_TRUNCATED",
               "the snappy stream ends inside a chunk; read the range again");
}

}  // namespace mms::maxcompute
