#include "clients/maxcompute/random_id.h"

#include <unistd.h>

#include <array>
#include <cstdint>
#include <cstdio>

#include "base/result.h"

namespace mms::maxcompute {

std::string RandomId() {
  std::array<uint32_t, 4> bits{};
  CHECK(getentropy(bits.data(), sizeof(bits)) == 0);  // fails where the system has none
  bits[1] = (bits[1] & 0xffff0fff) | 0x4000;          // version
  bits[2] = (bits[2] & 0x3fffffff) | 0x80000000;      // variant
  std::array<char, 40> text;
  std::snprintf(text.data(), text.size(), "%08x-%04x-%04x-%04x-%04x%08x", bits[0], bits[1] >> 16,
                bits[1] & 0xffff, bits[2] >> 16, bits[2] & 0xffff, bits[3]);
  return text.data();
}

}  // namespace mms::maxcompute
