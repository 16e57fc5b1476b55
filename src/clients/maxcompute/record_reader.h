// Reads the values of record blocks (record_block.h) off a buffer that may end too early. Pure.
//
// ReadValue walks one value of a type and hands its leaves to a sink. It is used twice for each
// record: once to see that all of it is there and its checksum right, then to append it.
#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

#include "clients/maxcompute/record_wire.h"
#include "clients/maxcompute/types.h"

namespace mms::maxcompute {

class RecordReader {
 public:
  RecordReader(const char* at, const char* end) : at_(at), end_(end) {}

  const char* at() const { return at_; }
  /// Why reading stopped: "" = the bytes ended, else what is wrong with them.
  const std::string& fault() const { return fault_; }

  // Each returns false when it stopped; nothing may be read after that.

  bool Fault(std::string what) {
    fault_ = std::move(what);
    return false;
  }

  bool Varint(uint64_t& value) {
    constexpr int kBytesMax = 10;
    value = 0;
    for (int i = 0; i < kBytesMax; ++i) {
      if (at_ == end_) return false;
      const auto byte = static_cast<unsigned char>(*at_++);
      value |= static_cast<uint64_t>(byte & 0x7f) << (7 * i);
      if (byte < 0x80) return true;
    }
    return Fault("a number of more than ten bytes");
  }

  /// A sum may be sign-extended to 64 bits (PyODPS writes it so).
  bool Crc(uint32_t& crc) {
    uint64_t value;
    if (!Varint(value)) return false;
    crc = static_cast<uint32_t>(value);
    const uint64_t high = value >> 32;
    return high == 0 || high == 0xffffffff || Fault("a checksum of more than 32 bits");
  }

  bool Integer(int64_t& value, int64_t least, int64_t most) {
    uint64_t raw;
    if (!Varint(raw)) return false;
    value = UnZigZag(raw);
    return (value >= least && value <= most) ||
           Fault("the integer " + std::to_string(value) + " is beyond its type");
  }

  template <class T>
  bool Fixed(T& value) {
    if (static_cast<size_t>(end_ - at_) < sizeof value) return false;
    std::memcpy(&value, at_, sizeof value);
    at_ += sizeof value;
    return true;
  }

  bool Bytes(std::string_view& bytes) {
    constexpr uint64_t kBytesMax = 200'000'000;  // of a record, hence of a value (help pages)
    uint64_t size;
    if (!Varint(size)) return false;
    if (size > kBytesMax) return Fault("a value of " + std::to_string(size) + " bytes");
    if (static_cast<uint64_t>(end_ - at_) < size) return false;
    bytes = std::string_view(at_, size);
    at_ += size;
    return true;
  }

  /// 1 = NULL follows nothing, 0 = a value follows.
  bool NullFlag(bool& is_null) {
    uint64_t flag;
    if (!Varint(flag)) return false;
    is_null = flag == 1;
    return flag <= 1 || Fault("a NULL flag of " + std::to_string(flag));
  }

 private:
  const char* at_;
  const char* end_;
  std::string fault_;
};

inline WireType WireTypeOf(TypeKind kind) {
  switch (kind) {
    case TypeKind::kTinyint:
    case TypeKind::kSmallint:
    case TypeKind::kInt:
    case TypeKind::kBigint:
    case TypeKind::kBoolean:
    case TypeKind::kDate:
    case TypeKind::kDatetime: return WireType::kVarint;
    case TypeKind::kFloat: return WireType::kFixed32;
    case TypeKind::kDouble: return WireType::kFixed64;
    default: return WireType::kBytes;
  }
}

template <class Sink>
bool ReadValue(const Type& type, RecordReader& reader, Sink sink);

template <class Sink>
bool ReadElement(const Type& type, RecordReader& reader, Sink sink) {
  bool is_null;
  if (!reader.NullFlag(is_null)) return false;
  if (is_null) return sink.Null(reader);
  return ReadValue(type, reader, sink);
}

template <class Sink>
bool ReadElements(const Type& type, RecordReader& reader, Sink sink) {
  uint64_t count;
  if (!reader.Varint(count)) return false;
  // Each element is a byte at least, so a wild count ends with the bytes.
  for (uint64_t i = 0; i < count; ++i) {
    if (!ReadElement(type, reader, sink)) return false;
  }
  return true;
}

template <class Sink>
bool ReadInteger(RecordReader& reader, Sink sink, int64_t least, int64_t most) {
  int64_t value;
  return reader.Integer(value, least, most) && sink.Integer(reader, value);
}

template <class Sink>
bool ReadNested(const Type& type, RecordReader& reader, Sink sink) {
  if (!sink.Begin(reader)) return false;
  if (type.kind == TypeKind::kArray) {
    return ReadElements(type.arguments[0], reader, sink.Child(0));
  }
  if (type.kind == TypeKind::kMap) {
    return ReadElements(type.arguments[0], reader, sink.Child(0)) &&
           ReadElements(type.arguments[1], reader, sink.Child(1)) && sink.End(reader);
  }
  for (size_t i = 0; i < type.arguments.size(); ++i) {
    if (!ReadElement(type.arguments[i], reader, sink.Child(static_cast<int>(i)))) return false;
  }
  return true;
}

template <class Sink>
bool ReadTimestamp(RecordReader& reader, Sink sink) {
  constexpr int64_t kNanosMax = 999'999'999;
  int64_t seconds;
  int64_t nanos;
  return reader.Integer(seconds, INT64_MIN, INT64_MAX) && reader.Integer(nanos, 0, kNanosMax) &&
         sink.Timestamp(reader, seconds, static_cast<int32_t>(nanos));
}

template <class Sink>
bool ReadValue(const Type& type, RecordReader& reader, Sink sink) {
  switch (type.kind) {
    case TypeKind::kTinyint: return ReadInteger(reader, sink, INT8_MIN, INT8_MAX);
    case TypeKind::kSmallint: return ReadInteger(reader, sink, INT16_MIN, INT16_MAX);
    case TypeKind::kDate:
    case TypeKind::kInt: return ReadInteger(reader, sink, INT32_MIN, INT32_MAX);
    case TypeKind::kDatetime:
    case TypeKind::kBigint: return ReadInteger(reader, sink, INT64_MIN, INT64_MAX);
    case TypeKind::kBoolean: {
      uint64_t value;
      if (!reader.Varint(value)) return false;
      if (value > 1) return reader.Fault("a boolean of " + std::to_string(value));
      return sink.Boolean(reader, value == 1);
    }
    case TypeKind::kFloat: {
      float value;
      return reader.Fixed(value) && sink.Float(reader, value);
    }
    case TypeKind::kDouble: {
      double value;
      return reader.Fixed(value) && sink.Double(reader, value);
    }
    case TypeKind::kTimestamp:
    case TypeKind::kTimestampNtz: return ReadTimestamp(reader, sink);
    case TypeKind::kDecimal:
    case TypeKind::kString:
    case TypeKind::kVarchar:
    case TypeKind::kChar:
    case TypeKind::kJson:
    case TypeKind::kBinary: {
      std::string_view bytes;
      return reader.Bytes(bytes) && sink.Bytes(reader, bytes);
    }
    case TypeKind::kArray:
    case TypeKind::kMap:
    case TypeKind::kStruct: break;
  }
  return ReadNested(type, reader, sink);
}

}  // namespace mms::maxcompute
