// Field numbers, tags and small integers of record blocks (record_block.h).
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <string>

#include "clients/maxcompute/types.h"

namespace mms::maxcompute {

inline constexpr uint32_t kFieldMetrics = 1;  // behind the count, where no record can be
inline constexpr uint32_t kFieldEndMetrics = 33554176;
inline constexpr uint32_t kFieldEndRecord = 33553408;
inline constexpr uint32_t kFieldCount = 33554430;
inline constexpr uint32_t kFieldChecksum = 33554431;

enum class WireType : uint32_t { kVarint = 0, kFixed64 = 1, kBytes = 2, kFixed32 = 5 };

inline constexpr uint32_t MakeTag(uint32_t field, WireType type) {
  return field << 3 | static_cast<uint32_t>(type);
}

inline constexpr uint64_t ZigZag(int64_t value) {
  return static_cast<uint64_t>(value) << 1 ^ static_cast<uint64_t>(value >> 63);
}
inline constexpr int64_t UnZigZag(uint64_t value) {
  return static_cast<int64_t>(value >> 1) ^ -static_cast<int64_t>(value & 1);
}

inline void AppendVarint(std::string& out, uint64_t value) {
  char bytes[10];
  size_t size = 0;
  while (value >= 0x80) {
    bytes[size++] = static_cast<char>(value | 0x80);
    value >>= 7;
  }
  bytes[size++] = static_cast<char>(value);
  out.append(bytes, size);
}

static_assert(std::endian::native == std::endian::little,
              "values are copied in and out as they lie in memory");

}  // namespace mms::maxcompute
