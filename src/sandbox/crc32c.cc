#include "sandbox/crc32c.h"

#include <nmmintrin.h>

#include <cstring>

namespace mms::sandbox {
namespace {

constexpr uint32_t kPolynomial = 0x82F63B78U;

/// A 32x32 matrix over GF(2), one column per bit of the register.
using Matrix = std::array<uint32_t, 32>;

uint32_t Multiply(const Matrix& matrix, uint32_t vector) {
  uint32_t sum = 0;
  for (size_t bit = 0; vector != 0; vector >>= 1, ++bit) {
    if (vector & 1) sum ^= matrix[bit];
  }
  return sum;
}

Matrix Square(const Matrix& matrix) {
  Matrix result{};
  for (size_t bit = 0; bit < 32; ++bit) result[bit] = Multiply(matrix, matrix[bit]);
  return result;
}

/// What `size` zero bytes do to the register.
Matrix ZeroBytes(size_t size) {
  Matrix one_bit{};
  one_bit[0] = kPolynomial;
  for (size_t bit = 1; bit < 32; ++bit) one_bit[bit] = 1U << (bit - 1);
  Matrix power = Square(Square(Square(one_bit)));  // one byte
  Matrix result{};
  for (size_t bit = 0; bit < 32; ++bit) result[bit] = 1U << bit;
  for (; size != 0; size >>= 1) {
    if (size & 1) {
      Matrix product{};
      for (size_t bit = 0; bit < 32; ++bit) product[bit] = Multiply(power, result[bit]);
      result = product;
    }
    power = Square(power);
  }
  return result;
}

/// The instruction has a latency of three cycles and a throughput of one: three lanes keep it busy.
constexpr size_t kLaneBytes = 8 * 1024;

uint64_t Load(const char* bytes) {
  uint64_t word;
  std::memcpy(&word, bytes, sizeof word);
  return word;
}

uint64_t Plain(uint64_t crc, const char* bytes, size_t size) {
  for (; size >= 8; bytes += 8, size -= 8) crc = _mm_crc32_u64(crc, Load(bytes));
  for (; size > 0; ++bytes, --size) {
    crc = _mm_crc32_u8(static_cast<uint32_t>(crc), static_cast<unsigned char>(*bytes));
  }
  return crc;
}

}  // namespace

Crc32cJoiner::Crc32cJoiner(size_t second_size) : table_{} {
  Matrix zeros = ZeroBytes(second_size);
  for (size_t byte = 0; byte < 4; ++byte) {
    for (uint32_t value = 0; value < 256; ++value) {
      table_[byte][value] = Multiply(zeros, value << (8 * byte));
    }
  }
}

uint32_t Crc32cJoiner::Join(uint32_t first, uint32_t second) const {
  return table_[0][first & 255] ^ table_[1][(first >> 8) & 255] ^ table_[2][(first >> 16) & 255] ^
         table_[3][first >> 24] ^ second;
}

uint32_t Crc32c(uint32_t seed, const void* data, size_t size) {
  static const Crc32cJoiner lane_joiner(kLaneBytes);
  const char* bytes = static_cast<const char*>(data);
  uint64_t crc = ~seed;
  crc &= 0xFFFFFFFFU;
  while (size >= 3 * kLaneBytes) {
    uint64_t a = crc;
    uint64_t b = 0;
    uint64_t c = 0;
    for (size_t at = 0; at < kLaneBytes; at += 8) {
      a = _mm_crc32_u64(a, Load(bytes + at));
      b = _mm_crc32_u64(b, Load(bytes + at + kLaneBytes));
      c = _mm_crc32_u64(c, Load(bytes + at + 2 * kLaneBytes));
    }
    uint32_t ab = lane_joiner.Join(static_cast<uint32_t>(a), static_cast<uint32_t>(b));
    crc = lane_joiner.Join(ab, static_cast<uint32_t>(c));
    bytes += 3 * kLaneBytes;
    size -= 3 * kLaneBytes;
  }
  return ~static_cast<uint32_t>(Plain(crc, bytes, size));
}

}  // namespace mms::sandbox
