// How fast rows get to the target raw and compressed, by sending some: what a link gives, what
// compressing takes and leaves, and what the service makes of it are all in the outcome.
//
// Threads: blocks its thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/result.h"
#include "clients/maxcompute/block.h"
#include "clients/maxcompute/codec.h"
#include "clients/maxcompute/tunnel.h"

namespace mms::migration {

inline constexpr maxcompute::Codec kCodecsMeasured[] = {
    maxcompute::Codec::kRaw, maxcompute::Codec::kLz4, maxcompute::Codec::kZstd};
inline constexpr int kMeasureRounds = 3;

struct SendSpeed {
  maxcompute::Codec codec = maxcompute::Codec::kRaw;
  double bytes_per_second = 0;  ///< of one block, before compression
  std::string refusal = {};     ///< what the service said to a block; "" = it took them
};

/// Those that bring rows at least a quarter faster than raw does, the fastest first. The margin is
/// for the processors, which have other work than compressing once the run is under way.
std::vector<SendSpeed> FasterThanRaw(const std::vector<SendSpeed>& speeds);

struct MeasureOptions {
  int64_t sample_bytes = 4 << 20;             ///< rows kept in memory, decoded
  int64_t send_bytes = 4 << 20;               ///< by each codec, the sample again if it is smaller
  std::chrono::milliseconds send_time{1000};  ///< no more rows are sent after so long
  /// Sends a block of these rows.
  std::function<Result<maxcompute::BlockResult>(maxcompute::Codec, maxcompute::BatchSource&)> send;
  std::function<std::chrono::steady_clock::time_point()> now = std::chrono::steady_clock::now;
};

/// Reads a sample off `rows` and sends it raw, by LZ4 and by Zstandard (the other two are worse
/// than one of these on any link); raw alone when no codec could be faster. While a codec seems to
/// be, all are sent again, up to kMeasureRounds in all, and the best time of each counts: chance
/// makes a send slower, never faster. A slow link leaves no room for chance, so one round does.
/// Empty when there are no rows. Errors: those of `rows`, and of `send` for raw.
Result<std::vector<SendSpeed>> MeasureSending(maxcompute::BatchSource& rows,
                                              const MeasureOptions& options);

}  // namespace mms::migration
