// Values at risk of one planned table: by the statistics in its log, and by the footers of the
// files of which these do not tell. Files are taken as they are listed, a bounded number of footers
// side by side; memory does not grow with their number. Thread-safe.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "migration/inspect/snapshot.h"
#include "migration/plan/value_risks.h"

namespace mms::migration {

struct Engine;

struct FooterReads {
  int64_t files = 0;     ///< whose footers were read
  int64_t requests = 0;  ///< to the storage
  int64_t bytes = 0;
  int64_t files_unread = 0;  ///< whose footers could not be; nothing is claimed of their values
  std::string error;         ///< of the first of them
};

struct TableRisks {
  std::vector<ValueRisk> values;
  std::optional<FooterReads> footers;  ///< nullopt = none were asked for
};

/// Errors: kUnsupported RISKS_UNKNOWN where nothing could tell (no log and no Parquet files, or
/// read by SQL); those of the log; kCancelled.
Result<TableRisks> FindRisks(Engine& engine, const SourceTable& source, bool with_footers);

}  // namespace mms::migration
