// Runs SQL on a Databricks cluster or warehouse, or on a Spark Thrift Server, and gives the rows as
// Arrow batches: one interface whatever form the server answers in (columns, Arrow inline, links to
// files; LZ4; at once or later).
//
// For statements that only read: after a lost reply, or when the server has forgotten the SQL
// session, a statement is sent again as long as none of its rows was handed on. Once some were, and
// the rest cannot be had, the error is SQL_RESULT_LOST and the caller starts its unit of work anew.
//
// One SQL session is kept and opened again when the server has forgotten it. Timestamps are read as
// UTC, and it is made sure that the server writes them so.
//
// Threads: Execute and Cancel may be called from many; what Execute gives belongs to one thread.
// Memory: what is on its way and not yet handed on stays within Options::bytes_max or a few rows.
// Ownership: the channel outlives its results; both end their work at the server when destroyed.
//
// Errors: those of thrift_carrier.h, sql_failure.h, result_schema.h, columnar_rows.h, arrow_rows.h,
// link_reader.h; kUnavailable SQL_SESSION_LOST, SQL_RESULT_LOST; kConflict SQL_STOPPED (someone
// else ended the statement), SQL_TIME_ZONE; kLimitReached SQL_TIMEOUT; kCancelled CANCELLED.
//
// Source: the public HiveServer2 protocol and Spark 4.0's server; databricks-sql-connector 4.9 and
// databricks-jdbc (2025) for Databricks' additions.
#pragma once

#include <arrow/type_fwd.h>

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>

#include "base/byte_count.h"
#include "base/http_client.h"
#include "base/result.h"
#include "base/retry.h"
#include "clients/databricks/sql_endpoint.h"

namespace mms::databricks {

/// The rows of one statement.
class SqlRows {
 public:
  virtual ~SqlRows() = default;
  virtual const std::shared_ptr<arrow::Schema>& schema() const = 0;
  /// The next rows, at least one; null = that was all, and the statement is closed.
  virtual Result<std::shared_ptr<arrow::RecordBatch>> Next() = 0;
};

struct StatementOptions {
  /// The columns expected, by position: the batches have exactly this schema, or the statement is
  /// refused by the name of the column that cannot. Null = as the server sends them.
  std::shared_ptr<arrow::Schema> wanted;
  /// Positions of wanted columns that the statement makes into JSON (nested_text.h, NestedAsJson).
  std::set<size_t> json_columns;
  /// Nested values and intervals that are not wanted in a type come as the server's text (DESCRIBE
  /// DETAIL has such); otherwise they are refused.
  bool nested_as_text = false;
  /// Given up after so long, and cancelled at the server; 0 = never. Of running, not of fetching.
  long timeout_s = 0;
  /// What its rows took on their way is added to it: answers of the server that may hold rows, and
  /// files behind links.
  ByteCount read = {};
};

class SqlChannel {
 public:
  struct Options {
    SqlEndpoint endpoint;
    std::string catalog;  ///< initial namespace; "" = the server's
    std::string schema;
    /// Settings of the SQL session, beside ours.
    std::map<std::string, std::string> settings;
    bool arrow = true;  ///< what the server may answer in; columns always
    bool links = true;
    bool lz4 = true;
    bool direct_results = true;
    int downloads_max = 4;                   ///< links read side by side
    int64_t bytes_max = 64 << 20;            ///< of rows on their way
    int64_t fetch_bytes = 8 << 20;           ///< of one reply with rows, about
    long call_timeout_ms = 900'000;          ///< of one call
    long throttled_deadline_ms = 120'000;    ///< how long 429 is waited out,
    long unavailable_deadline_ms = 900'000;  ///< and 503
    long poll_first_ms = 100;
    long poll_max_ms = 5'000;
    RetryPolicy failures;  ///< of calls and downloads that may be repeated
  };

  /// `links` loads the files behind links; often the same as `http`, unless another proxy leads
  /// there.
  SqlChannel(Options options, std::shared_ptr<HttpClient> http, std::shared_ptr<HttpClient> links);
  ~SqlChannel();
  SqlChannel(const SqlChannel&) = delete;
  SqlChannel& operator=(const SqlChannel&) = delete;

  /// Runs the statement, and returns when it has run and its columns are known.
  Result<std::unique_ptr<SqlRows>> Execute(std::string statement, StatementOptions options = {});

  /// Ends the statements that run or are being read now, here and at the server: here at once,
  /// whatever the server does; it is told within seconds, or not if it does not listen.
  void Cancel();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace mms::databricks
