// What columns and partition values of a source become at the target, as the metadata knows them
// and the source's settings map them: to show (dstValue), and to see which become one. Pure.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "migration/metadata/metadata.h"
#include "migration/plan/partitions.h"
#include "migration/plan/policy.h"
#include "service/job.h"

namespace mms::service {

/// In level order, with what a value's text depends on.
std::vector<migration::PartitionColumn> PartitionColumnsOf(const migration::TableEntry& table);

using TargetValues = std::vector<std::optional<migration::PartitionValue>>;
/// Level by level; nullopt = MaxCompute takes no such value, and a task says why. `values`: as
/// PartitionEntry::values.
TargetValues MapValues(const std::vector<migration::PartitionColumn>& columns,
                       const std::string& values, const migration::Policy& policy);

/// The texts of MapValues as one (PartitionText); nullopt where MaxCompute takes one of them not.
std::optional<std::string> TargetText(const std::vector<migration::PartitionColumn>& columns,
                                      const std::string& values, const migration::Policy& policy);

/// "a-b and a_b into a_b": columns of a table that would become one. What cannot be a name is a
/// task's to tell, as is what lies within a struct.
std::vector<std::string> ColumnCollisions(const migration::TableEntry& table, const JobConfig& job,
                                          const migration::Policy& policy);

}  // namespace mms::service
