#include "clients/maxcompute/crc32c.h"

#include <nmmintrin.h>

#include <cstring>

namespace mms::maxcompute {
namespace {

// Bit 31 is the coefficient of x^0 throughout ("reflected"), as the instruction has it.
constexpr uint32_t kPolynomial = 0x82F63B78;
constexpr uint32_t kOne = 0x80000000;

/// a * b modulo the polynomial.
uint32_t Multiply(uint32_t a, uint32_t b) {
  uint32_t product = 0;
  for (uint32_t bit = kOne; bit != 0; bit >>= 1) {
    if ((a & bit) != 0) product ^= b;
    b = (b & 1) != 0 ? (b >> 1) ^ kPolynomial : b >> 1;
  }
  return product;
}

/// x^(8 * size) modulo the polynomial: the factor that `size` more bytes put on a sum.
uint32_t PowerOfBytes(uint64_t size) {
  uint32_t square = kOne >> 8;  // x^8
  uint32_t power = kOne;
  for (; size != 0; size >>= 1) {
    if ((size & 1) != 0) power = Multiply(power, square);
    square = Multiply(square, square);
  }
  return power;
}

uint64_t Load(const unsigned char* at) {
  uint64_t word;
  std::memcpy(&word, at, sizeof word);
  return word;
}

// The instruction gives a result after three cycles but starts one each cycle, so three streams run
// side by side and are combined after kLongBytes (few combinations) or kShortBytes (for what is
// left) each.
constexpr size_t kLongBytes = 4096;
constexpr size_t kShortBytes = 256;

template <size_t kStreamBytes>
const unsigned char* SumTriples(const unsigned char* data, size_t& size, uint64_t& sum) {
  static const Crc32cCombiner combiner(kStreamBytes);
  while (size >= 3 * kStreamBytes) {
    uint64_t second = 0;
    uint64_t third = 0;
    for (size_t i = 0; i < kStreamBytes; i += 8) {
      sum = _mm_crc32_u64(sum, Load(data + i));
      second = _mm_crc32_u64(second, Load(data + kStreamBytes + i));
      third = _mm_crc32_u64(third, Load(data + 2 * kStreamBytes + i));
    }
    sum = combiner.Shift(static_cast<uint32_t>(sum)) ^ second;
    sum = combiner.Shift(static_cast<uint32_t>(sum)) ^ third;
    data += 3 * kStreamBytes;
    size -= 3 * kStreamBytes;
  }
  return data;
}

}  // namespace

uint32_t Crc32c(uint32_t crc, const void* bytes, size_t size) {
  const auto* data = static_cast<const unsigned char*>(bytes);
  uint64_t sum = ~crc;
  data = SumTriples<kLongBytes>(data, size, sum);
  data = SumTriples<kShortBytes>(data, size, sum);
  for (; size >= 8; size -= 8, data += 8) sum = _mm_crc32_u64(sum, Load(data));
  auto short_sum = static_cast<uint32_t>(sum);
  for (; size > 0; --size, ++data) short_sum = _mm_crc32_u8(short_sum, *data);
  return ~short_sum;
}

uint32_t Crc32cCombine(uint32_t crc_a, uint32_t crc_b, uint64_t size_b) {
  // The start values of A and B and the last XORs cancel out: the finished sums combine as they
  // are.
  return Multiply(PowerOfBytes(size_b), crc_a) ^ crc_b;
}

Crc32cCombiner::Crc32cCombiner(uint64_t size_b) {
  const uint32_t factor = PowerOfBytes(size_b);
  for (size_t byte = 0; byte < tables_.size(); ++byte) {
    for (uint32_t value = 0; value < 256; ++value) {
      tables_[byte][value] = Multiply(factor, value << (8 * byte));
    }
  }
}

}  // namespace mms::maxcompute
