#include "sandbox/body_coding.h"

#include <arrow/util/compression.h>

#include <algorithm>
#include <cstring>
#include <string>
#include <vector>

#include "sandbox/crc32c.h"

namespace mms::sandbox {
namespace {

constexpr size_t kPieceBytes = 256 * 1024;

Error Malformed(std::string what) {
  return Error(ErrorKind::kCorrupt, "MalformedDataStream", std::move(what));
}

Result<std::unique_ptr<arrow::util::Codec>> MakeCodec(std::string_view token) {
  arrow::util::GZipCodecOptions zlib;
  zlib.gzip_format = arrow::util::GZipFormat::ZLIB;
  auto made = token == "deflate" ? arrow::util::Codec::Create(arrow::Compression::GZIP, zlib)
              : token == "zstd"  ? arrow::util::Codec::Create(arrow::Compression::ZSTD)
                                 : arrow::util::Codec::Create(arrow::Compression::LZ4_FRAME);
  if (!made.ok())
    return Error(ErrorKind::kInternal, "InternalServerError", made.status().ToString());
  return std::move(made).ValueUnsafe();
}

bool IsStreamCodec(std::string_view token) {
  return token == "deflate" || token == "zstd" || token == "x-lz4-frame" ||
         token == "x-odps-lz4-frame";
}

class StreamDecoder : public ByteSource {
 public:
  StreamDecoder(ByteSource* source, std::shared_ptr<arrow::util::Decompressor> decompressor)
      : source_(source), decompressor_(std::move(decompressor)), input_(kPieceBytes) {}

  Result<size_t> Read(void* buffer, size_t size) override {
    while (true) {
      if (begin_ == end_ && !source_ended_) {
        TRY(size_t got, source_->Read(input_.data(), input_.size()));
        begin_ = 0;
        end_ = got;
        source_ended_ = got == 0;
        any_ = any_ || got > 0;
      }
      if (decompressor_->IsFinished()) {
        if (begin_ != end_) return Malformed("bytes follow the end of the compressed stream");
        if (source_ended_) return size_t{0};
        continue;
      }
      if (source_ended_ && !any_) return size_t{0};
      auto step =
          decompressor_->Decompress(static_cast<int64_t>(end_ - begin_), input_.data() + begin_,
                                    static_cast<int64_t>(size), static_cast<uint8_t*>(buffer));
      if (!step.ok()) return Malformed("cannot decompress: " + step.status().message());
      begin_ += static_cast<size_t>(step->bytes_read);
      if (step->bytes_written > 0) return static_cast<size_t>(step->bytes_written);
      if (source_ended_ && step->bytes_read == 0 && !decompressor_->IsFinished()) {
        return Malformed("the compressed stream was not finished");
      }
    }
  }

 private:
  ByteSource* source_;
  std::shared_ptr<arrow::util::Decompressor> decompressor_;
  std::vector<uint8_t> input_;
  size_t begin_ = 0;
  size_t end_ = 0;
  bool source_ended_ = false;
  bool any_ = false;
};

class StreamEncoder : public EncodingSink {
 public:
  StreamEncoder(ByteSink* sink, std::shared_ptr<arrow::util::Compressor> compressor)
      : sink_(sink), compressor_(std::move(compressor)), output_(kPieceBytes) {}

  Status Write(const void* data, size_t size) override {
    const auto* input = static_cast<const uint8_t*>(data);
    while (size > 0) {
      auto step = compressor_->Compress(static_cast<int64_t>(size), input,
                                        static_cast<int64_t>(output_.size()), output_.data());
      if (!step.ok()) return Internal(step.status());
      input += step->bytes_read;
      size -= static_cast<size_t>(step->bytes_read);
      TRY_VOID(sink_->Write(output_.data(), static_cast<size_t>(step->bytes_written)));
      if (step->bytes_read == 0) output_.resize(output_.size() * 2);
    }
    return OkStatus();
  }

