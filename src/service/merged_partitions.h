// Partitions of the source that become one at the target, where only the first `levels` partition
// columns stay such (max_partition_level). Those of a table by their first values, as text.
#pragma once

#include <cstdint>
#include <set>
#include <string>

#include "base/result.h"
#include "migration/metadata/metadata.h"

namespace mms::service {

class MergedPartitions {
 public:
  explicit MergedPartitions(int levels) : levels_(levels) {}

  /// Of PartitionEntry::values.
  std::string FirstValues(const std::string& values) const;

  /// Which of them hold rows of a partition that has left the source since it was copied.
  Result<std::set<std::string>> FindTorn(migration::Metadata& metadata, int64_t table_id) const;

 private:
  int levels_;
};

}  // namespace mms::service
