// The snappy framing format (framing_format.txt of google/snappy): chunks of up to 64 KiB, each
// under a masked CRC-32C. Arrow's library has snappy itself, but not this frame around it. Threads:
// one at a time per object.
#pragma once

#include <arrow/util/type_fwd.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "clients/maxcompute/codec.h"

namespace mms::maxcompute {

class SnappyCompressor : public Compressor {
 public:
  SnappyCompressor();
  ~SnappyCompressor() override;
  Status Add(std::string_view bytes, std::string& out) override;
  Status End(std::string& out) override;

 private:
  Status AddChunk(std::string_view bytes, std::string& out);
  void Begin(std::string& out);

  std::unique_ptr<arrow::util::Codec> codec_;
  std::vector<uint8_t> compressed_;
  std::string waiting_;  ///< less than a chunk
  bool begun_ = false;
};

class SnappyDecompressor : public Decompressor {
 public:
  SnappyDecompressor();
  ~SnappyDecompressor() override;
  Status Add(std::string_view bytes, const Sink& sink) override;
  Status End() override;

 private:
  Status TakeChunk(unsigned char type, std::string_view content, const Sink& sink);
  Status TakeData(std::string_view content, bool compressed, const Sink& sink);

  std::unique_ptr<arrow::util::Codec> codec_;
  std::string waiting_;  ///< less than a chunk with its header
  std::vector<uint8_t> plain_;
  bool begun_ = false;
};

}  // namespace mms::maxcompute
