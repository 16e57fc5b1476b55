#include "clients/databricks/statement_run.h"

#include <arrow/array.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "clients/databricks/columnar_rows.h"
#include "clients/databricks/sql_failure.h"

namespace mms::databricks {
namespace {

using tcli::TOperationState;
using tcli::TStatusCode;

constexpr int kRestartsMax = 3;
constexpr int kStaleLinksMax = 3;
constexpr int64_t kFetchRowsFirst = 200;  // of unknown width
constexpr int64_t kFetchRowsMax = 500'000;
constexpr int64_t kDirectRowsMax = 100'000;
constexpr int kSchemaProtocol = 0xA505;  // first to say the Arrow schema
constexpr int kLinkProtocol = 0xA503;
constexpr int kLz4Protocol = 0xA506;

Error BadAnswer(const std::string& what) {
  return Error(ErrorKind::kCorrupt, "SQL_ANSWER", "the SQL server " + what);
}

Error Cancelled() { return Error(ErrorKind::kCancelled, "CANCELLED", "stopped on request"); }

}  // namespace

void RunList::Enter(StatementRun* run) {
  std::lock_guard lock(mutex_);
  runs_.insert(run);
}

void RunList::Leave(StatementRun* run) {
  std::lock_guard lock(mutex_);
  runs_.erase(run);
}

void RunList::CancelAll() {
  std::lock_guard lock(mutex_);
  for (StatementRun* run : runs_) run->Stop();  // all at once, whatever a farewell takes
  for (StatementRun* run : runs_) run->Cancel();
}

StatementRun::StatementRun(RunContext context, std::string statement, StatementOptions options)
    : context_(context),
      statement_(std::move(statement)),
      options_(std::move(options)),
      begun_(std::chrono::steady_clock::now()) {
  context_.runs->Enter(this);
}

StatementRun::~StatementRun() {
  context_.runs->Leave(this);
  links_.reset();
  Close();
}

void StatementRun::Cancel() {
  Stop();
  if (const auto running = OperationToCancel()) calls().CancelOperation(*running);
}

/// The operation that the server was not yet told to cancel; from now on it was.
std::optional<tcli::TOperationHandle> StatementRun::OperationToCancel() {
  std::lock_guard lock(mutex_);
  if (!operation_ || std::exchange(cancel_told_, true)) return std::nullopt;
  return operation_;
}

std::optional<tcli::TOperationHandle> StatementRun::operation() const {
  std::lock_guard lock(mutex_);
  return operation_;
}

void StatementRun::SetOperation(std::optional<tcli::TOperationHandle> operation) {
  std::lock_guard lock(mutex_);
  operation_ = std::move(operation);
  cancel_told_ = false;
}

/// Frees what the server holds for the statement.
void StatementRun::Close() {
  const auto open = operation();
  if (!open) return;
  if (!has_run_) {
    if (const auto running = OperationToCancel()) calls().CancelOperation(*running);
  }
  SetOperation(std::nullopt);
  calls().CloseOperation(*open);
}

// Errors ---------------------------------------------------------------------------------------

Error StatementRun::SessionLost(const std::string& why) const {
  if (handed_rows_ > 0) return ResultLost(why);
  return Error(ErrorKind::kUnavailable, "SQL_SESSION_LOST",
               fmt::format("the SQL server has forgotten the session ({}); run again", why))
      .At(ShownStatement(statement_));
}

Error StatementRun::ResultLost(const std::string& why) const {
  return Error(ErrorKind::kUnavailable, "SQL_RESULT_LOST",
               fmt::format("the rest of the result cannot be had ({}); {} rows came before; run "
                           "again",
                           why, handed_rows_))
      .At(ShownStatement(statement_));
}

Status StatementRun::CheckCancelled() const {
  return stopped() || sessions().http_cancelled() ? Status(Cancelled()) : OkStatus();
}

Status StatementRun::JudgeStatus(const tcli::TStatus& status) const {
  if (status.statusCode != TStatusCode::ERROR && status.statusCode != TStatusCode::INVALID_HANDLE) {
    return OkStatus();
  }
  const bool unknown = status.statusCode == TStatusCode::INVALID_HANDLE;
  if (unknown || SaysUnknownHandle(status.errorMessage)) {
    return SessionLost(status.errorMessage.empty() ? "unknown handle" : status.errorMessage);
  }
  if (stopped()) return Cancelled();
  return FromSqlFailure({status.sqlState, status.errorMessage, status.displayMessage, statement_});
}

/// A 404 to a call whose path was right before means that session or operation are gone.
template <class Reply>
Result<Reply> StatementRun::Known(Result<Reply> reply) const {
  if (reply) return reply;
  if (reply.error().http_status() == 404) return SessionLost("HTTP status 404");
  return std::move(reply).error();
}

// Running --------------------------------------------------------------------------------------

Status StatementRun::Start() {
  while (true) {
    Status started = StartOnce();
    if (started) return started;
    TRY_VOID(PrepareRestart(started.error()));
  }
}

Status StatementRun::PrepareRestart(const Error& why) {
  TRY_VOID(CheckCancelled());
  const bool session_lost = why.code() == "SQL_SESSION_LOST";
  const bool restartable = session_lost || why.code() == "SQL_RESULT_LOST";
  if (!restartable || handed_rows_ > 0 || restarts_ == kRestartsMax) return why;
  ++restarts_;
  links_.reset();
  if (session_lost) {
    SetOperation(std::nullopt);
    sessions().Forget(session_);
  }
  Close();
  ready_.clear();
  more_ = false;
  has_run_ = false;
  next_row_ = 0;
  announced_rows_ = 0;
  return OkStatus();
}

Status StatementRun::StartOnce() {
  TRY_VOID(CheckCancelled());
  TRY(session_, sessions().Get(stop_.get_token()));
  fetch_rows_ = session_->databricks ? kDirectRowsMax : kFetchRowsFirst;
  auto executed = Known(calls().ExecuteStatement(MakeRequest(), stop_.get_token(), options_.read));
  // It may run by now, under a name that we were not told; its session ends it.
  if (!executed && stopped()) sessions().Close(session_);
  TRY(tcli::TExecuteStatementResp reply, std::move(executed));
  TRY_VOID(JudgeStatus(reply.status));
  if (!reply.__isset.operationHandle) return BadAnswer("runs a statement without naming it");
  SetOperation(reply.operationHandle);
  return TakeExecuted(std::move(reply));
}

tcli::TExecuteStatementReq StatementRun::MakeRequest() const {
  tcli::TExecuteStatementReq request;
  request.sessionHandle = session_->handle;
  request.statement = statement_;
  request.__set_runAsync(true);
  if (options_.timeout_s > 0) request.__set_queryTimeout(options_.timeout_s);
  if (!session_->databricks) return request;
  const SqlChannel::Options& may = channel();
  const bool arrow = may.arrow && session_->protocol >= kSchemaProtocol;
  request.__set_confOverlay({{"spark.thriftserver.arrowBasedRowSet.timestampAsString", "false"}});
  request.__set_canReadArrowResult(arrow);
  request.__set_canDownloadResult(arrow && may.links && session_->protocol >= kLinkProtocol);
  request.__set_canDecompressLZ4Result(arrow && may.lz4 && session_->protocol >= kLz4Protocol);
  request.__set_maxBytesPerFile(may.fetch_bytes);
  if (arrow) {
    tcli::TSparkArrowTypes native;
    native.__set_timestampAsArrow(true);
    native.__set_decimalAsArrow(true);
    native.__set_complexTypesAsArrow(true);
    native.__set_intervalTypesAsArrow(false);
    native.__set_nullTypeAsArrow(true);
    request.__set_useArrowNativeTypes(native);
  }
  if (may.direct_results) {
    tcli::TSparkGetDirectResults direct;
    direct.maxRows = kDirectRowsMax;
    direct.__set_maxBytes(may.fetch_bytes);
    request.__set_getDirectResults(direct);
  }
  return request;
}

Status StatementRun::TakeExecuted(tcli::TExecuteStatementResp reply) {
  tcli::TSparkDirectResults& direct = reply.directResults;
  const auto& has = direct.__isset;
  std::optional<tcli::TGetOperationStatusResp> state;
  if (has.operationStatus) state = std::move(direct.operationStatus);
  TRY_VOID(WaitUntilRun(std::move(state)));
  if (has.resultSetMetadata) {
    TRY_VOID(PlanSchema(direct.resultSetMetadata));
  } else {
    TRY(const auto metadata, Known(calls().GetResultSetMetadata(*operation(), stop_.get_token())));
    TRY_VOID(PlanSchema(metadata));
  }
  if (has.closeOperation) SetOperation(std::nullopt);  // the server has closed it already
  more_ = !has.closeOperation;
  if (!has.resultSet) return OkStatus();
  TRY_VOID(JudgeStatus(direct.resultSet.status));
  TRY_VOID(TakeRows(direct.resultSet, /*fresh_links=*/false));
  if (has.closeOperation && more_) return ResultLost("the server closed it before its end");
  return OkStatus();
}

Status StatementRun::WaitUntilRun(std::optional<tcli::TGetOperationStatusResp> reply) {
  long wait_ms = channel().poll_first_ms;
  while (true) {
    if (reply) {
      TRY_VOID(JudgeStatus(reply->status));
      TRY(has_run_, HasRun(*reply));
      if (has_run_) return OkStatus();
      TRY_VOID(PauseBeforePoll(wait_ms));
      wait_ms = std::min(wait_ms * 3 / 2 + 1, channel().poll_max_ms);
    }
    TRY_VOID(CheckCancelled());
    TRY(reply, Known(calls().GetOperationStatus(*operation(), stop_.get_token())));
  }
}

Status StatementRun::PauseBeforePoll(long wait_ms) {
  const auto spent = std::chrono::steady_clock::now() - begun_;
  const bool limited = options_.timeout_s > 0 && !has_run_;
  if (limited && spent > std::chrono::seconds(options_.timeout_s)) {
    return Error(ErrorKind::kLimitReached, "SQL_TIMEOUT",
                 fmt::format("not run within {} s, and cancelled", options_.timeout_s))
        .At(ShownStatement(statement_));
  }
  RetryPolicy policy;
  policy.cancelled = [this] { return !CheckCancelled(); };
  return WaitFor(policy, wait_ms) ? OkStatus() : Status(Cancelled());
}

Result<bool> StatementRun::HasRun(const tcli::TGetOperationStatusResp& reply) const {
  if (!reply.__isset.operationState) return BadAnswer("does not say how a statement does");
  switch (reply.operationState) {
    case TOperationState::FINISHED: return true;
    case TOperationState::CANCELED:
      if (stopped()) return Cancelled();
      return Error(ErrorKind::kConflict, "SQL_STOPPED",
                   "someone cancelled the statement at the server; run again")
          .At(ShownStatement(statement_));
    case TOperationState::CLOSED: return ResultLost("the server closed the statement");
    case TOperationState::TIMEDOUT:
      return Error(ErrorKind::kLimitReached, "SQL_TIMEOUT",
                   "the server gave the statement up for taking too long")
          .At(ShownStatement(statement_));
    case TOperationState::ERROR:
      if (stopped()) return Cancelled();
      return FromSqlFailure({reply.sqlState, reply.errorMessage, reply.displayMessage, statement_});
    default: return false;
  }
}

Status StatementRun::PlanSchema(const tcli::TGetResultSetMetadataResp& metadata) {
  TRY_VOID(JudgeStatus(metadata.status));
  using Format = tcli::TSparkRowSetType;
  const int format =
      metadata.__isset.resultFormat ? metadata.resultFormat : Format::COLUMN_BASED_SET;
  const ResultSchemaOptions wanted{options_.wanted, options_.json_columns, options_.nested_as_text};
  ResultSchema planned;
  if (format == Format::COLUMN_BASED_SET) {
    sent_ = nullptr;
    TRY(planned, PlanColumnarResult(metadata.schema, wanted));
  } else if (format == Format::ARROW_BASED_SET || format == Format::URL_BASED_SET) {
    sent_message_ = metadata.arrowSchema;
    lz4_ = metadata.lz4Compressed;
    TRY(sent_, ReadArrowSchema(sent_message_));
    TRY(planned, PlanArrowResult(*sent_, metadata.schema, wanted));
  } else {
    return BadAnswer(fmt::format("sends rows in the unknown form {}", format));
  }
  if (planned_ && !planned.arrow->Equals(*schema_.arrow, /*check_metadata=*/false)) {
    return Error(ErrorKind::kConflict, "SQL_SCHEMA_DIFFERS",
                 "the statement was run again and now has other columns; run again")
        .At(ShownStatement(statement_));
  }
  planned_ = true;
  schema_ = std::move(planned);
  return schema_.zone_unsaid && !session_->zone_is_utc ? CheckZone() : OkStatus();
}

/// A server that does not take our time zone would write every timestamp shifted.
Status StatementRun::CheckZone() {
  StatementRun question(context_, "SELECT current_timezone()", {});
  TRY_VOID(question.Start());
  TRY(const Batch answer, question.Next());
  const bool text = answer != nullptr && answer->num_columns() == 1 &&
                    answer->column(0)->type_id() == arrow::Type::STRING;
  if (!text) return BadAnswer("does not say its time zone");
  const std::string zone = static_cast<const arrow::StringArray&>(*answer->column(0)).GetString(0);
  if (!IsUtc(zone)) {
    return Error(
        ErrorKind::kConflict, "SQL_TIME_ZONE",
        fmt::format("the SQL server writes timestamps in the zone {}, though UTC was asked "
                    "for; set spark.sql.session.timeZone=UTC at the server",
                    zone));
  }
  question.session_->zone_is_utc = true;
  return OkStatus();
}

// Rows -----------------------------------------------------------------------------------------

Result<StatementRun::Batch> StatementRun::Next() {
  while (true) {
    Result<Batch> batch = NextOnce();
    if (batch) {
      if (*batch != nullptr) handed_rows_ += (*batch)->num_rows();
      return batch;
    }
    TRY_VOID(PrepareRestart(batch.error()));
    TRY_VOID(Start());
  }
}

Result<StatementRun::Batch> StatementRun::NextOnce() {
  const size_t links_ahead = static_cast<size_t>(channel().downloads_max) * 2;
  long wait_ms = channel().poll_first_ms;
  long waited_ms = 0;
  while (true) {
    TRY_VOID(CheckCancelled());
    if (!ready_.empty()) {
      Batch batch = std::move(ready_.front());
      ready_.pop_front();
      return batch;
    }
    const size_t linked = links_ == nullptr ? 0 : links_->waiting();
    const bool fetch = more_ && linked < links_ahead;
    if (!fetch && linked == 0) {
      if (next_row_ < announced_rows_) return ResultLost("the server does not give links again");
      Close();
      return Batch();
    }
    const int64_t before = next_row_;
    if (fetch) TRY_VOID(Fetch(/*fresh_links=*/false));
    if (fetch && next_row_ > before) continue;
    if (linked > 0) {
      TRY_VOID(TakeLinkedRows());
      continue;
    }
    if (!more_) continue;
    if (waited_ms > channel().call_timeout_ms) return BadAnswer("promises rows and sends none");
    TRY_VOID(PauseBeforePoll(wait_ms));
    waited_ms += wait_ms;
    wait_ms = std::min(wait_ms * 2, channel().poll_max_ms);
  }
}

Status StatementRun::Fetch(bool fresh_links) {
  const auto open = operation();
  if (!open) return ResultLost("the server closed the statement");
  tcli::TFetchResultsReq request;
  request.operationHandle = *open;
  request.maxRows = fetch_rows_;
  if (session_->databricks) {
    request.__set_maxBytes(channel().fetch_bytes);
    request.__set_startRowOffset(next_row_);
  }
  Result<SqlCalls::Fetched> fetched =
      Known(calls().FetchResults(request, stop_.get_token(), options_.read));
  if (!fetched) {
    const Error& error = fetched.error();
    const bool lost = error.kind() == ErrorKind::kUnavailable && error.code() != "SQL_SESSION_LOST";
    return lost ? ResultLost(error.message()) : error;
  }
  TRY_VOID(JudgeStatus(fetched->reply.status));
  const int64_t before = next_row_;
  if (fetched->repeated && fetched->reply.results.startRowOffset != next_row_) {
    return ResultLost("the server does not send rows again");
  }
  TRY_VOID(TakeRows(fetched->reply, fresh_links));
  AdaptFetch(fetched->bytes, next_row_ - before);
  return OkStatus();
}

/// So many rows that the next reply is about as large as it should be. Links are small.
void StatementRun::AdaptFetch(size_t bytes, int64_t rows) {
  if (rows == 0 || links_ != nullptr) return;
  const int64_t bytes_a_row = static_cast<int64_t>(bytes) / rows + 1;
  const int64_t most = std::min(fetch_rows_ * 4, kFetchRowsMax);
  fetch_rows_ = std::clamp(channel().fetch_bytes / bytes_a_row, int64_t{1}, most);
}

Status StatementRun::TakeRows(const tcli::TFetchResultsResp& reply, bool fresh_links) {
  const tcli::TRowSet& rows = reply.results;
  const int64_t before = next_row_;
  const bool some = !rows.columns.empty() || !rows.arrowBatches.empty();
  if (some && rows.startRowOffset > next_row_) {
    return ResultLost(
        fmt::format("the server went on with row {}, after {}", rows.startRowOffset, next_row_));
  }
  if (!rows.resultLinks.empty()) {
    TRY_VOID(TakeLinks(rows, fresh_links));
  } else if (!rows.arrowBatches.empty()) {
    TRY_VOID(TakeArrow(rows));
  } else if (!rows.columns.empty()) {
    if (sent_ != nullptr) return BadAnswer("announced Arrow and sends columns");
    TRY(Batch batch, DecodeColumnarRows(rows, schema_));
    next_row_ += batch->num_rows();
    if (batch->num_rows() > 0) ready_.push_back(std::move(batch));
  }
  // Spark's own server always says that there is no more; it ends with a reply without rows.
  more_ = session_->databricks ? reply.hasMoreRows : next_row_ > before;
  return OkStatus();
}

Status StatementRun::Conform(const std::vector<Batch>& batches) {
  for (const Batch& batch : batches) {
    TRY(Batch conformed, ConformArrow(*batch, schema_));
    ready_.push_back(std::move(conformed));
  }
  return OkStatus();
}

Status StatementRun::TakeArrow(const tcli::TRowSet& rows) {
  if (sent_ == nullptr) return BadAnswer("announced columns and sends Arrow");
  for (const tcli::TSparkArrowBatch& sent : rows.arrowBatches) {
    std::string stream = sent_message_;
    if (lz4_) {
      TRY(const auto frames, Lz4Frames::Make());
      TRY_VOID(frames->Open(sent.batch, static_cast<size_t>(channel().bytes_max), stream));
      TRY_VOID(frames->Finish());
    } else {
      stream += sent.batch;
    }
    TRY(const auto batches, ReadArrowStream(std::move(stream), *sent_, sent.rowCount));
    TRY_VOID(Conform(batches));
    next_row_ += sent.rowCount;
  }
  return OkStatus();
}

Status StatementRun::TakeLinks(const tcli::TRowSet& rows, bool fresh) {
  if (sent_ == nullptr) return BadAnswer("announced columns and sends links");
  std::vector<ResultLink> links;
  for (const tcli::TSparkArrowResultLink& sent : rows.resultLinks) {
    if (sent.startRowOffset + sent.rowCount <= next_row_) continue;  // had, or without rows
    if (sent.startRowOffset != next_row_) {
      return ResultLost(
          fmt::format("a link begins with row {}, after {}", sent.startRowOffset, next_row_));
    }
    next_row_ += sent.rowCount;
    links.push_back({sent.fileLink, sent.expiryTime, sent.startRowOffset, sent.rowCount,
                     sent.bytesNum, sent.httpHeaders});
  }
  if (links_ == nullptr) {
    LinkReader::Options options;
    options.downloads_max = channel().downloads_max;
    options.bytes_max = channel().bytes_max;
    options.lz4 = lz4_;
    options.retry = channel().failures;
    options.retry.cancelled = [this] { return !CheckCancelled(); };
    options.stop = stop_.get_token();
    options.read = options_.read;
    links_ = std::make_unique<LinkReader>(sessions().links(), sent_, std::move(options));
  }
  links_->Add(std::move(links), fresh);
  return OkStatus();
}

Status StatementRun::TakeLinkedRows() {
  TRY(const LinkReader::Taken taken, links_->Take());
  if (!taken.stale) {
    stale_links_ = 0;
    return Conform(taken.batches);
  }
  if (++stale_links_ > kStaleLinksMax) return Error(*taken.stale).At(ShownStatement(statement_));
  links_->Clear();
  announced_rows_ = std::max(announced_rows_, next_row_);
  next_row_ = taken.start_row;
  return Fetch(/*fresh_links=*/true);
}

}  // namespace mms::databricks
