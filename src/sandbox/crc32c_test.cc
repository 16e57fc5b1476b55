#include "sandbox/crc32c.h"

#include <gtest/gtest.h>

#include <string>

namespace mms::sandbox {
namespace {

/// Bit by bit from the definition.
uint32_t Slow(const std::string& bytes) {
  uint32_t crc = 0xFFFFFFFFU;
  for (char c : bytes) {
    crc ^= static_cast<unsigned char>(c);
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) ? 0x82F63B78U : 0);
  }
  return ~crc;
}

std::string Pattern(size_t size) {
  std::string bytes(size, '\0');
  for (size_t i = 0; i < size; ++i) bytes[i] = static_cast<char>(i * 131 + i / 7);
  return bytes;
}

TEST(Crc32c, GivesTheCheckValue) { EXPECT_EQ(Crc32c(0, "123456789", 9), 0xE3069283U); }

TEST(Crc32c, OfNothingIsZero) { EXPECT_EQ(Crc32c(0, "", 0), 0U); }

TEST(Crc32c, EqualsTheDefinitionAtEveryKindOfLength) {
  for (size_t size : {1, 7, 8, 9, 63, 24'575, 24'576, 24'577, 65'536, 100'003}) {
    std::string bytes = Pattern(size);
    EXPECT_EQ(Crc32c(0, bytes.data(), size), Slow(bytes)) << size;
  }
}

TEST(Crc32c, ContinuesFromASeed) {
  std::string bytes = Pattern(50'000);
  uint32_t first = Crc32c(0, bytes.data(), 12'345);
  EXPECT_EQ(Crc32c(first, bytes.data() + 12'345, bytes.size() - 12'345), Slow(bytes));
}

TEST(Crc32cJoiner, JoinsNeighbours) {
  std::string bytes = Pattern(70'000);
  for (size_t second : {1, 4, 1'000, 65'536}) {
    size_t cut = bytes.size() - second;
    uint32_t a = Crc32c(0, bytes.data(), cut);
    uint32_t b = Crc32c(0, bytes.data() + cut, second);
    EXPECT_EQ(Crc32cJoiner(second).Join(a, b), Slow(bytes)) << second;
  }
}

}  // namespace
}  // namespace mms::sandbox
