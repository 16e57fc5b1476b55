// CRC-32C (Castagnoli) as the tunnel's checksums use it: reflected polynomial 0x82F63B78, initial
// value and final xor all ones; "123456789" gives E3069283 (PyODPS 0.13 and odps-sdk-core 0.52
// agree). Pure functions, any thread.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace mms::sandbox {

/// The checksum of `seed`'s bytes followed by these; seed 0 = no bytes yet.
uint32_t Crc32c(uint32_t seed, const void* data, size_t size);

/// Whether a checksum that was sent is the one computed. A fuzzer cannot guess checksums, and what
/// lies behind them is what it is to try: in its build every sum is right.
inline bool SumsMatch(uint32_t sent, uint32_t computed) {
#ifdef FUZZING_BUILD_MODE_UNSAFE_FOR_PRODUCTION
  (void)sent;
  (void)computed;
  return true;
#else
  return sent == computed;
#endif
}

/// Joins checksums of neighbouring pieces whose second one always has the same length, so that a
/// frame's global checksum costs no second pass over the bytes.
class Crc32cJoiner {
 public:
  explicit Crc32cJoiner(size_t second_size);
  /// The checksum of first + second.
  uint32_t Join(uint32_t first, uint32_t second) const;

 private:
  std::array<std::array<uint32_t, 256>, 4> table_;
};

}  // namespace mms::sandbox
