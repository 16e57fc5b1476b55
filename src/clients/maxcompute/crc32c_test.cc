#include "clients/maxcompute/crc32c.h"

#include <gtest/gtest.h>

#include <cstring>
#include <random>
#include <string>

namespace mms::maxcompute {
namespace {

uint32_t Sum(const std::string& text) { return Crc32c(0, text.data(), text.size()); }

/// The definition, bit by bit: what the fast one must equal.
uint32_t SlowSum(const std::string& text) {
  uint32_t crc = 0xFFFFFFFF;
  for (const char c : text) {
    crc ^= static_cast<unsigned char>(c);
    for (int bit = 0; bit < 8; ++bit) crc = (crc & 1) != 0 ? (crc >> 1) ^ 0x82F63B78 : crc >> 1;
  }
  return ~crc;
}

std::string RandomBytes(size_t size) {
  std::mt19937_64 random(42);
  std::string bytes(size, '\0');
  for (char& c : bytes) c = static_cast<char>(random());
  return bytes;
}

TEST(Crc32c, GivesTheValuesOfRfc3720) {
  EXPECT_EQ(Sum(""), 0u);
  EXPECT_EQ(Sum("123456789"), 0xE3069283u);
  EXPECT_EQ(Sum(std::string(32, '\0')), 0x8A9136AAu);
  EXPECT_EQ(Sum(std::string(32, '\xff')), 0x62A8AB43u);
}

TEST(Crc32c, EqualsTheDefinitionAtEveryLengthAroundItsStreamBorders) {
  const std::string bytes = RandomBytes(40000);
  for (const size_t border : {0u, 8u, 768u, 1536u, 12288u, 13056u, 24576u, 36864u}) {
    for (size_t size = border < 9 ? 0 : border - 9; size < border + 10; ++size) {
      for (const size_t from : {0u, 1u, 7u}) {
        const std::string part = bytes.substr(from, size);
        ASSERT_EQ(Sum(part), SlowSum(part)) << "size " << size << " from " << from;
      }
    }
  }
}

TEST(Crc32c, ContinuesAcrossAnySplit) {
  const std::string bytes = RandomBytes(20000);
  const uint32_t whole = Sum(bytes);
  for (const size_t split : {0u, 1u, 7u, 8u, 4095u, 12288u, 19999u, 20000u}) {
    const uint32_t first = Sum(bytes.substr(0, split));
    EXPECT_EQ(Crc32c(first, bytes.data() + split, bytes.size() - split), whole) << split;
  }
}

TEST(Crc32cCombine, GivesTheSumOfTheWhole) {
  const std::string bytes = RandomBytes(70000);
  for (const size_t split : {0u, 1u, 100u, 4464u, 69999u, 70000u}) {
    const std::string a = bytes.substr(0, split);
    const std::string b = bytes.substr(split);
    EXPECT_EQ(Crc32cCombine(Sum(a), Sum(b), b.size()), Sum(bytes)) << split;
    EXPECT_EQ(Crc32cCombiner(b.size()).Combine(Sum(a), Sum(b)), Sum(bytes)) << split;
  }
}

TEST(Crc32cCombine, HandlesLengthsBeyond32Bits) {
  // Zero bytes in three pieces of 2^33 by combination only, in both groupings.
  const uint64_t size = uint64_t{1} << 33;
  const uint32_t a = Sum("a");
  const uint32_t left = Crc32cCombine(Crc32cCombine(a, Sum("b"), 1), Sum("c"), size);
  const uint32_t right = Crc32cCombine(a, Crc32cCombine(Sum("b"), Sum("c"), size), size + 1);
  EXPECT_EQ(left, right);
}

}  // namespace
}  // namespace mms::maxcompute
