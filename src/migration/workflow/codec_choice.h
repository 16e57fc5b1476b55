// The codec of a run's blocks, settled once before the first of them. A codec that the user names
// is probed; when the service does not take it, blocks go raw. Without a name, sending is measured
// (transfer/send_speed.h) and the fastest codec that the service takes is used.
//
// Threads: thread-safe; while one table's thread finds out, others that need to know wait. Blocks
// too small to tell anything do not: they go raw as long as nothing is settled.
#pragma once

#include <mutex>
#include <optional>
#include <string>

#include "base/result.h"
#include "clients/maxcompute/codec.h"
#include "migration/plan/plan.h"
#include "migration/workflow/run_facts.h"

namespace mms::migration {

struct TableContext;

class CodecChoice {
 public:
  /// `wanted`: as RunOptions::codec.
  explicit CodecChoice(std::optional<maxcompute::Codec> wanted);

  /// For the blocks of a unit that has some. Errors: kCancelled, and those of creating a session.
  Result<maxcompute::Codec> ForBlocks(const TableContext& table, const UnitPlan& unit);
  /// What a download is asked for; the service may send rows raw all the same.
  maxcompute::Codec ForReading() const;
  /// nullopt = not settled, since no block was sent that it mattered for.
  std::optional<CodecReport> report() const;

 private:
  struct Settled {
    maxcompute::Codec codec = maxcompute::Codec::kRaw;
    std::string reason;
  };
  std::optional<maxcompute::Codec> settled() const;
  void Settle(const TableContext& table, Settled outcome);
  Status Measure(const TableContext& table, const UnitPlan& unit, const FileSlice& sample);

  const std::optional<maxcompute::Codec> wanted_;
  std::mutex turn_;   ///< held by the thread that finds out
  int failures_ = 0;  // guarded by turn_
  mutable std::mutex mutex_;
  std::optional<Settled> settled_;  // guarded by mutex_
};

}  // namespace mms::migration
