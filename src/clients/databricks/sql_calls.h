// The calls of the SQL protocol, typed: each is one Thrift message there and one back. Which may be
// repeated is decided here. Thread-safe; every call blocks.
//
// Errors of all: those of thrift_carrier.h; kCorrupt SQL_ANSWER (the bytes are not the reply's). A
// failure inside a reply's status is the caller's to judge.
#pragma once

#include <tcli_service_types.h>

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

  Result<tcli::TOpenSessionResp> OpenSession(const tcli::TOpenSessionReq& request);
  /// The statement must be one that only reads: after a lost reply it is sent again.
  Result<tcli::TExecuteStatementResp> ExecuteStatement(const tcli::TExecuteStatementReq& request);
  Result<tcli::TGetOperationStatusResp> GetOperationStatus(const tcli::TOperationHandle& operation);
  Result<tcli::TGetResultSetMetadataResp> GetResultSetMetadata(
      const tcli::TOperationHandle& operation);
  /// With a startRowOffset it says which rows it wants, and may be repeated. Without, it is not
  /// repeated once it may have been taken, since it moves the server's cursor.
  Result<Fetched> FetchResults(const tcli::TFetchResultsReq& request);
  /// Farewells: sent once, also after a cancel. Nobody could do anything about their failure.
  void CancelOperation(const tcli::TOperationHandle& operation);
  void CloseOperation(const tcli::TOperationHandle& operation);
  void CloseSession(const tcli::TSessionHandle& session);

 private:
  ThriftCarrier* const carrier_;
  const long timeout_ms_;
};

}  // namespace mms::databricks
