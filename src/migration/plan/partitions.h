// Which files make which target partition, and the text of the partition's values. MaxCompute keeps
// a value as text of a narrow alphabet; a value outside of it is refused by name, unless the user's
// map says what its characters become: then it is counted, and two values that would become equal
// are refused. Pure.
//
// Source of the facts: Delta protocol, "Partition Value Serialization"; MaxCompute help,
// "Partition" (alphabet, 2.0 types, NULL kept as __HIVE_DEFAULT_PARTITION__ in the same way as in
// Hive).
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "base/result.h"
#include "clients/delta/table.h"
#include "clients/maxcompute/client.h"
#include "migration/plan/policy.h"

namespace mms::migration {

inline constexpr std::string_view kNullPartition = "__HIVE_DEFAULT_PARTITION__";
inline constexpr size_t kPartitionValueWarnBytes = 128;
inline constexpr size_t kPartitionValueMaxBytes = 255;

struct PartitionColumn {
  std::string source_name;    ///< logical
  std::string physical_name;  ///< key of delta::File::partition_values
  std::string target_name;
  std::string delta_type;  ///< "date", "integer", "decimal(9,2)", ... as in the Delta schema
};

struct PartitionValue {
  std::string text;           ///< at the target
  std::string identity;       ///< equal for values that the source holds equal
  bool mapped = false;        ///< the text is another than the source's, by the value map
  bool zone_unknown = false;  ///< a timestamp without a zone: taken as Policy::partition_zone's
};

/// Text rules: integers, decimals, floats, booleans, dates and strings as in the log; timestamps
/// `yyyy-MM-dd HH:mm:ss[.ffffff]` in UTC; NULL is kNullPartition or the policy's null_partition;
/// then the policy's partition_value_map. Errors: kUnsupported PARTITION_VALUE_INVALID naming
/// column and value.
Result<PartitionValue> MapPartitionValue(const PartitionColumn& column,
                                         const std::optional<std::string>& value,
                                         const Policy& policy);

/// A partition of the source by its values alone, whatever they become at the target: equal for
/// values that the source holds equal, in whatever text (INT "1" and "01").
std::string SourcePartition(const delta::File& file, const std::vector<PartitionColumn>& columns);

/// The same by values in the order of the columns, of which there may be fewer: so are those equal
/// too that are one instant by the policy's partition_zone.
std::string PartitionIdentity(const std::vector<std::optional<std::string>>& values,
                              const std::vector<PartitionColumn>& columns, const Policy& policy);

/// One target partition and its files (indices into the list given).
struct PartitionGroup {
  maxcompute::PartitionSpec target;
  std::vector<size_t> files;
  uint32_t mapped_levels = 0;             ///< bit n: the value of level n is a mapped one
  std::vector<std::string> sources = {};  ///< SourcePartition of its files, each once
};

struct PartitionRules {
  int64_t partitions_max = 60000;
  const Policy& policy;
  /// For each file whether its partition is meant; empty = all are. The others are in no group, and
  /// their values may be any, but none of them may become one with a value that is meant.
  std::vector<bool> chosen = {};
  /// Gets the partitions of those others, as far as the target can have them; null = nobody asks.
  std::vector<maxcompute::PartitionSpec>* others = nullptr;
  /// Gets SourcePartition of all files, also where the target can have no such value; likewise.
  std::unordered_set<std::string>* sources = nullptr;
};

/// Groups in order of their values; without columns one group with all files. `warnings` gets at
/// most one line per column and reason. Errors: kUnsupported PARTITION_VALUE_INVALID naming the
/// first values, kConflict PARTITION_COLLISION naming two source partitions that would become one,
/// kLimitReached PARTITIONS_LIMIT.
Result<std::vector<PartitionGroup>> GroupByPartition(const std::vector<delta::File>& files,
                                                     const std::vector<PartitionColumn>& columns,
                                                     const PartitionRules& rules,
                                                     std::vector<std::string>* warnings);

/// TINYINT to BIGINT.
bool IsIntegerType(std::string_view delta_type);

/// The value of the column (physical name); nullopt = NULL, which a log also writes as "".
std::optional<std::string> ValueOf(const delta::File& file, const std::string& physical_name);

/// True when some file's value of the column (physical name) is NULL.
bool HasNullPartition(const std::vector<delta::File>& files, const std::string& physical_name);

}  // namespace mms::migration
