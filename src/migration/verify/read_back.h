// Reads a target partition back through the workers and hashes what it gives: ranges of rows side
// by side, each over its own stream of the same download session, so that all see one state of the
// partition.
//
// Threads: blocks its thread; many may run side by side. Errors: kNotFound when table or partition
// is not at the target, else those of the session and of the jobs.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "base/result.h"
#include "clients/maxcompute/tunnel.h"
#include "migration/checksum/checksum.h"
#include "migration/transfer/worker_pool.h"
#include "migration/verify/job_batch.h"

namespace mms::migration {

struct ReadBackRequest {
  std::string table_key;  ///< as given to WorkerPool::AddTable
  maxcompute::Tunnel::Target target;
  int64_t source_bytes = 0;  ///< of the unit: sizes the ranges
  /// Rows that must be there; when the session counts others, nothing is read and only `rows` is
  /// set.
  std::optional<int64_t> rows_expected;
  bool rows_alone = false;                            ///< they are counted, and nothing is read
  maxcompute::TableSchema schema;                     ///< that rows were copied into
  bool record_form = false;                           ///< as ReadBackJob
  size_t row_columns = SIZE_MAX;                      ///< as ReadBackJob
  maxcompute::Codec codec = maxcompute::Codec::kRaw;  ///< that the service is asked for
  std::function<bool()> wanted = {};                  ///< null = always; not = kCancelled
};

/// Rows a range holds so that it is some 32 MiB of source bytes, between 50,000 and 1,000,000.
int64_t RowsPerRange(int64_t rows, int64_t source_bytes);

/// The first `all.count` rows of a session, in ranges side by side, while `wanted` (null = always).
/// Errors: kCorrupt READ_BACK_ROWS_DIFFER when other rows came than were counted.
Result<BatchTotals> ReadRanges(WorkerPool& pool, const ReadBackJob& all, int64_t range_rows,
                               const std::function<bool()>& wanted);

struct FoundRows {
  Checksum checksum;  ///< `rows` alone where nothing was read
  /// Why nothing was, though the rows are as many: kConflict TARGET_COLUMN_GONE, or of kind
  /// kUnsupported, which no later try changes.
  std::optional<Error> unreadable = {};
};

Result<FoundRows> ReadBack(maxcompute::Tunnel& tunnel, WorkerPool& pool,
                           const ReadBackRequest& request);

}  // namespace mms::migration
