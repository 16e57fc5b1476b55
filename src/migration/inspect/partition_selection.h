// Which partitions of a table a job copies, and in which of its tasks. A value type.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "migration/inspect/table_settings.h"

namespace mms::migration {

struct PartitionSelection {
  std::string id;  ///< "job 12"; plans of one id are of the same selection
  /// Plans it: what it has finished of other content meanwhile, it copies again.
  int64_t planning_task = 0;
  int64_t whole_task = 0;  ///< the task that has all of the table; 0 = by partition:
  std::unordered_map<std::string, int64_t> task_of;  ///< by PartitionText
  /// Set when it means all of the table, so that what has left the source is its business too:
  /// which of its tasks brings that to its end, and how.
  int64_t dropped_task = 0;
  bool all_again = false;  ///< what is there is no matter: all is copied
  DroppedPartition on_dropped = DroppedPartition::kReport;
  /// A source column that the existing target lacks is added there; else the table is refused.
  bool adds_columns = false;
};

/// A partition's values as the metadata keeps them: a JSON list in the order of the partition
/// columns, as in the log; nullopt = NULL. Bytes that are no UTF-8 become U+FFFD.
std::string PartitionText(const std::vector<std::optional<std::string>>& values);

}  // namespace mms::migration
