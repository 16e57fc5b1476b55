// From `committed` to `verified`: compares units with the target and writes the verdict. A
// difference is a verdict, not an error; an error means that nothing could be compared, and the
// unit stays where it is.
//
// Threads: each call blocks its thread; many run side by side.
#pragma once

#include "base/result.h"
#include "migration/ledger/ledger.h"
#include "migration/verify/compare.h"
#include "migration/workflow/engine.h"
#include "migration/workflow/source_counts.h"

namespace mms::migration {

/// Of one COUNT(*).
inline constexpr size_t kUnitsPerCount = 9000;

/// What the ledger says of the unit's rows at the source.
Result<Claim> MakeClaim(const TableContext& table, const UnitRecord& unit);
/// How many columns its row hashes are made of.
size_t RowColumns(const Claim& claim);

/// Reads the unit back by a session of its own and compares checksums.
Status CheckUnit(const TableContext& table, const UnitRecord& unit);
/// Notes that nobody asked for a comparison.
Status SkipCheck(const TableContext& table, const UnitRecord& unit);

/// Compares the row counts of all units of the scope that `wanted` takes, by SQL, some thousand
/// units a statement. `on_compared` hears how many units were settled since the last call.
struct CountCheck {
  UnitScope scope;
  std::function<bool(const UnitRecord&)> wanted;
  const SourceSide* source = nullptr;  ///< what the source counted; null = what was copied counts
  std::function<void(int64_t units)> on_compared = {};
};
Status CheckByCount(const TableContext& table, const CountCheck& check);

}  // namespace mms::migration
