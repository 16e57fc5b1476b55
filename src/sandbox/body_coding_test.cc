#include "sandbox/body_coding.h"

#include <gtest/gtest.h>

#include <random>

#include "sandbox/memory_body.h"

namespace mms::sandbox {
namespace {

Result<std::string> Decode(const std::string& token, const std::string& body) {
  MemorySource source(body, 1'000);
  TRY(auto decoder, MakeDecoder(token, &source));
  std::string plain;
  char piece[333];
  while (true) {
    TRY(size_t got, decoder->Read(piece, sizeof piece));
    if (got == 0) return plain;
    plain.append(piece, got);
  }
}

std::string Encode(const std::string& token, const std::string& plain) {
  MemorySink sink;
  auto encoder = MakeEncoder(token, &sink);
  EXPECT_TRUE(encoder.has_value());
  EXPECT_TRUE((*encoder)->Write(plain.data(), plain.size()));
  EXPECT_TRUE((*encoder)->Finish());
  return sink.bytes;
}

class Coding : public testing::TestWithParam<const char*> {};

TEST_P(Coding, GivesBackWhatWasWritten) {
  std::string plain;
  for (int i = 0; i < 60'000; ++i) plain += std::to_string(i * 7919) + ",";
  std::mt19937 noise(1);  // does not get smaller
  for (int i = 0; i < 70'000; ++i) plain += static_cast<char>(noise());
  for (size_t size : {size_t{0}, size_t{1}, size_t{65'536}, size_t{65'537}, plain.size()}) {
    std::string part = plain.substr(0, size);
    auto decoded = Decode(GetParam(), Encode(GetParam(), part));
    ASSERT_TRUE(decoded.has_value()) << size << " " << decoded.error().ToString();
    EXPECT_EQ(*decoded, part) << size;
  }
}

TEST_P(Coding, RefusesACutStream) {
  std::string body = Encode(GetParam(), std::string(100'000, 'a') + "tail");
  for (size_t cut : {size_t{1}, size_t{3}, body.size() / 2}) {
    EXPECT_FALSE(Decode(GetParam(), body.substr(0, body.size() - cut)).has_value()) << cut;
  }
}

TEST_P(Coding, RefusesBytesAfterTheEnd) {
  EXPECT_FALSE(Decode(GetParam(), Encode(GetParam(), "abc") + "zz").has_value());
}

INSTANTIATE_TEST_SUITE_P(All, Coding,
                         testing::Values("deflate", "zstd", "x-lz4-frame", "x-odps-lz4-frame",
                                         "x-snappy-framed"));

TEST(Coding, MakesLz4FramesOfIndependentBlocks) {
  std::string body = Encode("x-odps-lz4-frame", std::string(200'000, 'a'));
  ASSERT_GT(body.size(), 5U);
  EXPECT_EQ(body[4] & 0x20, 0x20);  // the flag that lz4-java insists on
  EXPECT_LT(body.size(), 4'000U);
}

TEST(Coding, RefusesAnUnknownTokenByName) {
  MemorySource source("");
  auto decoder = MakeDecoder("br", &source);
  ASSERT_FALSE(decoder.has_value());
  EXPECT_NE(decoder.error().message().find("'br'"), std::string::npos);
}

TEST(Coding, LeavesAnUnknownAcceptEncodingAlone) {
  MemorySink sink;
  EXPECT_EQ(MakeEncoder("identity", &sink).value(), nullptr);
}

}  // namespace
}  // namespace mms::sandbox
