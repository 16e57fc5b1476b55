// Tunnel's Arrow block: record batches to framed bytes and back.
//
//   body    := BE32(chunk size) chunk* tail
//   chunk   := payload bytes of that size, BE32(CRC-32C of them)
//   tail    := the rest of the payload (may be empty), BE32(CRC-32C of the whole payload)
//   payload := Arrow IPC record batch messages, one after another: no schema, no end mark
//
// Source: bodies that PyODPS 0.13 and odps-sdk-core 0.52 send and accept, compared byte by byte.
// Threads: one at a time per object. Ownership: the encoder borrows its source, and keeps a batch
// only until its bytes are read.
#pragma once

#include <arrow/ipc/writer.h>
#include <arrow/record_batch.h>

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "clients/maxcompute/block.h"
#include "clients/maxcompute/crc32c.h"

namespace mms::maxcompute {

/// What the official clients write; a reader takes any.
constexpr uint32_t kChunkSizeBytes = 65536;

/// Pulls batches and gives out framed bytes. Column buffers are copied once, into the caller's
/// buffer; the checksum is taken there while the bytes are still in the CPU's cache. Errors of
/// Read: those of the source; kInternal TUNNEL_BATCH_TYPE (dictionary, view or 64-bit offset
/// columns, or a batch unlike the first); kInternal TUNNEL_ARROW.
class ArrowFrameEncoder : public BlockEncoder {
 public:
  explicit ArrowFrameEncoder(BatchSource* source, uint32_t chunk_size_bytes = kChunkSizeBytes);

  Result<size_t> Read(std::span<char> buffer) override;

  int64_t rows() const override { return rows_; }
  int64_t payload_bytes() const override { return payload_bytes_; }

 private:
  struct Piece {
    const uint8_t* data;
    size_t size;
  };

  Status LoadBatch();
  Status CheckBatch(const arrow::RecordBatch& batch);
  void AddPiece(const void* data, size_t size);
  void AddPadding(size_t size);
  /// Copies payload into `out` up to the chunk's end; returns the bytes copied.
  Result<size_t> CopyPayload(std::span<char> out);
  void PutWord(uint32_t word);
  void EndChunk();
  void EndBlock();

  BatchSource* source_;
  const uint32_t chunk_size_bytes_;
  const Crc32cCombiner combine_chunk_;

  std::shared_ptr<arrow::Schema> schema_;  // of the first batch
  std::shared_ptr<arrow::RecordBatch> batch_;
  arrow::ipc::IpcPayload payload_;
  std::array<uint8_t, 8> message_prefix_{};
  std::vector<Piece> pieces_;  // the current message, in order
  size_t piece_ = 0;
  size_t piece_offset_ = 0;

  std::array<char, 4> word_{};  // chunk size or checksum on its way out
  size_t word_left_ = 0;
  size_t chunk_filled_ = 0;
  uint32_t chunk_crc_ = 0;
  uint32_t block_crc_ = 0;  // of the chunks that ended
  bool source_ended_ = false;
  bool ended_ = false;
  int64_t rows_ = 0;
  int64_t payload_bytes_ = 0;
};

/// Takes framed bytes in pieces of any size and gives out record batches, each only when every one
/// of its bytes stands under a checksum that was right. Keeps one chunk and one message in memory.
/// Errors: kCorrupt TUNNEL_CHECKSUM, TUNNEL_TRUNCATED, TUNNEL_MALFORMED; those of `visit`.
class ArrowFrameDecoder : public BlockDecoder {
 public:
  ArrowFrameDecoder(std::shared_ptr<arrow::Schema> schema, Visit visit)
      : schema_(std::move(schema)), visit_(std::move(visit)) {}

  Status Write(std::string_view bytes) override;
  /// Bodies of 0 bytes, and of a lone 32-bit zero, hold no rows.
  Status Finish() override;

  int64_t rows() const { return rows_; }

 private:
  Status TakeChunkSize(uint32_t size_bytes);
  Status TakeFullChunk();
  Status TakePayload(std::span<const uint8_t> bytes);
  Status BeginMetadata();
  Status BeginBody();
  Status EndMessage();

  std::shared_ptr<arrow::Schema> schema_;
  Visit visit_;

  std::string chunk_;  // the frame's size word first, then a chunk with its checksum
  size_t chunk_size_bytes_ = 0;
  std::unique_ptr<Crc32cCombiner> combine_chunk_;
  uint32_t block_crc_ = 0;

  enum class Part { kPrefix, kMetadata, kBody };
  Part part_ = Part::kPrefix;
  std::array<uint8_t, 8> prefix_{};
  std::shared_ptr<arrow::Buffer> metadata_;
  std::shared_ptr<arrow::Buffer> body_;
  size_t part_filled_ = 0;
  size_t part_size_ = sizeof prefix_;
  int64_t rows_ = 0;
};

}  // namespace mms::maxcompute
