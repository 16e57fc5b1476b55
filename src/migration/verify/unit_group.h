// Which units of a table are read back together, by one SELECT, instead of by a download session
// each. Pure.
//
// MaxCompute takes 200 download sessions a table in 5 minutes, so a table of 5,000 small partitions
// would be two hours in reading back what is read in seconds. A SELECT over many of them is one SQL
// instance and one session. It bills the bytes it scans, where sessions are free, so units go
// together only where sessions would have to wait: when more are left than one window takes, and
// they are small. Large units keep their sessions: ranges of them are read side by side anyway, and
// reading takes longer than the session waits.
//
// Source of the limits: MaxCompute help, "Limits" of the data transmission service (sessions) and
// of SQL (10,000 partitions a query).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "clients/maxcompute/client.h"

namespace mms::migration {

enum class VerifyBy { kAuto, kSessions, kSelect };

/// What of a unit decides.
struct GroupMember {
  int64_t rows = 0;          ///< copied
  int64_t source_bytes = 0;  ///< compressed
  /// Some of its rows were sent record by record, for their timestamps; SQL need not know those.
  bool record_blocks = false;
};

/// Whether the table's units are read together at all, `units_left` being to compare.
bool ReadsTogether(VerifyBy by, int64_t units_left);
/// Whether this one is.
bool ReadsTogether(VerifyBy by, const GroupMember& member);

/// The partitions of one SELECT, within what its statement, its result and the checksums of its
/// partitions may hold.
class UnitGroup {
 public:
  /// `columns`: of the table.
  explicit UnitGroup(size_t columns) : columns_(columns) {}

  /// Whether one more fits; the first always does.
  bool Fits(const maxcompute::PartitionSpec& partition, const GroupMember& member) const;
  void Add(maxcompute::PartitionSpec partition, const GroupMember& member);

  const std::vector<maxcompute::PartitionSpec>& partitions() const { return partitions_; }
  int64_t rows() const { return rows_; }
  int64_t source_bytes() const { return source_bytes_; }

 private:
  size_t columns_;
  std::vector<maxcompute::PartitionSpec> partitions_;
  size_t filter_bytes_ = 0;
  int64_t rows_ = 0;
  int64_t source_bytes_ = 0;
};

/// SELECT of the partition columns as text, then all others, of these partitions. `table_name` is
/// qualified and quoted.
std::string GroupSql(const std::string& table_name, const maxcompute::TableSchema& schema,
                     const std::vector<maxcompute::PartitionSpec>& partitions);

}  // namespace mms::migration
