// What copying made of values that the target cannot hold, counted by column: the other half of the
// checksum, which is taken of the values as written. Kept with each unit in the ledger.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <string>

#include "base/result.h"
#include "migration/plan/policy.h"

namespace mms::migration {

/// By Change.
using ChangeCounts = std::array<int64_t, kChangeKinds>;

struct ValueChanges {
  int64_t record_blocks = 0;  ///< sent record by record, for timestamps beyond Arrow's range
  std::map<std::string, ChangeCounts> columns;  ///< by target name; only columns with changes

  bool empty() const { return record_blocks == 0 && columns.empty(); }
  void Add(const std::string& column, const ChangeCounts& counts);
  void Merge(const ValueChanges& other);

  bool operator==(const ValueChanges&) const = default;
};

/// "" when nothing was changed.
std::string ToText(const ValueChanges& changes);
/// Errors: kCorrupt CHANGES_INVALID.
Result<ValueChanges> ValueChangesFromText(const std::string& text);

}  // namespace mms::migration
