#include "clients/maxcompute/codec.h"

#include <arrow/util/compression.h>

#include <algorithm>
#include <array>
#include <utility>

#include "clients/maxcompute/snappy_frame.h"

namespace mms::maxcompute {
namespace {

using arrow::Compression;

// A piece of this size fits the output whatever it is made of: Arrow's LZ4 takes a piece only when
// its worst case does.
constexpr size_t kPieceBytes = 64 * 1024;
constexpr size_t kOutputBytes = 256 * 1024;
constexpr int kFastest = 1;  // the network has to be slow for any of this to pay

struct Names {
  Codec codec;
  std::string_view name;
  std::string_view arrow;
  std::string_view record;
};

constexpr std::array kNames = {
    Names{Codec::kRaw, "raw", "identity", "identity"},
    Names{Codec::kDeflate, "deflate", "deflate", "deflate"},
    Names{Codec::kSnappy, "snappy", "x-snappy-framed", "x-snappy-framed"},
    Names{Codec::kLz4, "lz4", "x-odps-lz4-frame", "x-lz4-frame"},
    Names{Codec::kZstd, "zstd", "zstd", "zstd"},
};

const Names& NamesOf(Codec codec) { return kNames[static_cast<size_t>(codec)]; }

Error CodecError(ErrorKind kind, const arrow::Status& status) {
  return Error(kind, "TUNNEL_CODEC", "compressed bytes of a block: " + status.message());
}

std::unique_ptr<arrow::util::Codec> MakeArrowCodec(Codec codec) {
  if (codec == Codec::kDeflate) {
    arrow::util::GZipCodecOptions options;
    options.gzip_format = arrow::util::GZipFormat::ZLIB;
    options.compression_level = kFastest;
    auto made = arrow::util::Codec::Create(Compression::GZIP, options);
    CHECK(made.ok());
    return *std::move(made);
  }
  const auto type = codec == Codec::kLz4 ? Compression::LZ4_FRAME : Compression::ZSTD;
  auto made = arrow::util::Codec::Create(type, arrow::util::CodecOptions(kFastest));
  CHECK(made.ok());
  return *std::move(made);
}

class ArrowCompressor : public Compressor {
 public:
  explicit ArrowCompressor(Codec codec) : codec_(MakeArrowCodec(codec)), output_(kOutputBytes) {
    auto made = codec_->MakeCompressor();
    CHECK(made.ok());
    compressor_ = *std::move(made);
  }

  Status Add(std::string_view bytes, std::string& out) override {
    while (!bytes.empty()) {
      const std::string_view piece = bytes.substr(0, kPieceBytes);
      const auto done = compressor_->Compress(static_cast<int64_t>(piece.size()),
                                              reinterpret_cast<const uint8_t*>(piece.data()),
                                              static_cast<int64_t>(output_.size()), output_.data());
      if (!done.ok()) return CodecError(ErrorKind::kInternal, done.status());
      CHECK(done->bytes_read > 0 || done->bytes_written > 0);
      Take(done->bytes_written, out);
      bytes.remove_prefix(static_cast<size_t>(done->bytes_read));
    }
    return OkStatus();
  }

  Status End(std::string& out) override {
    while (true) {
      const auto done = compressor_->End(static_cast<int64_t>(output_.size()), output_.data());
      if (!done.ok()) return CodecError(ErrorKind::kInternal, done.status());
      Take(done->bytes_written, out);
      if (!done->should_retry) return OkStatus();
    }
  }

 private:
  void Take(int64_t size, std::string& out) const {
    out.append(reinterpret_cast<const char*>(output_.data()), static_cast<size_t>(size));
  }

  std::unique_ptr<arrow::util::Codec> codec_;
  std::shared_ptr<arrow::util::Compressor> compressor_;
  std::vector<uint8_t> output_;
};

class ArrowDecompressor : public Decompressor {
 public:
  explicit ArrowDecompressor(Codec codec)
      : codec_(MakeArrowCodec(codec)),
        several_frames_(codec != Codec::kDeflate),
        output_(kOutputBytes) {
    auto made = codec_->MakeDecompressor();
    CHECK(made.ok());
    decompressor_ = *std::move(made);
  }