  Status Finish() override {
    while (true) {
      auto step = compressor_->End(static_cast<int64_t>(output_.size()), output_.data());
      if (!step.ok()) return Internal(step.status());
      TRY_VOID(sink_->Write(output_.data(), static_cast<size_t>(step->bytes_written)));
      if (!step->should_retry) return OkStatus();
      if (step->bytes_written == 0) output_.resize(output_.size() * 2);
    }
  }

 private:
  static Error Internal(const arrow::Status& status) {
    return Error(ErrorKind::kInternal, "InternalServerError", status.message());
  }
  ByteSink* sink_;
  std::shared_ptr<arrow::util::Compressor> compressor_;
  std::vector<uint8_t> output_;
};

// Snappy framing format (google/snappy framing_format.txt): chunks of type byte, 24-bit length, and
// for data a masked CRC-32C of the plain bytes; plain pieces of at most 64 KiB.
constexpr char kSnappyHeader[] = "\xff\x06\x00\x00sNaPpY";
constexpr size_t kSnappyHeaderBytes = 10;
constexpr size_t kSnappyPieceBytes = 65'536;

uint32_t SnappyMask(uint32_t crc) { return ((crc >> 15) | (crc << 17)) + 0xA282EAD8U; }

/// A codec for one piece at a time: what is around the pieces is ours.
Result<std::unique_ptr<arrow::util::Codec>> MakePieceCodec(arrow::Compression::type type) {
  auto made = arrow::util::Codec::Create(type);
  if (!made.ok())
    return Error(ErrorKind::kInternal, "InternalServerError", made.status().ToString());
  return std::move(made).ValueUnsafe();
}

Result<std::unique_ptr<arrow::util::Codec>> MakeSnappy() {
  return MakePieceCodec(arrow::Compression::SNAPPY);
}

class SnappyDecoder : public ByteSource {
 public:
  SnappyDecoder(ByteSource* source, std::unique_ptr<arrow::util::Codec> codec)
      : source_(source), codec_(std::move(codec)) {}

  Result<size_t> Read(void* buffer, size_t size) override {
    while (begin_ == plain_.size()) {
      TRY(bool more, NextChunk());
      if (!more) return size_t{0};
    }
    size_t n = std::min(size, plain_.size() - begin_);
    std::memcpy(buffer, plain_.data() + begin_, n);
    begin_ += n;
    return n;
  }

 private:
  Result<size_t> Fill(uint8_t* buffer, size_t size) {
    size_t got = 0;
    while (got < size) {
      TRY(size_t n, source_->Read(buffer + got, size - got));
      if (n == 0) break;
      got += n;
    }
    return got;
  }

  Result<bool> NextChunk() {
    uint8_t head[4];
    TRY(size_t got, Fill(head, sizeof head));
    if (got == 0) return false;
    if (got < sizeof head) return Malformed("cut snappy chunk header");
    size_t length =
        head[1] | static_cast<size_t>(head[2]) << 8 | static_cast<size_t>(head[3]) << 16;
    std::vector<uint8_t> body(length);
    TRY(size_t body_size, Fill(body.data(), length));
    if (body_size < length) return Malformed("cut snappy chunk");
    plain_.clear();
    begin_ = 0;
    if (head[0] == 0xff) {
      if (length != 6 || std::memcmp(body.data(), "sNaPpY", 6) != 0) {
        return Malformed("bad snappy stream identifier");
      }
      identified_ = true;
      return true;
    }
    if (!identified_) return Malformed("snappy stream without identifier");
    if (head[0] > 1) {
      if (head[0] < 0x80) return Malformed("unknown snappy chunk type");
      return true;  // skippable or padding
    }
    return Unpack(head[0] == 0, body);
  }

