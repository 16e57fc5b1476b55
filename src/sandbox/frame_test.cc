#include "sandbox/frame.h"

#include <gtest/gtest.h>

#include "sandbox/memory_body.h"

namespace mms::sandbox {
namespace {

Result<std::string> Unframe(const std::string& body) {
  MemorySource source(body);
  FrameReader reader(&source);
  std::string payload;
  char piece[5];
  while (true) {
    TRY(size_t got, reader.Read(piece, sizeof piece));
    if (got == 0) return payload;
    payload.append(piece, got);
  }
}

std::string Frame(const std::string& payload, uint32_t chunk_size) {
  MemorySink sink;
  FrameWriter writer(&sink, chunk_size);
  EXPECT_TRUE(writer.Write(payload.data(), payload.size()));
  EXPECT_TRUE(writer.Finish());
  return sink.bytes;
}

const std::string kTen = FromHex("00 01 02 03 04 05 06 07 08 09");
// Worked out by hand from the frame's definition with a chunk size of 4.
const std::string kTenFramed =
    FromHex("00 00 00 04 | 00 01 02 03 d9 33 1a a3 | 04 05 06 07 b5 df 79 89 | 08 09 02 2c 21 31");
const std::string kEightFramed =
    FromHex("00 00 00 04 | 00 01 02 03 d9 33 1a a3 | 04 05 06 07 b5 df 79 89 | 8a 2c bc 3b");

TEST(FrameWriter, WritesTheWorkedExamples) {
  EXPECT_EQ(Frame(kTen, 4), kTenFramed);
  EXPECT_EQ(Frame(kTen.substr(0, 8), 4), kEightFramed);
}

TEST(FrameReader, ReadsTheWorkedExamples) {
  EXPECT_EQ(Unframe(kTenFramed).value(), kTen);
  EXPECT_EQ(Unframe(kEightFramed).value(), kTen.substr(0, 8));
}

TEST(FrameReader, TakesBothFormsOfAnEmptyBlock) {
  EXPECT_EQ(Unframe("").value(), "");
  EXPECT_EQ(Unframe(FromHex("00 00 00 00")).value(), "");
}

TEST(FrameReader, RefusesABodyCutAtAnyByte) {
  for (size_t size = 1; size < kTenFramed.size(); ++size) {
    // Four bytes of the size word alone are a frame without its final checksum.
    auto payload = Unframe(kTenFramed.substr(0, size));
    ASSERT_FALSE(payload.has_value()) << size;
    EXPECT_EQ(payload.error().code(), "MalformedDataStream") << size;
  }
}

TEST(FrameReader, RefusesAnyFlippedBit) {
  for (size_t byte = 4; byte < kTenFramed.size(); ++byte) {
    std::string body = kTenFramed;
    body[byte] = static_cast<char>(body[byte] ^ 1);
    EXPECT_FALSE(Unframe(body).has_value()) << byte;
  }
}

TEST(FrameReader, ReadsEveryLengthAroundTheChunkBorder) {
  for (size_t size = 0; size < 40; ++size) {
    std::string payload(size, 'x');
    EXPECT_EQ(Unframe(Frame(payload, 8)).value(), payload) << size;
  }
}

TEST(FrameReader, RefusesAChunkSizeThatWouldTakeAllMemory) {
  EXPECT_FALSE(Unframe(FromHex("ff ff ff ff 00 00 00 00")).has_value());
}

}  // namespace
}  // namespace mms::sandbox