  Status Add(std::string_view bytes, const Sink& sink) override {
    bool more = false;
    while (!bytes.empty() || more) {
      if (decompressor_->IsFinished()) TRY_VOID(NextFrame());
      begun_ = true;
      const auto done = decompressor_->Decompress(
          static_cast<int64_t>(bytes.size()), reinterpret_cast<const uint8_t*>(bytes.data()),
          static_cast<int64_t>(output_.size()), output_.data());
      if (!done.ok()) return CodecError(ErrorKind::kCorrupt, done.status());
      bytes.remove_prefix(static_cast<size_t>(done->bytes_read));
      const auto size = static_cast<size_t>(done->bytes_written);
      if (size > 0) {
        TRY_VOID(sink({reinterpret_cast<const char*>(output_.data()), size}));
      } else if (done->bytes_read == 0) {
        return CodecError(ErrorKind::kCorrupt, arrow::Status::IOError("they make no sense"));
      }
      more = done->need_more_output && !decompressor_->IsFinished();
    }
    return OkStatus();
  }

  Status End() override {
    if (!begun_ || decompressor_->IsFinished()) return OkStatus();
    return Error(ErrorKind::kCorrupt, "TUNNEL_TRUNCATED",
                 "the compressed stream ends too early; read the range again");
  }

 private:
  /// LZ4 and Zstandard frames may follow each other (their format documents).
  Status NextFrame() {
    if (!several_frames_) {
      return Error(ErrorKind::kCorrupt, "TUNNEL_CODEC", "bytes follow the compressed stream");
    }
    const arrow::Status status = decompressor_->Reset();
    return status.ok() ? OkStatus() : Status(CodecError(ErrorKind::kInternal, status));
  }

  std::unique_ptr<arrow::util::Codec> codec_;
  const bool several_frames_;
  std::shared_ptr<arrow::util::Decompressor> decompressor_;
  std::vector<uint8_t> output_;
  bool begun_ = false;
};

}  // namespace

std::string_view CodecName(Codec codec) { return NamesOf(codec).name; }

std::optional<Codec> ParseCodec(std::string_view name) {
  for (const Names& entry : kNames) {
    if (entry.name == name) return entry.codec;
  }
  return std::nullopt;
}

std::string_view ContentCoding(Codec codec, BlockForm form) {
  const Names& names = NamesOf(codec);
  return form == BlockForm::kArrow ? names.arrow : names.record;
}

std::optional<Codec> FromContentCoding(std::string_view token) {
  if (token.empty()) return Codec::kRaw;
  for (const Names& entry : kNames) {
    if (entry.arrow == token || entry.record == token) return entry.codec;
  }
  return std::nullopt;
}

std::unique_ptr<Compressor> MakeCompressor(Codec codec) {
  if (codec == Codec::kRaw) return nullptr;
  if (codec == Codec::kSnappy) return std::make_unique<SnappyCompressor>();
  return std::make_unique<ArrowCompressor>(codec);
}

std::unique_ptr<Decompressor> MakeDecompressor(Codec codec) {
  if (codec == Codec::kRaw) return nullptr;
  if (codec == Codec::kSnappy) return std::make_unique<SnappyDecompressor>();
  return std::make_unique<ArrowDecompressor>(codec);
}

CompressedUpload::CompressedUpload(HttpUpload* plain, Codec codec)
    : plain_(plain), compressor_(MakeCompressor(codec)) {
  if (compressor_ != nullptr) in_.resize(kPieceBytes);
}

Result<size_t> CompressedUpload::Read(std::span<char> buffer) {
  if (compressor_ == nullptr) {
    TRY(const size_t size, plain_->Read(buffer));
    bytes_ += static_cast<int64_t>(size);
    return size;
  }
  while (handed_ == out_.size() && !ended_) {
    out_.clear();
    handed_ = 0;
    TRY(const size_t size, plain_->Read(in_));
    ended_ = size == 0;
    TRY_VOID(ended_ ? compressor_->End(out_)
                    : compressor_->Add(std::string_view(in_).substr(0, size), out_));
  }
  const size_t size = std::min(buffer.size(), out_.size() - handed_);
  std::copy_n(out_.data() + handed_, size, buffer.data());
  handed_ += size;
  bytes_ += static_cast<int64_t>(size);
  return size;
}

}  // namespace mms::maxcompute
