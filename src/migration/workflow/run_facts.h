// How a run went apart from its tables: what its blocks were compressed with and why, and how long
// MaxCompute's rate limits made it wait. Kept in the ledger when a run ends, so that `report` can
// tell it later.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "migration/ledger/ledger.h"

namespace mms::migration {

struct CodecReport {
  std::string name;  ///< of the codec in use
  std::string
      reason;  ///< what speaks for it, or against the one that was asked for; "" = asked for

  bool operator==(const CodecReport&) const = default;
};

struct PacingReport {
  std::string limit;  ///< "upload_sessions", "blocks", ...
  int64_t granted = 0;
  int64_t delayed = 0;  ///< of those, not at once
  int64_t wait_ms = 0;

  bool operator==(const PacingReport&) const = default;
};

/// What a run copied, by the size of the source's files, and how long it took with all that belongs
/// to it: tables made, values compared.
struct RateReport {
  int64_t bytes = 0;
  int64_t duration_ms = 0;

  bool operator==(const RateReport&) const = default;
};

struct RunFacts {
  std::optional<CodecReport> codec;  ///< nullopt = it was not settled: no block needed it
  std::vector<PacingReport> pacing;
  std::optional<RateReport> rate = {};  ///< nullopt = nothing was copied

  bool operator==(const RunFacts&) const = default;
};

/// {"codec": {"name", "reason"} or null, "pacing": {limit: {"granted", "delayed", "wait_ms"}},
/// "rate": {"bytes", "duration_ms"} or null}
nlohmann::json ToJson(const RunFacts& facts);
/// Errors: kCorrupt LEDGER_RUN_UNREADABLE.
Result<RunFacts> RunFactsFromJson(const nlohmann::json& document);

/// Of the last run that had something to do; nullopt = there was none yet.
Result<std::optional<RunFacts>> ReadLastRun(Ledger& ledger);

}  // namespace mms::migration
