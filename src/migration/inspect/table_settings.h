// What the user asks of one table at the target beyond what its source says: kind, keys,
// clustering, lifecycle, properties. A value type; kept in the plan.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mms::migration {

enum class TableKind { kStandard, kAppendDelta, kPkDelta };

/// "standard", "append_delta", "pk_delta": as in the migration file.
constexpr std::string_view KindText(TableKind kind) {
  switch (kind) {
    case TableKind::kStandard: return "standard";
    case TableKind::kAppendDelta: return "append_delta";
    case TableKind::kPkDelta: return "pk_delta";
  }
  return "standard";
}

/// What becomes of a partition that was copied and has left the source.
enum class DroppedPartition {
  kReport,  ///< it stays, and is told as ExtraInTarget
  kEmpty,   ///< its rows go, as in an overwrite by none
  kDrop,    ///< ALTER TABLE DROP PARTITION
};

/// "report", "empty", "drop".
constexpr std::string_view DroppedText(DroppedPartition what) {
  switch (what) {
    case DroppedPartition::kReport: return "report";
    case DroppedPartition::kEmpty: return "empty";
    case DroppedPartition::kDrop: return "drop";
  }
  return "report";
}

/// CLUSTERED BY or RANGE CLUSTERED BY. Columns are named as at the source or as at the target.
struct Clustering {
  std::vector<std::string> by;  ///< empty = not clustered
  std::vector<std::string> sort;
  int buckets = 0;  ///< 0 = left to the service, which only range clustering allows
  bool range = false;

  bool operator==(const Clustering&) const = default;
};

struct TableSettings {
  TableKind kind = TableKind::kStandard;
  std::vector<std::string> primary_key;  ///< kPkDelta: columns, named as in Clustering
  Clustering cluster;
  int lifecycle_days = 0;  ///< 0 = none
  std::map<std::string, std::string> properties;
  std::string partitions = {};  ///< which are copied: plan/partition_expression.h; "" = all
  std::string selection = {};   ///< PartitionSelection::id; "" = none
  /// Source column -> target column, without case; before the policy's character map.
  std::map<std::string, std::string> column_names = {};
  /// Partition columns beyond it become ordinary ones, 0 = all of them; nullopt = by the policy.
  std::optional<int> partition_levels = {};

  bool operator==(const TableSettings&) const = default;
};

}  // namespace mms::migration
