#include "migration/transfer/send_speed.h"

#include <arrow/record_batch.h>
#include <arrow/util/byte_size.h>

#include <algorithm>
#include <memory>
#include <utility>

namespace mms::migration {
namespace {

using maxcompute::BatchSource;
using maxcompute::Codec;
using BatchPtr = std::shared_ptr<arrow::RecordBatch>;

constexpr double kMargin = 1.25;
/// Faster than LZ4 compresses on one processor, with the margin: nothing can be won.
constexpr double kFastLink = 600e6;

/// The sample again and again until `ended`, which is given the bytes so far; one batch at least.
class Repeated : public BatchSource {
 public:
  Repeated(const std::vector<BatchPtr>& sample, std::function<bool(int64_t)> ended)
      : sample_(sample), ended_(std::move(ended)) {}

  Result<BatchPtr> Next() override {
    if (next_ > 0 && ended_(bytes_)) return BatchPtr();
    const BatchPtr& batch = sample_[next_++ % sample_.size()];
    bytes_ += arrow::util::TotalBufferSize(*batch);
    return batch;
  }

 private:
  const std::vector<BatchPtr>& sample_;
  std::function<bool(int64_t)> ended_;
  size_t next_ = 0;
  int64_t bytes_ = 0;
};

Result<std::vector<BatchPtr>> TakeSample(BatchSource& rows, int64_t bytes_max) {
  std::vector<BatchPtr> sample;
  int64_t bytes = 0;
  while (bytes < bytes_max) {
    TRY(BatchPtr batch, rows.Next());
    if (batch == nullptr) break;
    if (batch->num_rows() == 0) continue;
    bytes += arrow::util::TotalBufferSize(*batch);
    sample.push_back(std::move(batch));
  }
  return sample;
}

Result<double> MeasureOne(Codec codec, const std::vector<BatchPtr>& sample,
                          const MeasureOptions& options) {
  const auto start = options.now();
  Repeated rows(sample, [&](int64_t bytes) {
    return bytes >= options.send_bytes || options.now() - start >= options.send_time;
  });
  TRY(const maxcompute::BlockResult sent, options.send(codec, rows));
  const std::chrono::duration<double> spent = options.now() - start;
  return static_cast<double>(sent.arrow_bytes) / std::max(spent.count(), 1e-9);
}

/// Sends by each codec that was not refused yet; the better of old and new times stays.
Status MeasureRound(const std::vector<BatchPtr>& sample, const MeasureOptions& options,
                    std::vector<SendSpeed>& speeds) {
  for (SendSpeed& speed : speeds) {
    if (!speed.refusal.empty()) continue;
    Result<double> measured = MeasureOne(speed.codec, sample, options);
    if (measured) {
      speed.bytes_per_second = std::max(speed.bytes_per_second, *measured);
    } else if (speed.codec == Codec::kRaw || measured.error().kind() == ErrorKind::kCancelled) {
      return std::move(measured).error();
    } else {
      speed.refusal = measured.error().ToString();
    }
    if (speed.codec == Codec::kRaw && speed.bytes_per_second >= kFastLink) return OkStatus();
  }
  return OkStatus();
}

}  // namespace

std::vector<SendSpeed> FasterThanRaw(const std::vector<SendSpeed>& speeds) {
  double raw = 0;
  for (const SendSpeed& speed : speeds) {
    if (speed.codec == Codec::kRaw) raw = speed.bytes_per_second;
  }
  std::vector<SendSpeed> faster;
  for (const SendSpeed& speed : speeds) {
    if (speed.codec == Codec::kRaw || !speed.refusal.empty()) continue;
    if (speed.bytes_per_second >= raw * kMargin) faster.push_back(speed);
  }
  std::sort(faster.begin(), faster.end(), [](const SendSpeed& left, const SendSpeed& right) {
    return left.bytes_per_second > right.bytes_per_second;
  });
  return faster;
}

Result<std::vector<SendSpeed>> MeasureSending(BatchSource& rows, const MeasureOptions& options) {
  std::vector<SendSpeed> speeds;
  TRY(const std::vector<BatchPtr> sample, TakeSample(rows, options.sample_bytes));
  if (sample.empty()) return speeds;
  for (const Codec codec : kCodecsMeasured) speeds.push_back({codec});
  const auto start = options.now();
  for (int round = 0; round < kMeasureRounds; ++round) {
    TRY_VOID(MeasureRound(sample, options, speeds));
    const bool slow = options.now() - start >= options.send_time;
    if (slow || FasterThanRaw(speeds).empty()) break;
  }
  return speeds;
}

}  // namespace mms::migration
