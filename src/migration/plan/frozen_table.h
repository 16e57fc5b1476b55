// What a plan decided on one table, small enough to be kept for any number of partitions and exact
// enough to tell whether a later plan decides the same. Value types; pure.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "clients/maxcompute/client.h"
#include "migration/plan/plan.h"

namespace mms::migration {

struct FrozenTable {
  std::string source_name;
  std::optional<int64_t> version;  ///< nullopt where the source counts none
  std::string table_id;            ///< TablePlan::table_id
  std::string target_table;        ///< without project and schema
  std::string kind;                ///< KindText
  std::string choices;             ///< ChoicesId
  std::string target_id;           ///< TargetId of what stood there; "" = nothing
  /// "id BIGINT -> id BIGINT NOT NULL", in target order; those of partitions last, marked.
  std::vector<std::string> columns;
  int64_t units = 0;
  std::string units_digest;     ///< hash over partitions and fingerprints, in ledger order
  int64_t units_committed = 0;  ///< of them: copied before
  bool appends = false;         ///< what is new goes to what was copied before (plan/growth.h)
  /// Partitions at the target that have left the source and are dropped; not among `units`.
  int64_t dropped = 0;
  std::string dropped_digest;  ///< hash over their names

  bool operator==(const FrozenTable&) const = default;
};

/// All but the units, which the caller counts.
FrozenTable FreezeTable(const TablePlan& plan);

/// Tells one table at the target from another by name, kind and columns; "" = nothing is there.
std::string TargetId(const std::optional<maxcompute::TableInfo>& at_target);

/// What `now` decides otherwise than `frozen`, for people; empty = the same. `begun`: a run of the
/// plan began; what stands at the target, and what is still to be dropped there, is then what that
/// run left.
std::vector<std::string> Differences(const FrozenTable& frozen, const FrozenTable& now, bool begun);

nlohmann::ordered_json ToJson(const FrozenTable& table);
/// Throws what nlohmann throws: the reader of the document has it in hand.
FrozenTable FrozenTableFromJson(const nlohmann::ordered_json& document);

}  // namespace mms::migration
