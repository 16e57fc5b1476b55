// The calls of the SQL protocol, typed: each is one Thrift message there and one back. Which may be
// repeated is decided here. Thread-safe; every call blocks.
//
// Errors of all: those of thrift_carrier.h; kCorrupt SQL_ANSWER (the bytes are not the reply's);
// kCancelled once `stop` was asked to. A failure inside a reply's status is the caller's to judge.
#pragma once

#include <tcli_service_types.h>

#include <atomic>
#include <stop_token>
#include <string>

#include "base/result.h"
#include "clients/databricks/thrift_carrier.h"

namespace mms::databricks {

class SqlCalls {
 public:
  struct Fetched {
    tcli::TFetchResultsResp reply;
    size_t bytes = 0;  ///< of the message
    /// Asked more than once: whether the server kept to the offset, the reply's own tells.
    bool repeated = false;
  };

  /// `timeout_ms`: of each call but farewells, which have a few seconds.
  SqlCalls(ThriftCarrier* carrier, long timeout_ms) : carrier_(carrier), timeout_ms_(timeout_ms) {}

  Result<tcli::TOpenSessionResp> OpenSession(const tcli::TOpenSessionReq& request,
                                             std::stop_token stop);
  /// The statement must be one that only reads: after a lost reply it is sent again.
  /// Its answer may hold rows: like those of FetchResults it is added to `read`.
  Result<tcli::TExecuteStatementResp> ExecuteStatement(const tcli::TExecuteStatementReq& request,
                                                       std::stop_token stop, ByteCount read);
  Result<tcli::TGetOperationStatusResp> GetOperationStatus(const tcli::TOperationHandle& operation,
                                                           std::stop_token stop);
  Result<tcli::TGetResultSetMetadataResp> GetResultSetMetadata(
      const tcli::TOperationHandle& operation, std::stop_token stop);
  /// With a startRowOffset it says which rows it wants, and may be repeated. Without, it is not
  /// repeated once it may have been taken, since it moves the server's cursor.
  Result<Fetched> FetchResults(const tcli::TFetchResultsReq& request, std::stop_token stop,
                               ByteCount read);
  /// Farewells: sent once, also after a cancel. Nobody could do anything about their failure. After
  /// one that a server left unanswered, none is sent: it would only be waited for as well.
  void CancelOperation(const tcli::TOperationHandle& operation);
  void CloseOperation(const tcli::TOperationHandle& operation);
  void CloseSession(const tcli::TSessionHandle& session);

 private:
  ThriftCarrier* const carrier_;
  const long timeout_ms_;
  std::atomic<bool> silent_{false};
};

}  // namespace mms::databricks
