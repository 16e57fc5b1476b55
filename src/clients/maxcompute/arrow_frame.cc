#include "clients/maxcompute/arrow_frame.h"

#include <arrow/buffer.h>
#include <arrow/ipc/message.h>
#include <arrow/ipc/options.h>
#include <arrow/ipc/reader.h>

#include <algorithm>
#include <cstring>
#include <utility>

namespace mms::maxcompute {
namespace {

constexpr size_t kAlignment = 8;
constexpr std::array<uint8_t, kAlignment> kPadding{};
constexpr uint32_t kContinuation = 0xFFFFFFFF;
constexpr size_t kWordBytes = 4;
// Bounds on what a length in a stream can make us allocate.
constexpr size_t kChunkMaxBytes = 64 * 1024 * 1024;
constexpr size_t kMetadataMaxBytes = 64 * 1024 * 1024;
constexpr int64_t kBodyMaxBytes = int64_t{1} << 30;

size_t PaddingOf(size_t size) { return (kAlignment - size % kAlignment) % kAlignment; }

void StoreBigEndian(uint32_t word, char* at) {
  for (int shift = 24; shift >= 0; shift -= 8) *at++ = static_cast<char>(word >> shift);
}

uint32_t LoadBigEndian(const char* at) {
  uint32_t word = 0;
  for (size_t i = 0; i < kWordBytes; ++i) word = word << 8 | static_cast<unsigned char>(at[i]);
  return word;
}

Error FromArrow(const arrow::Status& status) {
  return Error(ErrorKind::kInternal, "TUNNEL_ARROW", "Arrow: " + status.message());
}

/// The type is one whose buffers are laid out as a block wants them.
bool IsBlockType(const arrow::DataType& type) {
  switch (type.id()) {
    case arrow::Type::BOOL:
    case arrow::Type::INT8:
    case arrow::Type::INT16:
    case arrow::Type::INT32:
    case arrow::Type::INT64:
    case arrow::Type::FLOAT:
    case arrow::Type::DOUBLE:
    case arrow::Type::STRING:
    case arrow::Type::BINARY:
    case arrow::Type::DATE32:
    case arrow::Type::TIMESTAMP:
    case arrow::Type::DECIMAL128: return true;
    case arrow::Type::LIST:
    case arrow::Type::MAP:
    case arrow::Type::STRUCT:
      return std::all_of(type.fields().begin(), type.fields().end(),
                         [](const auto& field) { return IsBlockType(*field->type()); });
    default: return false;
  }
}

}  // namespace

ArrowFrameEncoder::ArrowFrameEncoder(BatchSource* source, uint32_t chunk_size_bytes)
    : source_(source), chunk_size_bytes_(chunk_size_bytes), combine_chunk_(chunk_size_bytes) {
  CHECK(chunk_size_bytes > 0);
  PutWord(chunk_size_bytes);
}

void ArrowFrameEncoder::PutWord(uint32_t word) {
  StoreBigEndian(word, word_.data());
  word_left_ = word_.size();
}

Result<size_t> ArrowFrameEncoder::Read(std::span<char> buffer) {
  size_t filled = 0;
  while (filled < buffer.size()) {
    if (word_left_ > 0) {
      const size_t size = std::min(word_left_, buffer.size() - filled);
      std::memcpy(buffer.data() + filled, word_.data() + (word_.size() - word_left_), size);
      word_left_ -= size;
      filled += size;
      continue;
    }
    if (ended_) break;
    TRY(const size_t size, CopyPayload(buffer.subspan(filled)));
    chunk_crc_ = Crc32c(chunk_crc_, buffer.data() + filled, size);
    chunk_filled_ += size;
    payload_bytes_ += static_cast<int64_t>(size);
    filled += size;
    if (chunk_filled_ == chunk_size_bytes_) {
      EndChunk();
    } else if (source_ended_ && piece_ == pieces_.size()) {
      EndBlock();
    }
  }
  return filled;
}

void ArrowFrameEncoder::EndChunk() {
  PutWord(chunk_crc_);
  block_crc_ = combine_chunk_.Combine(block_crc_, chunk_crc_);
  chunk_crc_ = 0;
  chunk_filled_ = 0;
}

void ArrowFrameEncoder::EndBlock() {
  PutWord(Crc32cCombine(block_crc_, chunk_crc_, chunk_filled_));
  ended_ = true;
}

Result<size_t> ArrowFrameEncoder::CopyPayload(std::span<char> out) {
  const size_t wanted = std::min<size_t>(out.size(), chunk_size_bytes_ - chunk_filled_);
  size_t copied = 0;
  while (copied < wanted) {
    if (piece_ == pieces_.size()) {
      if (!source_ended_) {
        TRY_VOID(LoadBatch());
      }
      if (source_ended_) break;
      continue;
    }
    const Piece& piece = pieces_[piece_];
    const size_t size = std::min(piece.size - piece_offset_, wanted - copied);
    std::memcpy(out.data() + copied, piece.data + piece_offset_, size);
    copied += size;
    piece_offset_ += size;
    if (piece_offset_ == piece.size) {
      ++piece_;
      piece_offset_ = 0;
    }
  }
  return copied;
}

void ArrowFrameEncoder::AddPiece(const void* data, size_t size) {
  if (size > 0) pieces_.push_back({static_cast<const uint8_t*>(data), size});
}

void ArrowFrameEncoder::AddPadding(size_t size) { AddPiece(kPadding.data(), PaddingOf(size)); }

Status ArrowFrameEncoder::LoadBatch() {
  pieces_.clear();
  piece_ = 0;
  payload_ = {};
  batch_.reset();
  TRY(batch_, source_->Next());
  if (batch_ == nullptr) {
    source_ended_ = true;
    return OkStatus();
  }
  TRY_VOID(CheckBatch(*batch_));
  arrow::ipc::IpcWriteOptions options;
  options.use_threads = false;
  const arrow::Status status = arrow::ipc::GetRecordBatchPayload(*batch_, options, &payload_);
  if (!status.ok()) return FromArrow(status);
  rows_ += batch_->num_rows();

  const auto metadata_size = static_cast<size_t>(payload_.metadata->size());
  const size_t metadata_padding = PaddingOf(metadata_size);
  const auto prefix_length = static_cast<uint32_t>(metadata_size + metadata_padding);
  std::memcpy(message_prefix_.data(), &kContinuation, sizeof kContinuation);
  std::memcpy(message_prefix_.data() + kWordBytes, &prefix_length, sizeof prefix_length);
  AddPiece(message_prefix_.data(), message_prefix_.size());
  AddPiece(payload_.metadata->data(), metadata_size);
  AddPadding(metadata_size);
  for (const auto& body : payload_.body_buffers) {
    if (body == nullptr) continue;
    AddPiece(body->data(), static_cast<size_t>(body->size()));
    AddPadding(static_cast<size_t>(body->size()));
  }
  return OkStatus();
}

Status ArrowFrameEncoder::CheckBatch(const arrow::RecordBatch& batch) {
  if (schema_ == nullptr) {
    for (const auto& field : batch.schema()->fields()) {
      if (!IsBlockType(*field->type())) {
        return Error(ErrorKind::kInternal, "TUNNEL_BATCH_TYPE",
                     "column " + field->name() + " of type " + field->type()->ToString() +
                         " cannot go into a Tunnel block; cast it before");
      }
    }
    schema_ = batch.schema();
    return OkStatus();
  }
  if (batch.schema() == schema_ || batch.schema()->Equals(*schema_)) return OkStatus();
  return Error(ErrorKind::kInternal, "TUNNEL_BATCH_TYPE",
               "a batch has the columns " + batch.schema()->ToString() +
                   " but the block began with " + schema_->ToString());
}

namespace {

Error Truncated(const std::string& what) {
  return Error(ErrorKind::kCorrupt, "TUNNEL_TRUNCATED",
               "the Arrow stream ends " + what + "; read the range again");
}

Error Malformed(const std::string& what) {
  return Error(ErrorKind::kCorrupt, "TUNNEL_MALFORMED", "the Arrow stream is malformed: " + what);
}

Error WrongSum(const char* of, uint32_t found, uint32_t expected) {
  std::array<char, 64> sums;
  std::snprintf(sums.data(), sums.size(), "found %08x, expected %08x", found, expected);
  return Error(ErrorKind::kCorrupt, "TUNNEL_CHECKSUM",
               std::string("the checksum of ") + of + " of the Arrow stream is wrong (" +
                   sums.data() + "); read the range again");
}

}  // namespace

Status ArrowFrameDecoder::Write(std::string_view bytes) {
  while (!bytes.empty()) {
    const size_t wanted = chunk_size_bytes_ == 0 ? kWordBytes : chunk_size_bytes_ + kWordBytes;
    const size_t size = std::min(wanted - chunk_.size(), bytes.size());
    chunk_.append(bytes.substr(0, size));
    bytes.remove_prefix(size);
    if (chunk_.size() < wanted) return OkStatus();
    // The tail is always shorter than a chunk with its checksum, so this is a full chunk.
    const bool first_word = chunk_size_bytes_ == 0;
    TRY_VOID(first_word ? TakeChunkSize(LoadBigEndian(chunk_.data())) : TakeFullChunk());
  }
  return OkStatus();
}

Status ArrowFrameDecoder::TakeChunkSize(uint32_t size_bytes) {
  if (size_bytes == 0) {
    // The checksum of nothing, or nonsense: Finish sees whether anything follows.
    if (combine_chunk_ != nullptr) return Malformed("bytes follow an empty body");
    combine_chunk_ = std::make_unique<Crc32cCombiner>(0);
    return OkStatus();
  }
  if (size_bytes > kChunkMaxBytes) {
    return Malformed("chunks of " + std::to_string(size_bytes) + " bytes");
  }
  chunk_size_bytes_ = size_bytes;
  chunk_.clear();
  chunk_.reserve(chunk_size_bytes_ + kWordBytes);
  combine_chunk_ = std::make_unique<Crc32cCombiner>(size_bytes);
  return OkStatus();
}

Status ArrowFrameDecoder::TakeFullChunk() {
  const uint32_t found = Crc32c(0, chunk_.data(), chunk_size_bytes_);
  const uint32_t expected = LoadBigEndian(chunk_.data() + chunk_size_bytes_);
  if (found != expected) return WrongSum("a chunk", found, expected);
  block_crc_ = combine_chunk_->Combine(block_crc_, found);
  TRY_VOID(TakePayload({reinterpret_cast<const uint8_t*>(chunk_.data()), chunk_size_bytes_}));
  chunk_.clear();
  return OkStatus();
}

Status ArrowFrameDecoder::Finish() {
  if (chunk_size_bytes_ == 0) {
    const bool empty = chunk_.empty() || (chunk_.size() == kWordBytes && combine_chunk_ != nullptr);
    return empty ? OkStatus() : Status(Truncated("inside its first word"));
  }
  if (chunk_.size() < kWordBytes) return Truncated("before its last checksum");
  const size_t size = chunk_.size() - kWordBytes;
  const uint32_t found = Crc32cCombine(block_crc_, Crc32c(0, chunk_.data(), size), size);
  const uint32_t expected = LoadBigEndian(chunk_.data() + size);
  if (found != expected) return WrongSum("the whole", found, expected);
  TRY_VOID(TakePayload({reinterpret_cast<const uint8_t*>(chunk_.data()), size}));
  if (part_ != Part::kPrefix || part_filled_ != 0) return Truncated("inside a record batch");
  return OkStatus();
}

Status ArrowFrameDecoder::TakePayload(std::span<const uint8_t> bytes) {
  while (true) {
    if (part_filled_ == part_size_) {
      switch (part_) {
        case Part::kPrefix: TRY_VOID(BeginMetadata()); break;
        case Part::kMetadata: TRY_VOID(BeginBody()); break;
        case Part::kBody: TRY_VOID(EndMessage()); break;
      }
      continue;
    }
    if (bytes.empty()) return OkStatus();
    uint8_t* target = part_ == Part::kPrefix     ? prefix_.data()
                      : part_ == Part::kMetadata ? metadata_->mutable_data()
                                                 : body_->mutable_data();
    const size_t size = std::min(part_size_ - part_filled_, bytes.size());
    std::memcpy(target + part_filled_, bytes.data(), size);
    part_filled_ += size;
    bytes = bytes.subspan(size);
  }
}

Status ArrowFrameDecoder::BeginMetadata() {
  uint32_t continuation = 0;
  uint32_t size = 0;
  std::memcpy(&continuation, prefix_.data(), sizeof continuation);
  std::memcpy(&size, prefix_.data() + kWordBytes, sizeof size);
  if (continuation != kContinuation || size == 0 || size > kMetadataMaxBytes) {
    return Malformed("no record batch message where one should begin");
  }
  auto buffer = arrow::AllocateBuffer(size);
  if (!buffer.ok()) return FromArrow(buffer.status());
  metadata_ = *std::move(buffer);
  part_ = Part::kMetadata;
  part_filled_ = 0;
  part_size_ = size;
  return OkStatus();
}

Status ArrowFrameDecoder::BeginBody() {
  auto message = arrow::ipc::Message::Open(metadata_, nullptr);
  if (!message.ok()) return Malformed(message.status().message());
  const int64_t size = (*message)->body_length();
  if ((*message)->type() != arrow::ipc::MessageType::RECORD_BATCH) {
    return Malformed("a message that is not a record batch");
  }
  if (size < 0 || size > kBodyMaxBytes) {
    return Malformed("a record batch of " + std::to_string(size) + " bytes");
  }
  auto buffer = arrow::AllocateBuffer(size);
  if (!buffer.ok()) return FromArrow(buffer.status());
  body_ = *std::move(buffer);
  part_ = Part::kBody;
  part_filled_ = 0;
  part_size_ = static_cast<size_t>(size);
  return OkStatus();
}

Status ArrowFrameDecoder::EndMessage() {
  auto message = arrow::ipc::Message::Open(std::move(metadata_), std::move(body_));
  if (!message.ok()) return Malformed(message.status().message());
  arrow::ipc::IpcReadOptions options;
  options.use_threads = false;
  auto batch = arrow::ipc::ReadRecordBatch(**message, schema_, nullptr, options);
  if (!batch.ok()) return Malformed(batch.status().message());
  const arrow::Status valid = (*batch)->Validate();
  if (!valid.ok()) return Malformed(valid.message());
  part_ = Part::kPrefix;
  part_filled_ = 0;
  part_size_ = prefix_.size();
  rows_ += (*batch)->num_rows();
  return visit_(*std::move(batch));
}

}  // namespace mms::maxcompute
