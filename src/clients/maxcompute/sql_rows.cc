#include "clients/maxcompute/sql_rows.h"

#include <arrow/array.h>
#include <arrow/record_batch.h>
#include <arrow/scalar.h>
#include <arrow/type.h>

#include <utility>

namespace mms::maxcompute {
namespace {

Result<std::string> CellText(const arrow::Array& array, int64_t row) {
  if (array.type_id() == arrow::Type::STRING || array.type_id() == arrow::Type::BINARY) {
    return std::string(static_cast<const arrow::BinaryArray&>(array).GetView(row));
  }
  const auto scalar = array.GetScalar(row);
  if (scalar.ok()) return (*scalar)->ToString();
  return Error(ErrorKind::kInternal, "TUNNEL_ARROW", "Arrow: " + scalar.status().message());
}

Status VisitBatch(const arrow::RecordBatch& batch,
                  const std::function<Status(const SqlRow&)>& visit) {
  SqlRow cells(static_cast<size_t>(batch.num_columns()));
  for (int64_t row = 0; row < batch.num_rows(); ++row) {
    for (size_t i = 0; i < cells.size(); ++i) {
      const arrow::Array& column = *batch.column(static_cast<int>(i));
      cells[i].reset();
      if (column.IsNull(row)) continue;
      TRY(cells[i], CellText(column, row));
    }
    TRY_VOID(visit(cells));
  }
  return OkStatus();
}

/// The answers at which PyODPS 0.13 falls back, too (models/instance.py, open_reader).
bool HasNoSession(const Error& error) {
  switch (error.kind()) {
    case ErrorKind::kUnsupported:
    case ErrorKind::kInvalidInput:
    case ErrorKind::kNotFound:
    case ErrorKind::kDenied:
    case ErrorKind::kUnavailable: return true;
    default: return false;
  }
}

Status VisitDocument(Client& client, const std::string& instance_id, const Error& why,
                     const std::function<Status(const SqlRow&)>& visit) {
  TRY(const SqlResult result, client.FetchSqlResult(instance_id));
  if (result.truncated) {
    return Error(ErrorKind::kLimitReached, "ODPS_RESULT_TRUNCATED",
                 "the result document holds only the first " + std::to_string(result.rows.size()) +
                     " rows, and there is no download session for the rest: " + why.ToString());
  }
  for (const SqlRow& row : result.rows) TRY_VOID(visit(row));
  return OkStatus();
}

}  // namespace

Result<std::string> RunSqlRows(Tunnel& tunnel, const std::string& statement,
                               const std::function<Status(const SqlRow&)>& visit,
                               const SqlOptions& options) {
  TRY(std::string instance_id, tunnel.client().ExecuteSql(statement, options));
  const Result<DownloadSession> session = tunnel.CreateInstanceDownload(instance_id);
  if (!session) {
    if (!HasNoSession(session.error())) return session.error();
    TRY_VOID(VisitDocument(tunnel.client(), instance_id, session.error(), visit));
    return instance_id;
  }
  const Tunnel::Range all{0, session->rows};
  TRY_VOID(tunnel.ReadInstance(
      instance_id, *session, all,
      [&visit](std::shared_ptr<arrow::RecordBatch> batch) { return VisitBatch(*batch, visit); }));
  return instance_id;
}

}  // namespace mms::maxcompute
