// Partitions of the source that become one at the target: where only the first levels of partition
// columns stay such (max_partition_level), and where one value has two texts in the log, as INT "1"
// and "01". Those of a table, as text.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/result.h"
#include "migration/metadata/metadata.h"
#include "migration/plan/partitions.h"
#include "migration/plan/policy.h"

namespace mms::service {

class MergedPartitions {
 public:
  /// `levels`: nullopt = all.
  MergedPartitions(std::vector<migration::PartitionColumn> columns, std::optional<int> levels,
                   migration::Policy policy);

  /// Equal for those that become one. Of PartitionEntry::values.
  std::string IdentityOf(const std::string& values) const;

  /// Identities of those that hold rows of a partition that has left the source since it was
  /// copied.
  Result<std::set<std::string>> FindTorn(migration::Metadata& metadata, int64_t table_id) const;

 private:
  std::vector<migration::PartitionColumn> columns_;
  migration::Policy policy_;
};

}  // namespace mms::service
