// What a seed decides, drawn by name: the same seed, call, object and count give the same number,
// whatever the threads did in between. Pure.
#pragma once

#include <cstdint>
#include <string_view>

namespace mms::simulation {

class Draw {
 public:
  explicit Draw(uint64_t seed) : seed_(seed) {}

  uint64_t seed() const { return seed_; }

  /// Of the `nth` time that `what` happens.
  uint64_t Bits(std::string_view what, uint64_t nth = 0) const {
    uint64_t hash = Mix(seed_ + 0x9e3779b97f4a7c15ULL);
    for (const char c : what) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3ULL;
    return Mix(hash ^ Mix(nth + 1));
  }
  /// From `least` to `most`.
  int64_t Number(std::string_view what, int64_t least, int64_t most, uint64_t nth = 0) const {
    const auto count = static_cast<uint64_t>(most - least + 1);
    return least + static_cast<int64_t>(Bits(what, nth) % count);
  }
  bool Happens(std::string_view what, double share, uint64_t nth = 0) const {
    return static_cast<double>(Bits(what, nth) >> 11) * 0x1p-53 < share;
  }

 private:
  // splitmix64's finalizer
  static uint64_t Mix(uint64_t x) {
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
    return x ^ (x >> 31);
  }

  uint64_t seed_;
};

}  // namespace mms::simulation