  Result<bool> Unpack(bool compressed, const std::vector<uint8_t>& body) {
    if (body.size() < 4) return Malformed("snappy chunk without checksum");
    auto size = static_cast<int64_t>(body.size()) - 4;
    plain_.resize(kSnappyPieceBytes);
    if (compressed) {
      auto unpacked = codec_->Decompress(size, body.data() + 4, static_cast<int64_t>(plain_.size()),
                                         plain_.data());
      if (!unpacked.ok()) return Malformed("cannot decompress: " + unpacked.status().message());
      plain_.resize(static_cast<size_t>(*unpacked));
    } else {
      if (body.size() - 4 > kSnappyPieceBytes) return Malformed("snappy chunk too long");
      plain_.assign(body.begin() + 4, body.end());
    }
    uint32_t stored;
    std::memcpy(&stored, body.data(), sizeof stored);
    if (stored != SnappyMask(Crc32c(0, plain_.data(), plain_.size()))) {
      return Malformed("wrong checksum in a snappy chunk");
    }
    return true;
  }

  ByteSource* source_;
  std::unique_ptr<arrow::util::Codec> codec_;
  std::vector<uint8_t> plain_;
  size_t begin_ = 0;
  bool identified_ = false;
};

class SnappyEncoder : public EncodingSink {
 public:
  SnappyEncoder(ByteSink* sink, std::unique_ptr<arrow::util::Codec> codec)
      : sink_(sink), codec_(std::move(codec)) {}

  Status Write(const void* data, size_t size) override {
    const auto* bytes = static_cast<const uint8_t*>(data);
    if (!begun_) TRY_VOID(sink_->Write(kSnappyHeader, kSnappyHeaderBytes));
    begun_ = true;
    while (size > 0) {
      size_t n = std::min(size, kSnappyPieceBytes);
      TRY_VOID(WritePiece(bytes, n));
      bytes += n;
      size -= n;
    }
    return OkStatus();
  }

  Status Finish() override { return begun_ ? OkStatus() : Write(nullptr, 0); }

 private:
  Status WritePiece(const uint8_t* bytes, size_t size) {
    auto plain_size = static_cast<int64_t>(size);
    std::vector<uint8_t> chunk(8 +
                               static_cast<size_t>(codec_->MaxCompressedLen(plain_size, bytes)));
    auto packed = codec_->Compress(plain_size, bytes, static_cast<int64_t>(chunk.size()) - 8,
                                   chunk.data() + 8);
    if (!packed.ok()) {
      return Error(ErrorKind::kInternal, "InternalServerError", packed.status().message());
    }
    size_t length = static_cast<size_t>(*packed) + 4;
    chunk[0] = 0;
    chunk[1] = static_cast<uint8_t>(length);
    chunk[2] = static_cast<uint8_t>(length >> 8);
    chunk[3] = static_cast<uint8_t>(length >> 16);
    uint32_t crc = SnappyMask(Crc32c(0, bytes, size));
    std::memcpy(chunk.data() + 4, &crc, sizeof crc);
    return sink_->Write(chunk.data(), length + 4);
  }

  ByteSink* sink_;
  std::unique_ptr<arrow::util::Codec> codec_;
  bool begun_ = false;
};

// LZ4 frame (lz4/lz4 doc/lz4_Frame_format.md) of independent 64 KiB blocks, since the lz4-java that
// odps-sdk-core 0.52 brings reads no other; Arrow's own frames link each block to the one before.
// Magic, flags (version 01, blocks independent), block size, header checksum; then blocks of LE32
// length and bytes, the length's top bit set where they are plain; then a zero length.
constexpr char kLz4Header[] = "\x04\x22\x4d\x18\x60\x40\x82";
constexpr size_t kLz4HeaderBytes = 7;
constexpr size_t kLz4PieceBytes = 65'536;
constexpr uint32_t kLz4Plain = 0x80000000U;

class Lz4Encoder : public EncodingSink {
 public:
  Lz4Encoder(ByteSink* sink, std::unique_ptr<arrow::util::Codec> codec)
      : sink_(sink), codec_(std::move(codec)) {}

