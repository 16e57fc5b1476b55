#include "migration/verify/read_back.h"

#include <algorithm>
#include <cmath>

#include "migration/verify/job_batch.h"

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

Result<Checksum> ReadBack(maxcompute::Tunnel& tunnel, WorkerPool& pool,
                          const ReadBackRequest& request) {
  TRY(const maxcompute::DownloadSession session, tunnel.CreateDownload(request.target));
  Checksum counted;
  counted.rows = session.rows;
  if (session.rows == 0) return counted;
  if (request.rows_expected && *request.rows_expected != session.rows) return counted;
  const int64_t range_rows = RowsPerRange(session.rows, request.source_bytes);
  int64_t start = 0;
  const auto next = [&]() -> std::optional<WorkerPool::Job> {
    if (start >= session.rows) return std::nullopt;
    ReadBackJob job;
    job.table_key = request.table_key;
    job.partition = request.target.partition;
    job.session_id = session.id;
    job.start = start;
    job.count = std::min(range_rows, session.rows - start);
    job.record_form = request.record_form;
    job.row_columns = request.row_columns;
    start += job.count;
    return job;
  };
  TRY(BatchTotals totals, RunBatch(pool, next, BatchOptions{}));
  if (totals.rows != session.rows || totals.checksum.rows != session.rows) {
    return Error(ErrorKind::kCorrupt, "READ_BACK_ROWS_DIFFER",
                 "the target counts " + std::to_string(session.rows) + " rows but gave " +
                     std::to_string(totals.rows) + "; verify again")
        .At("target table " + request.target.table);
  }
  return totals.checksum;
}

}  // namespace mms::migration
