// The chunk frame around a tunnel's Arrow bytes:
//
//   body  := BE32(chunk_size) chunk* tail
//   chunk := chunk_size payload bytes, BE32(crc32c of them)
//   tail  := the rest of the payload (shorter than a chunk), BE32(crc32c of the whole payload)
//
// as PyODPS 0.13 and odps-sdk-core 0.52 write and read it. An empty body, and the four bytes of a
// zero checksum without a size word (PyODPS's writer that wrote nothing), both mean an empty
// payload. One thread per object. Errors: kCorrupt MalformedDataStream (bad checksum, cut frame),
// or the source's.
#pragma once

#include <arrow/io/interfaces.h>
#include <arrow/result.h>

#include <optional>
#include <string>
#include <vector>

#include "base/http_server.h"
#include "sandbox/crc32c.h"

namespace mms::sandbox {

/// Takes a frame apart. No byte is handed out before its chunk's checksum (or, in the tail, the
/// global one) has been checked.
class FrameReader {
 public:
  explicit FrameReader(ByteSource* source) : source_(source) {}

  /// Copies up to `size` payload bytes; 0 = the payload ended and every checksum was right.
  Result<size_t> Read(void* buffer, size_t size);

  uint64_t payload_bytes() const { return payload_bytes_; }

 private:
  Status ReadSizeWord();
  Status NextChunk();
  Status CheckTail(size_t got);
  /// Reads until `size` bytes or the end of the source.
  Result<size_t> Fill(char* buffer, size_t size);

  ByteSource* source_;
  std::optional<Crc32cJoiner> joiner_;
  std::vector<char> chunk_;
  size_t chunk_size_ = 0;
  size_t begin_ = 0;
  size_t end_ = 0;
  uint32_t global_crc_ = 0;
  uint64_t payload_bytes_ = 0;
  bool ended_ = false;
};

/// FrameReader in the shape Arrow's message reader wants.
class FrameInputStream : public arrow::io::InputStream {
 public:
  explicit FrameInputStream(FrameReader* frames) : frames_(frames) {}
  arrow::Status Close() override { return arrow::Status::OK(); }
  bool closed() const override { return false; }
  arrow::Result<int64_t> Tell() const override { return position_; }
  arrow::Result<int64_t> Read(int64_t size, void* out) override;
  arrow::Result<std::shared_ptr<arrow::Buffer>> Read(int64_t size) override;
  /// The error behind a failed Read, in our form.
  const std::optional<Error>& error() const { return error_; }

 private:
  FrameReader* frames_;
  int64_t position_ = 0;
  std::optional<Error> error_;
};

/// Puts payload bytes into a frame. Finish must be called, also for an empty payload.
class FrameWriter : public ByteSink {
 public:
  static constexpr uint32_t kChunkBytes = 65'536;

  explicit FrameWriter(ByteSink* sink, uint32_t chunk_size = kChunkBytes)
      : sink_(sink), chunk_size_(chunk_size) {}

  Status Write(const void* data, size_t size) override;
  Status Finish();

 private:
  static constexpr size_t kFlushBytes = 256 * 1024;
  void AppendWord(uint32_t word);
  Status Flush();

  ByteSink* sink_;
  uint32_t chunk_size_;
  std::string out_;
  size_t in_chunk_ = 0;
  uint32_t chunk_crc_ = 0;
  uint32_t global_crc_ = 0;
  bool begun_ = false;
};

}  // namespace mms::sandbox
