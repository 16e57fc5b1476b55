#include "migration/checksum/value_hash.h"

#include <arrow/array.h>
#include <arrow/type.h>
#include <arrow/util/decimal.h>

#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <type_traits>
#include <vector>

#define XXH_INLINE_ALL
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wconversion"
#include <xxhash.h>
#pragma GCC diagnostic pop

namespace mms::migration {
namespace {

// Persisted in ledgers through the sums they make: never change, never reuse.
enum class Tag : uint64_t {
  kInteger = 0x1B873593A1C4F2E5ULL,
  kBoolean = 0x2545F4914F6CDD1DULL,
  kFloat = 0x369DEA0F31A53F85ULL,
  kDate = 0x4CF5AD432745937FULL,
  kTimestamp = 0x52DCE729D1B54A33ULL,
  kDecimal = 0x6C62272E07BB0142ULL,
  kText = 0x7FB5D329728EA185ULL,
  kBinary = 0x85EBCA77C2B2AE63ULL,
  kList = 0x94D049BB133111EBULL,
  kMap = 0xA0761D6478BD642FULL,
  kStruct = 0xBF58476D1CE4E5B9ULL,
};
constexpr uint64_t kFold =
    0x9FB21C651E98DF25ULL;  // odd: folding one hash onto another loses nothing

constexpr uint64_t Seed(Tag tag) { return static_cast<uint64_t>(tag); }

/// Calls hash(i) for each valid row, kNullHash for the others.
template <class HashOne>
void Fill(const arrow::Array& array, uint64_t* out, HashOne hash) {
  const int64_t rows = array.length();
  if (array.null_count() == 0) {
    for (int64_t i = 0; i < rows; ++i) out[i] = hash(i);
    return;
  }
  for (int64_t i = 0; i < rows; ++i) out[i] = array.IsNull(i) ? kNullHash : hash(i);
}

template <class ArrayType>
void HashIntegers(const arrow::Array& array, uint64_t* out, Tag tag) {
  const auto* values = static_cast<const ArrayType&>(array).raw_values();
  Fill(array, out, [=](int64_t i) {
    return Mix(static_cast<uint64_t>(static_cast<int64_t>(values[i])) ^ Seed(tag));
  });
}

template <class ArrayType>
void HashFloats(const arrow::Array& array, uint64_t* out) {
  const auto* values = static_cast<const ArrayType&>(array).raw_values();
  Fill(array, out, [=](int64_t i) {
    double value = static_cast<double>(values[i]);  // exact: every float is a double
    if (std::isnan(value)) value = std::numeric_limits<double>::quiet_NaN();
    return Mix(std::bit_cast<uint64_t>(value) ^ Seed(Tag::kFloat));
  });
}

/// (microseconds, nanoseconds left): the same for any unit that holds the instant exactly.
void HashTimestamps(const arrow::TimestampArray& array, uint64_t* out) {
  const int64_t* values = array.raw_values();
  const auto unit = static_cast<const arrow::TimestampType&>(*array.type()).unit();
  const auto hash = [](int64_t micros, int64_t nanos) {
    const uint64_t first = Mix(static_cast<uint64_t>(micros) ^ Seed(Tag::kTimestamp));
    return nanos == 0 ? first : Mix(first * kFold + static_cast<uint64_t>(nanos));
  };
  switch (unit) {
    case arrow::TimeUnit::SECOND:
      return Fill(array, out, [=](int64_t i) { return hash(values[i] * 1000000, 0); });
    case arrow::TimeUnit::MILLI:
      return Fill(array, out, [=](int64_t i) { return hash(values[i] * 1000, 0); });
    case arrow::TimeUnit::MICRO:
      return Fill(array, out, [=](int64_t i) { return hash(values[i], 0); });
    case arrow::TimeUnit::NANO:
      return Fill(array, out, [=](int64_t i) {
        int64_t micros = values[i] / 1000;
        int64_t nanos = values[i] % 1000;
        if (nanos < 0) {
          nanos += 1000;
          --micros;
        }
        return hash(micros, nanos);
      });
  }
}

void HashDecimals(const arrow::Decimal128Array& array, uint64_t* out) {
  Fill(array, out, [&](int64_t i) {
    uint64_t words[2];
    std::memcpy(words, array.GetValue(i), sizeof words);
    return Mix(Mix(words[0] ^ Seed(Tag::kDecimal)) * kFold + words[1]);
  });
}

template <class ArrayType>
void HashBytes(const arrow::Array& array, uint64_t* out, Tag tag) {
  const auto& typed = static_cast<const ArrayType&>(array);
  const auto* offsets = typed.raw_value_offsets();
  const uint8_t* data = typed.raw_data();
  Fill(array, out, [=](int64_t i) {
    const auto size = static_cast<size_t>(offsets[i + 1] - offsets[i]);
    return XXH3_64bits_withSeed(data + offsets[i], size, Seed(tag));
  });
}

Status HashLists(const arrow::ListArray& array, uint64_t* out) {
  const int64_t first = array.value_offset(0);
  const int64_t count = array.value_offset(array.length()) - first;
  std::vector<uint64_t> values(static_cast<size_t>(count));
  TRY_VOID(HashValues(*array.values()->Slice(first, count), values.data()));
  Fill(array, out, [&](int64_t i) {
    uint64_t hash = Mix(static_cast<uint64_t>(array.value_length(i)) ^ Seed(Tag::kList));
    for (int64_t at = array.value_offset(i); at < array.value_offset(i + 1); ++at) {
      hash = Mix(hash * kFold + values[static_cast<size_t>(at - first)]);
    }
    return hash;
  });
  return OkStatus();
}

Status HashMaps(const arrow::MapArray& array, uint64_t* out) {
  const int64_t first = array.value_offset(0);
  const int64_t count = array.value_offset(array.length()) - first;
  std::vector<uint64_t> keys(static_cast<size_t>(count));
  std::vector<uint64_t> items(static_cast<size_t>(count));
  TRY_VOID(HashValues(*array.keys()->Slice(first, count), keys.data()));
  TRY_VOID(HashValues(*array.items()->Slice(first, count), items.data()));
  Fill(array, out, [&](int64_t i) {
    uint64_t sum = static_cast<uint64_t>(array.value_length(i));
    for (int64_t at = array.value_offset(i); at < array.value_offset(i + 1); ++at) {
      const auto entry = static_cast<size_t>(at - first);
      sum += Mix(keys[entry] * kFold + items[entry]);  // a sum: entries have no order
    }
    return Mix(sum ^ Seed(Tag::kMap));
  });
  return OkStatus();
}

Status HashStructs(const arrow::StructArray& array, uint64_t* out) {
  const auto rows = static_cast<size_t>(array.length());
  std::vector<uint64_t> folded(rows, Seed(Tag::kStruct));
  std::vector<uint64_t> values(rows);
  for (int field = 0; field < array.num_fields(); ++field) {
    TRY_VOID(HashValues(*array.field(field), values.data()));
    for (size_t i = 0; i < rows; ++i) folded[i] = Mix(folded[i] * kFold + values[i]);
  }
  Fill(array, out, [&](int64_t i) { return folded[static_cast<size_t>(i)]; });
  return OkStatus();
}

}  // namespace

Status HashValues(const arrow::Array& array, uint64_t* out) {
  using arrow::Type;
  if (array.length() == 0) return OkStatus();
  switch (array.type_id()) {
    case Type::NA: Fill(array, out, [](int64_t) { return kNullHash; }); break;
    case Type::BOOL: {
      const auto& typed = static_cast<const arrow::BooleanArray&>(array);
      Fill(array, out,
           [&](int64_t i) { return Mix((typed.Value(i) ? 1U : 0U) ^ Seed(Tag::kBoolean)); });
      break;
    }
    case Type::INT8: HashIntegers<arrow::Int8Array>(array, out, Tag::kInteger); break;
    case Type::INT16: HashIntegers<arrow::Int16Array>(array, out, Tag::kInteger); break;
    case Type::INT32: HashIntegers<arrow::Int32Array>(array, out, Tag::kInteger); break;
    case Type::INT64: HashIntegers<arrow::Int64Array>(array, out, Tag::kInteger); break;
    case Type::DATE32: HashIntegers<arrow::Date32Array>(array, out, Tag::kDate); break;
    case Type::FLOAT: HashFloats<arrow::FloatArray>(array, out); break;
    case Type::DOUBLE: HashFloats<arrow::DoubleArray>(array, out); break;
    case Type::TIMESTAMP:
      HashTimestamps(static_cast<const arrow::TimestampArray&>(array), out);
      break;
    case Type::DECIMAL128:
      HashDecimals(static_cast<const arrow::Decimal128Array&>(array), out);
      break;
    case Type::STRING: HashBytes<arrow::StringArray>(array, out, Tag::kText); break;
    case Type::BINARY: HashBytes<arrow::BinaryArray>(array, out, Tag::kBinary); break;
    case Type::LIST: return HashLists(static_cast<const arrow::ListArray&>(array), out);
    case Type::MAP: return HashMaps(static_cast<const arrow::MapArray&>(array), out);
    case Type::STRUCT: return HashStructs(static_cast<const arrow::StructArray&>(array), out);
    default:
      return Error(ErrorKind::kUnsupported, "CHECKSUM_TYPE",
                   "no checksum rule for Arrow type " + array.type()->ToString());
  }
  return OkStatus();
}

}  // namespace mms::migration
