// The words between the server process and its worker processes: one JSON object a line, jobs in on
// the worker's stdin, events out on its stdout. A worker keeps no state between jobs but what
// `hello` and `table` gave it, and may be killed at any instant.
//
//   in:  {"hello": Hello} once, then any of {"table": {"key": k, "plan": TablePlan}}, {"forget":
//   k},
//        {"copy": CopyJob}, {"read_back": ReadBackJob}, {"measure": MeasureJob}
//   out: {"ready": true} once, then {"progress": {"job": n, "rows": r, "bytes": b, "read": s}}
//        (since the last one; rows and bytes of files less than nothing when a block is sent anew,
//        what the source sent never), {"done": JobResult}, {"failed": {"job": n, "error": Error}}
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "base/http_client.h"
#include "clients/maxcompute/client.h"
#include "migration/checksum/checksum.h"
#include "migration/checksum/partition_hasher.h"
#include "migration/inspect/sql_access.h"
#include "migration/inspect/storage_access.h"
#include "migration/plan/plan.h"
#include "migration/transfer/send_speed.h"
#include "migration/transfer/value_changes.h"

namespace mms::migration {

/// Settings of a worker's life. Carries secrets, hence stdin and never argv or environment.
struct Hello {
  StorageAccessOptions source;
  SqlAccessOptions sql;             ///< of tables that are read by SQL
  HttpClient::Options source_http;  ///< the bandwidth is this worker's
  maxcompute::Options target;
  HttpClient::Options target_http;  ///< the bandwidth is this worker's
  int threads = 8;                  ///< jobs a worker runs side by side
  int64_t batch_bytes = 1 << 20;
  bool checksum = true;  ///< hash the rows while they are read
};

/// Reads the split's rows and sends them as one block.
struct CopyJob {
  int64_t job = 0;           ///< unique in the server's life
  std::string table_key;     ///< names a `table` message sent before
  std::string target_table;  ///< the plan's, or its staging table
  maxcompute::PartitionSpec partition;
  std::string session_id;
  Split split;
  maxcompute::Codec codec = maxcompute::Codec::kRaw;
  std::optional<int64_t> usable_until_ms;  ///< since 1970: past it the session takes no block
};

/// Finds out how fast sending is (send_speed.h): the split's first rows go into a session that is
/// never committed. `codec` is not looked at.
struct MeasureJob : CopyJob {};

/// Reads rows of a target partition back and hashes them, or rows of a SELECT over many partitions.
struct ReadBackJob {
  int64_t job = 0;
  std::string table_key;
  maxcompute::PartitionSpec partition;
  /// Of the SELECT whose rows the session holds; "" = those of `partition`. Its columns are the
  /// table's partition columns as text, then the others.
  std::string instance_id;
  std::string session_id;
  int64_t start = 0;
  int64_t count = 0;
  bool record_form = false;  ///< some of its blocks were sent so: Arrow's range does not hold them
  /// Columns that row hashes are made of: fewer than the table has when some were added since.
  size_t row_columns = SIZE_MAX;
  maxcompute::Codec codec = maxcompute::Codec::kRaw;  ///< that the service is asked for
};

struct JobResult {
  int64_t job = 0;
  int64_t rows = 0;          ///< copied, or read back
  int64_t rows_deleted = 0;  ///< left out by deletion vectors
  int64_t source_bytes = 0;  ///< of the slices
  int64_t arrow_bytes = 0;
  int64_t wire_bytes = 0;         ///< of a CopyJob: of its block, as sent
  Checksum checksum;              ///< no columns when not asked for
  PartitionChecksums partitions;  ///< instead, of a SELECT's rows
  ValueChanges changes;
  std::vector<SendSpeed> send_speeds;  ///< of a MeasureJob
};

nlohmann::json ToJson(const Hello& hello);
Result<Hello> HelloFromJson(const nlohmann::json& document);
nlohmann::json ToJson(const CopyJob& job);
Result<CopyJob> CopyJobFromJson(const nlohmann::json& document);
nlohmann::json ToJson(const ReadBackJob& job);
Result<ReadBackJob> ReadBackJobFromJson(const nlohmann::json& document);
nlohmann::json ToJson(const JobResult& result);
Result<JobResult> JobResultFromJson(const nlohmann::json& document);
nlohmann::json ToJson(const Error& error);
Error ErrorFromJson(const nlohmann::json& document);

}  // namespace mms::migration
