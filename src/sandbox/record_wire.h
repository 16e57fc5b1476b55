// Field numbers and wire types of record blocks (record_block.h), shared by reader and writer.
#pragma once

#include <cstdint>

#include "sandbox/column_type.h"

namespace mms::sandbox {

inline constexpr uint64_t kEndRecord = 33'553'408;
inline constexpr uint64_t kMetaCount = 33'554'430;
inline constexpr uint64_t kMetaChecksum = 33'554'431;

inline constexpr uint32_t kWireVarint = 0;
inline constexpr uint32_t kWireFixed64 = 1;
inline constexpr uint32_t kWireBytes = 2;
inline constexpr uint32_t kWireFixed32 = 5;

inline uint32_t WireTypeOf(TypeId id) {
  switch (id) {
    case TypeId::kTinyint:
    case TypeId::kSmallint:
    case TypeId::kInt:
    case TypeId::kBigint:
    case TypeId::kBoolean:
    case TypeId::kDate:
    case TypeId::kDatetime: return kWireVarint;
    case TypeId::kFloat: return kWireFixed32;
    case TypeId::kDouble: return kWireFixed64;
    default: return kWireBytes;
  }
}

}  // namespace mms::sandbox
