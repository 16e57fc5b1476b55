// One 64-bit hash per value of an Arrow array, in the canonical forms that checksum.h promises.
#pragma once

#include <arrow/type_fwd.h>

#include <cstdint>

#include "base/result.h"

namespace mms::migration {

/// What a NULL hashes to, at any level.
inline constexpr uint64_t kNullHash = 0x9E3779B97F4A7C15ULL;

/// Spreads every input bit over the whole word (two multiply-xorshift rounds).
inline uint64_t Mix(uint64_t x) {
  x ^= x >> 32;
  x *= 0xD6E8FEB86659FD93ULL;
  x ^= x >> 32;
  x *= 0xD6E8FEB86659FD93ULL;
  return x ^ (x >> 32);
}

/// Writes array.length() hashes to `out`. Errors: kUnsupported CHECKSUM_TYPE naming the Arrow type.
Status HashValues(const arrow::Array& array, uint64_t* out);

}  // namespace mms::migration
