// Compression of Tunnel's block bodies: around the complete framed block, as HTTP content coding.
// Streams both ways, with less than a MiB of memory each.
//
// Tokens and byte forms as PyODPS 0.13 and odps-sdk-core 0.52 send them: "deflate" is a zlib stream
// (RFC 1950), "x-snappy-framed" the snappy framing format, "x-lz4-frame" (records) and
// "x-odps-lz4-frame" (Arrow) an LZ4 frame, "zstd" a Zstandard frame. The compressors are those of
// Arrow's library. Threads: one at a time per object.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/http_client.h"
#include "base/result.h"
#include "clients/maxcompute/types.h"

namespace mms::maxcompute {

enum class Codec { kRaw, kDeflate, kSnappy, kLz4, kZstd };
inline constexpr Codec kCodecs[] = {Codec::kRaw, Codec::kDeflate, Codec::kSnappy, Codec::kLz4,
                                    Codec::kZstd};

/// "raw", "deflate", "snappy", "lz4", "zstd": the word for people and settings.
std::string_view CodecName(Codec codec);
std::optional<Codec> ParseCodec(std::string_view name);

/// The token of Content-Encoding and Accept-Encoding; "identity" for kRaw.
std::string_view ContentCoding(Codec codec, BlockForm form);
/// The codec of a token; "" is kRaw.
std::optional<Codec> FromContentCoding(std::string_view token);

class Compressor {
 public:
  virtual ~Compressor() = default;
  /// Appends to `out` what is ready of `bytes` and those before. Errors: kInternal TUNNEL_CODEC.
  virtual Status Add(std::string_view bytes, std::string& out) = 0;
  virtual Status End(std::string& out) = 0;
};

class Decompressor {
 public:
  using Sink = std::function<Status(std::string_view)>;

  virtual ~Decompressor() = default;
  /// Gives `sink` what `bytes` hold, piece by piece. Errors: kCorrupt TUNNEL_CODEC; those of
  /// `sink`.
  virtual Status Add(std::string_view bytes, const Sink& sink) = 0;
  /// The bytes have ended: kCorrupt TUNNEL_TRUNCATED when the compressed stream has not.
  virtual Status End() = 0;
};

/// nullptr for kRaw.
std::unique_ptr<Compressor> MakeCompressor(Codec codec);
std::unique_ptr<Decompressor> MakeDecompressor(Codec codec);

/// A body, compressed while it is sent. Borrows the plain one.
class CompressedUpload : public HttpUpload {
 public:
  CompressedUpload(HttpUpload* plain, Codec codec);
  Result<size_t> Read(std::span<char> buffer) override;
  /// Bytes handed out so far.
  int64_t bytes() const { return bytes_; }

 private:
  HttpUpload* plain_;
  std::unique_ptr<Compressor> compressor_;  ///< nullptr for kRaw
  std::string in_;
  std::string out_;
  size_t handed_ = 0;
  bool ended_ = false;
  int64_t bytes_ = 0;
};

}  // namespace mms::maxcompute
