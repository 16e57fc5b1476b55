// One statement on its way: sent, waited for, its rows fetched and decoded. Behind sql_channel.h,
// which says what it promises.
#pragma once

#include <arrow/type_fwd.h>
#include <tcli_service_types.h>

#include <chrono>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <stop_token>
#include <string>
#include <vector>

#include "clients/databricks/arrow_rows.h"
#include "clients/databricks/link_reader.h"
#include "clients/databricks/result_schema.h"
#include "clients/databricks/sql_calls.h"
#include "clients/databricks/sql_channel.h"
#include "clients/databricks/sql_session.h"

namespace mms::databricks {

class StatementRun;

/// The statements of a channel that run or are being read.
class RunList {
 public:
  void Enter(StatementRun* run);
  void Leave(StatementRun* run);
  void CancelAll();

 private:
  std::mutex mutex_;
  std::set<StatementRun*> runs_;  // guarded by mutex_
};

/// What a statement's run uses of its channel.
struct RunContext {
  SqlSessions* sessions;
  RunList* runs;
};

class StatementRun : public SqlRows {
 public:
  StatementRun(RunContext context, std::string statement, StatementOptions options);
  ~StatementRun() override;

  /// Up to where the columns are known.
  Status Start();
  const std::shared_ptr<arrow::Schema>& schema() const override { return schema_.arrow; }
  Result<std::shared_ptr<arrow::RecordBatch>> Next() override;
  /// Both from any thread. Stop ends waiting here; Cancel ends the work at the server too.
  void Stop() { stop_.request_stop(); }
  void Cancel();

 private:
  using Batch = std::shared_ptr<arrow::RecordBatch>;

  Status StartOnce();
  /// Makes ready for another start, or returns `why` when there must be none.
  Status PrepareRestart(const Error& why);
  tcli::TExecuteStatementReq MakeRequest() const;
  Status TakeExecuted(tcli::TExecuteStatementResp reply);
  Status WaitUntilRun(std::optional<tcli::TGetOperationStatusResp> reply);
  Result<bool> HasRun(const tcli::TGetOperationStatusResp& reply) const;
  Status PauseBeforePoll(long wait_ms);
  Status CheckCancelled() const;
  Status CheckZone();
  Status JudgeStatus(const tcli::TStatus& status) const;
  template <class Reply>
  Result<Reply> Known(Result<Reply> reply) const;
  Status PlanSchema(const tcli::TGetResultSetMetadataResp& metadata);
  Status Fetch(bool fresh_links);
  Status TakeRows(const tcli::TFetchResultsResp& reply, bool fresh_links);
  Status TakeArrow(const tcli::TRowSet& rows);
  Status TakeLinks(const tcli::TRowSet& rows, bool fresh);
  Status TakeLinkedRows();
  Status Conform(const std::vector<Batch>& batches);
  Result<Batch> NextOnce();
  void AdaptFetch(size_t bytes, int64_t rows);
  void SetOperation(std::optional<tcli::TOperationHandle> operation);
  std::optional<tcli::TOperationHandle> operation() const;
  std::optional<tcli::TOperationHandle> OperationToCancel();
  void Close();
  bool stopped() const { return stop_.stop_requested(); }
  Error SessionLost(const std::string& why) const;
  Error ResultLost(const std::string& why) const;

  SqlSessions& sessions() const { return *context_.sessions; }
  SqlCalls& calls() const { return context_.sessions->calls(); }
  const SqlChannel::Options& channel() const { return context_.sessions->options(); }

  const RunContext context_;
  const std::string statement_;
  const StatementOptions options_;
  const std::chrono::steady_clock::time_point begun_;

  std::shared_ptr<const SqlSession> session_;
  mutable std::mutex mutex_;
  std::optional<tcli::TOperationHandle> operation_;  // guarded by mutex_: Cancel reads it
  bool cancel_told_ = false;                         // so is this: to the server
  std::stop_source stop_;

  ResultSchema schema_;
  std::shared_ptr<arrow::Schema> sent_;  // of an Arrow result; null = columns
  std::string sent_message_;
  bool lz4_ = false;
  std::unique_ptr<LinkReader> links_;
  std::deque<Batch> ready_;
  bool planned_ = false;        // schema_ is set
  bool more_ = false;           // the server has rows, or links, that were not fetched
  bool has_run_ = false;        // the operation has ended by itself
  int64_t next_row_ = 0;        // the first that was not fetched
  int64_t announced_rows_ = 0;  // by links that are asked for again
  int64_t handed_rows_ = 0;     // by Next
  int64_t fetch_rows_ = 0;      // to ask for next time
  int restarts_ = 0;
  int stale_links_ = 0;  // met since rows last came
};

}  // namespace mms::databricks
