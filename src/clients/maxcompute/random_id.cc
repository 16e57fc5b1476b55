#include "clients/maxcompute/random_id.h"

#include <array>
#include <cstdint>
#include <cstdio>
#include <random>

namespace mms::maxcompute {

std::string RandomId() {
  // Once a thread: making one asks the processor what it has, which a hypervisor traps.
  thread_local std::random_device random;
  std::array<uint32_t, 4> bits{random(), random(), random(), random()};
  bits[1] = (bits[1] & 0xffff0fff) | 0x4000;      // version
  bits[2] = (bits[2] & 0x3fffffff) | 0x80000000;  // variant
  std::array<char, 40> text;
  std::snprintf(text.data(), text.size(), "%08x-%04x-%04x-%04x-%04x%08x", bits[0], bits[1] >> 16,
                bits[1] & 0xffff, bits[2] >> 16, bits[2] & 0xffff, bits[3]);
  return text.data();
}

}  // namespace mms::maxcompute
