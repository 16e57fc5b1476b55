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
std::vector<std::string> PartitionColumnNamesOf(const migration::TableEntry& table);

using TargetValues = std::vector<std::optional<migration::PartitionValue>>;
/// Level by level; nullopt = MaxCompute takes no such value, and a task says why. `values`: as
/// PartitionEntry::values.
TargetValues MapValues(const std::vector<migration::PartitionColumn>& columns,
                       const std::string& values, const migration::Policy& policy);

/// Which table of MaxCompute: "project.schema.table", without the schema where there is none.
std::string TargetName(const std::string& project, const std::string& schema,
                       const std::string& table);

/// Under which names its columns go there: "" = their own, else "#" and a mark of the rules that
/// change some.
std::string ColumnMark(const migration::TableEntry& table, const JobConfig& job,
                       const migration::Policy& policy);

/// Which partition of it, or of which the rows are a part where only the first `levels` columns
/// stay such; nullopt where MaxCompute takes a value not.
std::optional<std::string> TargetName(const std::string& table,
                                      std::vector<migration::PartitionColumn> columns,
                                      std::optional<int> levels, const std::string& values,
                                      const migration::Policy& policy);

/// "a-b and a_b into a_b": columns of a table that would become one. What cannot be a name is a
/// task's to tell, as is what lies within a struct.
std::vector<std::string> ColumnCollisions(const migration::TableEntry& table, const JobConfig& job,
                                          const migration::Policy& policy);

}  // namespace mms::service
