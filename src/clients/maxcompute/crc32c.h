// CRC-32C (Castagnoli) by the CPU's instruction (SSE 4.2, which the build asks for). Pure; no
// state.
//
// Values are finished ones: the start value and the last XOR with all ones are inside, so the sum
// of nothing is 0 and Crc32c("123456789") is 0xE3069283 (RFC 3720 B.4). Sums of neighbouring pieces
// combine into the sum of the whole, which is how one pass gives both the sum of each chunk and
// that of a block.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace mms::maxcompute {

/// Continues `crc` (the sum of what came before; 0 = nothing) over `size` more bytes.
uint32_t Crc32c(uint32_t crc, const void* data, size_t size);

/// The sum of A followed by B, from their sums and B's length. About a microsecond.
uint32_t Crc32cCombine(uint32_t crc_a, uint32_t crc_b, uint64_t size_b);

/// Crc32cCombine for many B of one length: four table look-ups each.
class Crc32cCombiner {
 public:
  explicit Crc32cCombiner(uint64_t size_b);
  uint32_t Combine(uint32_t crc_a, uint32_t crc_b) const { return Shift(crc_a) ^ crc_b; }
  /// `crc` moved over size_b zero bytes, as a polynomial.
  uint32_t Shift(uint32_t crc) const {
    return tables_[0][crc & 0xff] ^ tables_[1][(crc >> 8) & 0xff] ^ tables_[2][(crc >> 16) & 0xff] ^
           tables_[3][crc >> 24];
  }

 private:
  std::array<std::array<uint32_t, 256>, 4> tables_;
};

}  // namespace mms::maxcompute
