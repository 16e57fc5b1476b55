// Judges one unit: what was read at the source against what the target holds. Pure.
//
// The judgement names the partition, the columns that differ and the counts, so that a person can
// look at the very place. Columns are positional in both checksums: those of TablePlan::columns.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "migration/checksum/checksum.h"
#include "migration/ledger/ledger.h"

namespace mms::migration {

/// What of a unit the judgement needs.
struct Claim {
  std::string partition;             ///< "" = whole table
  int64_t rows = 0;                  ///< copied
  std::optional<Checksum> checksum;  ///< of the source's values; nullopt = not taken
  std::vector<std::string> columns;  ///< names at the target, for the text
};

// What each says is by the method of its name; by nothing where nothing could be told.

/// Only the rows are compared.
Ledger::Comparison CompareRows(const Claim& claim, int64_t rows_target);
/// What was counted on both sides.
Ledger::Comparison CompareCounts(const Claim& claim, int64_t rows_source, int64_t rows_target);
/// Rows, each column, and the rows as wholes. Columns that the target has behind those that were
/// copied (added to the table since) must be NULL in every row. Where the source's checksum was not
/// taken, rows that are as many are no proof: NotComparable.
Ledger::Comparison CompareChecksums(const Claim& claim, const Checksum& target);
/// `rows_target` as counted, nullopt = not even that. Other rows than were copied are a Mismatch;
/// else it is NotComparable, and `why` says why and what to do.
Ledger::Comparison NotComparable(const Claim& claim, std::optional<int64_t> rows_target,
                                 const std::string& why);
/// The values differ, as `what` says.
Ledger::Comparison ValuesDiffer(const Claim& claim, const std::string& what);
/// The partition or table is not at the target.
Ledger::Comparison NotAtTarget(const Claim& claim, ComparedBy by);

/// What is known after `now`, of a unit that may have been compared before. Values that were found
/// to differ differ until they are compared again or copied anew, whatever is counted; values that
/// were found equal stay so where a count agrees. Both say that they were counted since.
Ledger::Comparison AfterEarlier(const UnitRecord& earlier, Ledger::Comparison now);

}  // namespace mms::migration
