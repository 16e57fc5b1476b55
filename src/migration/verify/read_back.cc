#include "migration/verify/read_back.h"

#include <algorithm>
#include <cmath>

#include "migration/verify/job_batch.h"
#include "migration/verify/target_columns.h"

namespace mms::migration {
namespace {

constexpr int64_t kRangeBytes = 32LL << 20;
constexpr int64_t kRangeRowsMin = 50'000;
constexpr int64_t kRangeRowsMax = 1'000'000;

}  // namespace

int64_t RowsPerRange(int64_t rows, int64_t source_bytes) {
  if (rows <= 0 || source_bytes <= 0) return kRangeRowsMax;
  // As floating point: rows times bytes would overflow for the largest tables.
  const double parts = static_cast<double>(source_bytes) / static_cast<double>(kRangeBytes);
  const double range = static_cast<double>(rows) / parts;
  if (range >= static_cast<double>(kRangeRowsMax)) return kRangeRowsMax;
  return std::max(kRangeRowsMin, static_cast<int64_t>(std::llround(range)));
}

Result<BatchTotals> ReadRanges(WorkerPool& pool, const ReadBackJob& all, int64_t range_rows,
                               const std::function<bool()>& wanted) {
  int64_t start = 0;
  const auto next = [&]() -> std::optional<WorkerPool::Job> {
    if (start >= all.count) return std::nullopt;
    ReadBackJob job = all;
    job.start = start;
    job.count = std::min(range_rows, all.count - start);
    start += job.count;
    return job;
  };
  BatchOptions options;
  options.wanted = wanted;
  TRY(BatchTotals totals, RunBatch(pool, next, options));
  int64_t hashed = totals.checksum.rows;
  for (const auto& [values, checksum] : totals.partitions) hashed += checksum.rows;
  if (totals.rows == all.count && hashed == all.count) return totals;
  return Error(ErrorKind::kCorrupt, "READ_BACK_ROWS_DIFFER",
               "the target counts " + std::to_string(all.count) + " rows but gave " +
                   std::to_string(totals.rows) + "; verify again");
}

Result<FoundRows> ReadBack(maxcompute::Tunnel& tunnel, WorkerPool& pool,
                           const ReadBackRequest& request) {
  TRY(const maxcompute::DownloadSession session, tunnel.CreateDownload(request.target));
  FoundRows found;
  found.checksum.rows = session.rows;
  if (session.rows == 0 || request.rows_alone) return found;
  if (request.rows_expected && *request.rows_expected != session.rows) return found;
  found.unreadable = FindOtherColumns(request.schema, request.row_columns, session.schema);
  if (found.unreadable) return found;
  ReadBackJob all;
  all.table_key = request.table_key;
  all.partition = request.target.partition;
  all.session_id = session.id;
  all.count = session.rows;
  all.record_form = request.record_form;
  all.row_columns = request.row_columns;
  all.codec = request.codec;
  auto totals =
      ReadRanges(pool, all, RowsPerRange(session.rows, request.source_bytes), request.wanted);
  if (totals) {
    found.checksum = std::move(totals->checksum);
    return found;
  }
  Error error = std::move(totals).error().At("target table " + request.target.table);
  if (error.kind() != ErrorKind::kUnsupported) return error;
  found.unreadable = std::move(error);
  return found;
}

}  // namespace mms::migration
