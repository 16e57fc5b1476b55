// MaxCompute's control plane: project, table and partition reads, SQL instances. One Client per
// project; thread-safe; every call blocks.
//
// Wire facts as the official clients show them (PyODPS 0.13, odps-sdk-core 0.52): XML documents
// over {endpoint}/projects/..., signed by Signer (signing.h). SQL is submitted once and never
// resubmitted blindly: a submit whose answer was lost returns kUnavailable and the caller decides
// (our DDL is idempotent, IF NOT EXISTS).
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/http_client.h"
#include "base/result.h"
#include "base/retry.h"
#include "clients/maxcompute/codec.h"
#include "clients/maxcompute/signing.h"
#include "clients/maxcompute/types.h"

namespace mms::maxcompute {

struct Options {
  std::string endpoint;         ///< http(s)://host[:port][/api]
  std::string tunnel_endpoint;  ///< http(s)://host[:port]; "" = asked from `endpoint`
  std::string project;
  std::string schema;  ///< "" or "default": two-tier names, project.table
  Credentials credentials;
  std::string quota_name;     ///< of Tunnel: "" = the shared group
  Codec codec = Codec::kRaw;  ///< of blocks, both ways
  /// Sent as settings of every SQL instance, over our own defaults.
  std::map<std::string, std::string> sql_settings;
  std::string
      logview_host;  ///< http(s)://host that shows SQL instances; "" = asked from `endpoint`
  long sql_poll_ms = 500;
  long sql_timeout_ms = 24L * 3600 * 1000;
  RetryPolicy retry;  ///< of every call that may be repeated
};

/// Names have three tiers, project.schema.table: a schema other than "default" is set.
bool UsesSchema(const Options& options);

/// One partition: column name and value, in level order; empty = a table without partitions.
using PartitionSpec = std::vector<std::pair<std::string, std::string>>;

/// "ds=20260101,hour=3": the form of Tunnel's `partition` parameter.
std::string ToTunnelText(const PartitionSpec& spec);
/// "ds='20260101',hour='3'": the form of SQL and REST.
std::string ToSqlText(const PartitionSpec& spec);
/// `text` as a single-quoted SQL literal with MaxCompute's escapes.
std::string QuoteLiteral(std::string_view text);
/// `name` in back quotes, doubled inside.
std::string QuoteName(std::string_view name);

struct TableInfo {
  std::string name;
  std::string type;  ///< MANAGED_TABLE, ...
  std::string comment;
  TableSchema schema;
};

struct SqlResult {
  std::string instance_id;
  std::vector<std::string> columns;  ///< empty for statements without rows
  /// NULL = nullopt; at most 10,000 rows.
  std::vector<std::vector<std::optional<std::string>>> rows;
  std::string text;        ///< result text of DDL, DESC, SHOW
  bool truncated = false;  ///< the service cut the rows at its limit
};

class Client {
 public:
  Client(Options options, std::shared_ptr<HttpClient> http);
  ~Client();

  const Options& options() const;
  std::shared_ptr<HttpClient> http() const;

  /// Project exists and the key may read it. Errors: kNotFound ODPS_PROJECT_NOT_FOUND, kDenied
  /// ODPS_DENIED / ODPS_SIGNATURE, transport kinds.
  Status CheckProject();

  /// Errors: kNotFound ODPS_TABLE_NOT_FOUND.
  Result<TableInfo> FetchTable(const std::string& table);

  /// Calls `visit` for each partition, page by page. `visit` returns an error to stop.
  Status ListPartitions(const std::string& table,
                        const std::function<Status(const PartitionSpec&)>& visit);

  /// Submits one statement, polls, fetches the result. A failed task is the error of its ODPS code:
  /// 0130131 kNotFound ODPS_TABLE_NOT_FOUND, 0130013 kDenied ODPS_DENIED, 0130161/0130071
  /// kInvalidInput ODPS_SQL_INVALID, 0010000/0430055 kUnavailable ODPS_UNAVAILABLE, other kInternal
  /// ODPS_SQL_FAILED; kConflict ODPS_SQL_EXISTS (object already there), ODPS_SQL_CANCELLED (stopped
  /// by someone); kLimitReached ODPS_SQL_TIMEOUT.
  Result<SqlResult> RunSql(const std::string& statement);

  /// http(s)://host[:port] of the Tunnel service: configured, or discovered once and kept.
  Result<std::string> TunnelEndpoint();

  /// Signs and sends one request. `path` starts with /projects/ and is plain (percent-encoded
  /// here); `base` is an endpoint. Used by Tunnel too. Answers of any status are returned.
  struct Call {
    std::string method = "GET";
    std::string base;
    std::string path;
    std::vector<std::pair<std::string, std::string>> query;
    std::vector<std::pair<std::string, std::string>> headers;
    std::string body;
    HttpUpload* upload = nullptr;
    std::function<Status(const HttpResponse&)> on_head;  ///< as HttpRequest's
    std::function<Status(std::string_view)> on_body;
    long timeout_ms = 120000;
    bool send_once = false;  ///< as HttpRequest::send_once
  };
  Result<HttpResponse> Send(const Call& call);

  /// Send where an answer other than 2xx is an error (errors.h). `not_found_code` is the error code
  /// of a 404 that does not say what is missing.
  Result<HttpResponse> Exchange(const Call& call, std::string_view not_found_code);

  /// Exchange, repeated by Options::retry: for calls that may run twice.
  Result<HttpResponse> Fetch(const Call& call, std::string_view not_found_code);

 private:
  struct State;
  std::unique_ptr<State> state_;

  Result<std::string> DiscoverTunnel();
  Result<HttpResponse> SubmitSql(const std::string& statement);
  Status AwaitSql(const std::string& instance_id);
  Result<SqlResult> FetchSqlResult(const std::string& instance_id);
};

}  // namespace mms::maxcompute
