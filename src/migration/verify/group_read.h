// Reads many partitions of a target table back by one SELECT and hashes them apart: the workers
// stream ranges of the result through the instance tunnel, and what they hash adds up.
//
// How the values come: a result has no other types than the table (PyODPS 0.13 reads both by one
// schema), but for timestamps, which Arrow results hold as seconds and nanoseconds apart and
// records as tables do. Tables with timestamps are therefore read record by record. That the
// service gives by SELECT what it gives by Tunnel is documented nowhere for every type, so who
// finds a difference here has to look again by a session before it is told.
//
// Threads: blocks its thread. Errors: kNotFound ODPS_TABLE_NOT_FOUND, kDenied ODPS_DENIED and the
// others of SQL; kCorrupt READ_BACK_PARTITION, READ_BACK_ROWS_DIFFER; those of the session and of
// the jobs.
#pragma once

#include <functional>
#include <string>

#include "base/result.h"
#include "clients/maxcompute/tunnel.h"
#include "migration/checksum/partition_hasher.h"
#include "migration/transfer/worker_pool.h"
#include "migration/verify/unit_group.h"

namespace mms::migration {

struct GroupRequest {
  std::string table_key;    ///< as given to WorkerPool::AddTable
  std::string target_name;  ///< qualified and quoted
  maxcompute::TableSchema schema;
  size_t row_columns = SIZE_MAX;                      ///< as ReadBackJob
  maxcompute::Codec codec = maxcompute::Codec::kRaw;  ///< that the service is asked for
  maxcompute::SqlOptions sql;                         ///< of the SELECT
  std::function<bool()> wanted = {};                  ///< as ReadBackRequest
};

/// Partitions that gave no row have no entry: whether they are there cannot be told by SQL.
Result<PartitionChecksums> ReadGroup(maxcompute::Tunnel& tunnel, WorkerPool& pool,
                                     const UnitGroup& group, const GroupRequest& request);

/// The key of a partition in PartitionChecksums.
std::vector<std::string> ValuesOf(const maxcompute::PartitionSpec& partition);

}  // namespace mms::migration
