#include "migration/workflow/codec_choice.h"

#include <fmt/format.h>

#include <iterator>
#include <utility>

#include "clients/maxcompute/probe.h"
#include "migration/verify/job_batch.h"
#include "migration/workflow/engine.h"

namespace mms::migration {
namespace {

using maxcompute::Codec;

constexpr int64_t kSampleBytesMin = 64 * 1024;  // of a file; fewer tell nothing
constexpr int kFailuresMax = 3;                 // measuring is given up then
constexpr int kMeasureBlocks = kMeasureRounds * static_cast<int>(std::size(kCodecsMeasured));
constexpr double kMegabyte = 1e6;

/// The smallest slice that tells enough, so that little is read twice; nullptr = there is none.
const FileSlice* FindSample(const UnitPlan& unit) {
  const FileSlice* found = nullptr;
  for (const Split& split : unit.splits) {
    for (const FileSlice& slice : split.slices) {
      if (slice.length < kSampleBytesMin) continue;
      if (found == nullptr || slice.length < found->length) found = &slice;
    }
  }
  return found;
}

/// Runs the job in a worker, whose bandwidth is a block's. Errors: those of the session and the
/// job.
Result<std::vector<SendSpeed>> RunMeasure(const TableContext& table, const UnitPlan& unit,
                                          const FileSlice& sample) {
  Engine& engine = *table.engine;
  const auto target = table.LoadTarget(unit.target_partition);
  maxcompute::Tunnel::UploadOptions options;
  options.overwrite = false;  // so that even a commit by mistake would change nothing
  TRY(const maxcompute::UploadSession session, engine.tunnel->CreateUpload(target, options));
  const auto cancelled = [&engine] { return engine.cancelled.load(); };
  for (int i = 0; i < kMeasureBlocks; ++i) {
    TRY_VOID(engine.pacer->Await(maxcompute::Limit::kBlocks, target.table, cancelled));
  }
  MeasureJob job;
  job.table_key = table.key;
  job.target_table = target.table;
  job.partition = target.partition;
  job.session_id = session.id;
  job.split = {0, sample.length, {sample}};
  bool given = false;
  const auto next = [&]() -> std::optional<WorkerPool::Job> {
    return std::exchange(given, true) ? std::nullopt : std::optional<WorkerPool::Job>(job);
  };
  BatchOptions batch;
  batch.on_read = [&table](int64_t bytes) { table.progress->Add(table.slot, Traffic{bytes, 0}); };
  TRY(BatchTotals totals, RunBatch(*engine.workers, next, batch));
  return std::move(totals.send_speeds);
}

std::string SpeedsText(const std::vector<SendSpeed>& speeds) {
  std::string text;
  for (const SendSpeed& speed : speeds) {
    if (speed.bytes_per_second == 0) continue;
    const bool raw = speed.codec == Codec::kRaw;
    text += fmt::format("{}{:.3g} MB/s {}{}", text.empty() ? "a block's rows go with " : ", ",
                        speed.bytes_per_second / kMegabyte, raw ? "" : "by ",
                        maxcompute::CodecName(speed.codec));
  }
  return text;
}

}  // namespace

CodecChoice::CodecChoice(std::optional<Codec> wanted) : wanted_(wanted) {
  if (wanted_ == Codec::kRaw) settled_.emplace();
}

std::optional<Codec> CodecChoice::settled() const {
  std::lock_guard lock(mutex_);
  return settled_ ? std::optional(settled_->codec) : std::nullopt;
}

Codec CodecChoice::ForReading() const { return settled().value_or(wanted_.value_or(Codec::kRaw)); }

std::optional<CodecReport> CodecChoice::report() const {
  std::lock_guard lock(mutex_);
  if (!settled_) return std::nullopt;
  return CodecReport{std::string(maxcompute::CodecName(settled_->codec)), settled_->reason};
}

void CodecChoice::Settle(const TableContext& table, Settled outcome) {
  const auto& note = table.progress->on_note;
  // Raw is what happens without a word, unless something else was asked for.
  if (note && (outcome.codec != Codec::kRaw || wanted_) && !outcome.reason.empty()) {
    note(fmt::format("blocks go {}: {}", maxcompute::CodecName(outcome.codec), outcome.reason));
  }
  std::lock_guard lock(mutex_);
  settled_ = std::move(outcome);
}

Result<Codec> CodecChoice::ForBlocks(const TableContext& table, const UnitPlan& unit) {
  if (const auto codec = settled()) return *codec;
  const FileSlice* sample = wanted_ ? nullptr : FindSample(unit);
  if (!wanted_ && sample == nullptr) return Codec::kRaw;
  std::lock_guard turn(turn_);
  if (const auto codec = settled()) return *codec;
  if (wanted_) {
    const auto target = table.LoadTarget(unit.target_partition);
    TRY(maxcompute::CodecProbe probe,
        maxcompute::ProbeCodec(*table.engine->tunnel, target, *wanted_));
    Settle(table, {probe.codec, std::move(probe.reason)});
  } else {
    TRY_VOID(Measure(table, unit, *sample));
  }
  return settled().value_or(Codec::kRaw);
}

/// Settles nothing when it fails for once: the rows of one unit may be at fault.
Status CodecChoice::Measure(const TableContext& table, const UnitPlan& unit,
                            const FileSlice& sample) {
  const auto speeds = RunMeasure(table, unit, sample);
  if (!speeds) {
    if (speeds.error().kind() == ErrorKind::kCancelled) return speeds.error();
    if (++failures_ < kFailuresMax) return OkStatus();
    Settle(table, {Codec::kRaw, "sending could not be measured: " + speeds.error().ToString()});
    return OkStatus();
  }
  if (speeds->empty()) return OkStatus();
  std::string reason = SpeedsText(*speeds);
  for (const SendSpeed& faster : FasterThanRaw(*speeds)) {
    const auto target = table.LoadTarget(unit.target_partition);
    TRY(const maxcompute::CodecProbe probe,
        maxcompute::ProbeCodec(*table.engine->tunnel, target, faster.codec));
    if (probe.codec == faster.codec) {
      Settle(table, {probe.codec, std::move(reason)});
      return OkStatus();
    }
    reason += "; " + probe.reason;
  }
  Settle(table, {Codec::kRaw, std::move(reason)});
  return OkStatus();
}

}  // namespace mms::migration
