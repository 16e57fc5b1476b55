// Which partitions of a table a job copies, and in which of its tasks. A value type.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/result.h"
#include "migration/inspect/table_settings.h"

namespace mms::migration {

struct PartitionSelection {
  std::string id;  ///< "job 12"; plans of one id are of the same selection
  /// Plans it: what it has finished of other content meanwhile, it copies again.
  int64_t planning_task = 0;
  int64_t whole_task = 0;  ///< the task that has all of the table; 0 = by partition:
  std::unordered_map<std::string, int64_t> task_of;  ///< by PartitionText
  /// Names of the partition columns whose values `task_of` has; empty = nobody knows.
  std::vector<std::string> columns = {};
  /// Set when it means all of the table, so that what has left the source is its business too:
  /// which of its tasks brings that to its end, and how.
  int64_t dropped_task = 0;
  bool definition_only = false;  ///< the table is made, and nothing copied
  bool all_again = false;        ///< what is there is no matter: all is copied
  DroppedPartition on_dropped = DroppedPartition::kReport;
  /// A source column that the existing target lacks is added there; else the table is refused.
  bool adds_columns = false;
};

/// A partition's values as the metadata keeps them: a JSON list in the order of the partition
/// columns, as in the log; nullopt = NULL. Bytes that are no UTF-8 become U+FFFD.
std::string PartitionText(const std::vector<std::optional<std::string>>& values);

/// Whether `task_of` is of the partition columns that the table has (`now`): values of others mean
/// nothing, and each would be taken for one that has left. Errors: kConflict
/// PARTITION_COLUMNS_CHANGED.
Status CheckColumns(const PartitionSelection& selection, const std::vector<std::string>& now);

}  // namespace mms::migration
