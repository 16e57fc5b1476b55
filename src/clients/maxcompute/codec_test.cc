#include "clients/maxcompute/codec.h"

#include <gtest/gtest.h>

#include <random>

namespace mms::maxcompute {
namespace {

class Text : public HttpUpload {
 public:
  explicit Text(std::string_view text) : text_(text) {}
  Result<size_t> Read(std::span<char> buffer) override {
    const size_t size = std::min(buffer.size(), text_.size());
    std::copy_n(text_.data(), size, buffer.data());
    text_.remove_prefix(size);
    return size;
  }

 private:
  std::string_view text_;
};

std::string Compress(Codec codec, std::string_view text, size_t step = 10'000) {
  Text plain(text);
  CompressedUpload upload(&plain, codec);
  std::string out;
  std::vector<char> buffer(step);
  while (true) {
    const Result<size_t> size = upload.Read(buffer);
    EXPECT_TRUE(size) << size.error().ToString();
    if (!size || *size == 0) break;
    out.append(buffer.data(), *size);
  }
  EXPECT_EQ(upload.bytes(), static_cast<int64_t>(out.size()));
  return out;
}

struct Plain {
  std::string text;
  Status status = OkStatus();
};

Plain Decompress(Codec codec, std::string_view bytes, size_t step = 10'000) {
  Plain plain;
  const auto decompressor = MakeDecompressor(codec);
  const auto sink = [&plain](std::string_view text) {
    plain.text += text;
    return OkStatus();
  };
  for (size_t at = 0; at < bytes.size() && plain.status; at += step) {
    plain.status = decompressor->Add(bytes.substr(at, step), sink);
  }
  if (plain.status) plain.status = decompressor->End();
  return plain;
}

/// Half of it repeats, half does not.
std::string Mixed(size_t size) {
  std::mt19937 random(7);
  std::string text;
  while (text.size() < size) {
    text += "the same words again ";
    for (int i = 0; i < 20; ++i) text.push_back(static_cast<char>(random()));
  }
  text.resize(size);
  return text;
}

const Codec kCompressing[] = {Codec::kDeflate, Codec::kSnappy, Codec::kLz4, Codec::kZstd};

TEST(Codec, WhatIsCompressedComesBackHoweverTheBytesArrive) {
  for (const Codec codec : kCompressing) {
    for (const size_t size : {0u, 1u, 65'535u, 65'536u, 65'537u, 3'000'000u}) {
      const std::string text = Mixed(size);
      const std::string bytes = Compress(codec, text);
      for (const size_t step : {size < 100'000 ? 1u : 999u, 1u << 20}) {
        const Plain plain = Decompress(codec, bytes, step);
        ASSERT_TRUE(plain.status) << CodecName(codec) << " " << plain.status.error().ToString();
        ASSERT_TRUE(plain.text == text) << CodecName(codec) << " of " << size;
      }
      EXPECT_LT(bytes.size(), std::max<size_t>(size * 7 / 10, 66'000)) << CodecName(codec);
    }
  }
}

TEST(Codec, BytesThatCannotBeCompressedPass) {
  std::mt19937 random(9);
  std::string noise(1'000'000, '\0');
  for (char& c : noise) c = static_cast<char>(random());
  const std::string zeros(20'000'000, '\0');
  for (const Codec codec : kCompressing) {
    EXPECT_TRUE(Decompress(codec, Compress(codec, noise)).text == noise) << CodecName(codec);
    EXPECT_TRUE(Decompress(codec, Compress(codec, zeros)).text == zeros) << CodecName(codec);
  }
}

TEST(Codec, StreamsBeginAsTheirFormatsSay) {
  const std::string text = Mixed(1000);
  const std::string deflate = Compress(Codec::kDeflate, text);
  EXPECT_EQ(deflate[0], '\x78');  // RFC 1950, 32 KiB window
  EXPECT_EQ(Compress(Codec::kSnappy, text).substr(0, 10), std::string("\xff\6\0\0sNaPpY", 10));
  EXPECT_EQ(Compress(Codec::kLz4, text).substr(0, 4), "\x04\x22\x4d\x18");
  const std::string zstd = Compress(Codec::kZstd, text);
  EXPECT_EQ(zstd.substr(0, 4), "\x28\xb5\x2f\xfd");
  EXPECT_EQ(zstd[4] & 0xe0, 0) << "neither content size nor single segment";
}

TEST(Codec, EveryLostEndIsNoticed) {
  const std::string text = Mixed(2000);
  for (const Codec codec : {Codec::kDeflate, Codec::kLz4, Codec::kZstd}) {
    const std::string bytes = Compress(codec, text);
    for (size_t size = 1; size < bytes.size(); ++size) {
      EXPECT_FALSE(Decompress(codec, std::string_view(bytes).substr(0, size)).status)
          << CodecName(codec) << " cut to " << size;
    }
  }
  // The snappy frame has no end mark: the block inside has to be whole.
  const std::string snappy = Compress(Codec::kSnappy, text);
  EXPECT_FALSE(
      Decompress(Codec::kSnappy, std::string_view(snappy).substr(0, snappy.size() - 1)).status);
}

TEST(Codec, ForeignAndChangedBytesAreRefused) {
  for (const Codec codec : kCompressing) {
    EXPECT_FALSE(Decompress(codec, std::string(1000, 'x')).status) << CodecName(codec);
  }
  std::string snappy = Compress(Codec::kSnappy, "one chunk of text, one chunk of text");
  snappy.back() ^= 1;
  EXPECT_FALSE(Decompress(Codec::kSnappy, snappy).status);
  EXPECT_FALSE(Decompress(Codec::kDeflate, Compress(Codec::kDeflate, "a") + "b").status);
}

TEST(Codec, FramesOneAfterAnotherAreOneText) {
  for (const Codec codec : {Codec::kSnappy, Codec::kLz4, Codec::kZstd}) {
    const Plain plain = Decompress(codec, Compress(codec, "one ") + Compress(codec, "two"), 1);
    ASSERT_TRUE(plain.status) << CodecName(codec) << plain.status.error().ToString();
    EXPECT_EQ(plain.text, "one two") << CodecName(codec);
  }
}

TEST(Codec, ASnappyStreamMayHoldWhatIsToBeSkipped) {
  const std::string stream = Compress(Codec::kSnappy, "text");
  const std::string skipped("\xfe\2\0\0xx\x90\0\0\0", 10);
  EXPECT_EQ(Decompress(Codec::kSnappy, stream + skipped).text, "text");
  EXPECT_FALSE(Decompress(Codec::kSnappy, stream + std::string("\2\1\0\0x", 5)).status);
}

TEST(Codec, NamesAndTokensAreThoseOfTheService) {
  for (const Codec codec : kCodecs) {
    EXPECT_EQ(ParseCodec(CodecName(codec)), codec);
    for (const BlockForm form : {BlockForm::kArrow, BlockForm::kRecord}) {
      EXPECT_EQ(FromContentCoding(ContentCoding(codec, form)), codec);
    }
  }
  EXPECT_EQ(ContentCoding(Codec::kLz4, BlockForm::kArrow), "x-odps-lz4-frame");
  EXPECT_EQ(ContentCoding(Codec::kLz4, BlockForm::kRecord), "x-lz4-frame");
  EXPECT_EQ(FromContentCoding(""), Codec::kRaw);
  EXPECT_EQ(FromContentCoding("br"), std::nullopt);
  EXPECT_EQ(ParseCodec("LZ4"), std::nullopt);
}

TEST(CompressedUpload, ReturnsTheErrorOfThePlainBody) {
  class Broken : public HttpUpload {
    Result<size_t> Read(std::span<char>) override {
      return Error(ErrorKind::kCorrupt, "SOURCE_BROKE", "no more rows");
    }
  } broken;
  for (const Codec codec : kCodecs) {
    std::vector<char> buffer(100);
    EXPECT_EQ(CompressedUpload(&broken, codec).Read(buffer).error().code(), "SOURCE_BROKE");
  }
}

}  // namespace
}  // namespace mms::maxcompute