  Status Write(const void* data, size_t size) override {
    const auto* bytes = static_cast<const uint8_t*>(data);
    while (size > 0) {
      size_t n = std::min(size, kLz4PieceBytes - piece_.size());
      piece_.insert(piece_.end(), bytes, bytes + n);
      bytes += n;
      size -= n;
      if (piece_.size() == kLz4PieceBytes) TRY_VOID(WritePiece());
    }
    return OkStatus();
  }

  Status Finish() override {
    if (!piece_.empty()) TRY_VOID(WritePiece());
    TRY_VOID(Begin());
    return WriteLength(0);
  }

 private:
  Status Begin() {
    if (begun_) return OkStatus();
    begun_ = true;
    return sink_->Write(kLz4Header, kLz4HeaderBytes);
  }

  Status WriteLength(uint32_t length) { return sink_->Write(&length, sizeof length); }

  Status WritePiece() {
    TRY_VOID(Begin());
    auto size = static_cast<int64_t>(piece_.size());
    packed_.resize(static_cast<size_t>(codec_->MaxCompressedLen(size, piece_.data())));
    auto packed =
        codec_->Compress(size, piece_.data(), static_cast<int64_t>(packed_.size()), packed_.data());
    if (!packed.ok()) {
      return Error(ErrorKind::kInternal, "InternalServerError", packed.status().message());
    }
    bool plain = *packed >= size;
    auto length = static_cast<uint32_t>(plain ? size : *packed);
    TRY_VOID(WriteLength(plain ? length | kLz4Plain : length));
    TRY_VOID(sink_->Write(plain ? piece_.data() : packed_.data(), length));
    piece_.clear();
    return OkStatus();
  }

  ByteSink* sink_;
  std::unique_ptr<arrow::util::Codec> codec_;
  std::vector<uint8_t> piece_;
  std::vector<uint8_t> packed_;
  bool begun_ = false;
};

}  // namespace

Result<std::unique_ptr<ByteSource>> MakeDecoder(std::string_view token, ByteSource* source) {
  if (token.empty() || token == "identity") return std::unique_ptr<ByteSource>();
  if (token == "x-snappy-framed") {
    TRY(auto snappy, MakeSnappy());
    return std::unique_ptr<ByteSource>(std::make_unique<SnappyDecoder>(source, std::move(snappy)));
  }
  if (!IsStreamCodec(token)) {
    return Error(ErrorKind::kUnsupported, "NotImplemented",
                 "Content-Encoding '" + std::string(token) +
                     "' is not known; use deflate, zstd, x-lz4-frame, x-odps-lz4-frame or "
                     "x-snappy-framed");
  }
  TRY(auto codec, MakeCodec(token));
  auto decompressor = codec->MakeDecompressor();
  if (!decompressor.ok()) {
    return Error(ErrorKind::kInternal, "InternalServerError", decompressor.status().ToString());
  }
  return std::unique_ptr<ByteSource>(std::make_unique<StreamDecoder>(source, *decompressor));
}

Result<std::unique_ptr<EncodingSink>> MakeEncoder(std::string_view token, ByteSink* sink) {
  if (token == "x-snappy-framed") {
    TRY(auto snappy, MakeSnappy());
    return std::unique_ptr<EncodingSink>(std::make_unique<SnappyEncoder>(sink, std::move(snappy)));
  }
  if (!IsStreamCodec(token)) return std::unique_ptr<EncodingSink>();
  if (token.ends_with("lz4-frame")) {
    TRY(auto lz4, MakePieceCodec(arrow::Compression::LZ4));
    return std::unique_ptr<EncodingSink>(std::make_unique<Lz4Encoder>(sink, std::move(lz4)));
  }
  TRY(auto codec, MakeCodec(token));
  auto compressor = codec->MakeCompressor();
  if (!compressor.ok()) {
    return Error(ErrorKind::kInternal, "InternalServerError", compressor.status().ToString());
  }
  return std::unique_ptr<EncodingSink>(std::make_unique<StreamEncoder>(sink, *compressor));
}

}  // namespace mms::sandbox
