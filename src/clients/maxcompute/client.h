// MaxCompute's control plane: project, table and partition reads, SQL instances. One Client per
// project; thread-safe; every call blocks.
//
// Wire facts as the official clients show them (PyODPS 0.13, odps-sdk-core 0.52): XML documents
// over {endpoint}/projects/..., signed (signing.h). Which calls may be repeated stands in calls.h.
// SQL is submitted once and never resubmitted blindly: after a lost answer the instance is looked
// for, and when none is found the caller gets kUnavailable and decides.
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
#include "base/secret.h"
#include "clients/maxcompute/calls.h"
#include "clients/maxcompute/credentials.h"
#include "clients/maxcompute/types.h"

namespace mms::maxcompute {

class Pacer;

struct Options {
  std::string endpoint;         ///< http(s)://host[:port][/api]
  std::string tunnel_endpoint;  ///< http(s)://host[:port]; "" = asked from `endpoint`
  std::string project;
  std::string job_project;  ///< where SQL statements run; "" = `project`
  std::string schema;       ///< "" or "default": two-tier names, project.table
  Credentials credentials;
  std::string quota_name;  ///< of Tunnel: "" = the shared group
  /// Sent as settings of every SQL instance, over our own defaults.
  std::map<std::string, std::string> sql_settings;
  std::string
      logview_host;  ///< http(s)://host that shows SQL instances; "" = asked from `endpoint`
  long sql_poll_ms = 500;
  long sql_timeout_ms = 24L * 3600 * 1000;
  RetryPolicy retry;               ///< of every call that may be repeated
  std::shared_ptr<Pacer> pacer{};  ///< asked before sessions and commits; nullptr = nobody is
};

/// Where SQL statements run.
const std::string& JobProject(const Options& options);
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

/// What sort of table it is, as far as the service tells: what is not told is nullopt.
struct TableTraits {
  std::optional<std::vector<std::string>> primary_key{};  ///< empty = it has none
  std::optional<std::string> format_version{};            ///< "2": Append Delta; "" = it has none

  struct Clustering {
    bool range = false;             ///< else by hash
    std::vector<std::string> by{};  ///< empty = not clustered
    int64_t buckets = 0;            ///< 0 = left to the service, or not told
  };
  std::optional<Clustering> clustering{};
};

struct TableInfo {
  std::string name;
  std::string type;  ///< MANAGED_TABLE, ...
  std::string comment;
  TableSchema schema;
  TableTraits traits;
};

/// As one line of so many bytes at most; what is left out is three dots.
std::string StatementStart(const std::string& statement, size_t bytes_max);

struct SubmittedSql {
  std::string instance_id;
  std::string logview_url;  ///< "" = unknown
  std::string statement;
};

struct SqlOptions {
  std::map<std::string, std::string> settings;  ///< of this statement, over Options::sql_settings
  long timeout_ms = 0;                          ///< 0 = Options::sql_timeout_ms
  /// Asked while the statement runs: true = it is cancelled, as by Options::retry.cancelled.
  std::function<bool()> cancelled;
  /// Called once the service has taken the statement, for logs.
  std::function<void(const SubmittedSql& submitted)> on_submitted;
};

struct SqlResult {
  std::string instance_id;
  std::string logview_url;           ///< where a person sees it run, without a token; "" = unknown
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

  struct ProjectInfo {
    /// Names may have three tiers (its property odps.schema.model.enabled); nullopt = not told.
    std::optional<bool> has_schemas;
  };
  /// The project, which exists and which the key may read. Errors: kNotFound
  /// ODPS_PROJECT_NOT_FOUND, kDenied ODPS_DENIED / ODPS_SIGNATURE, transport kinds.
  Result<ProjectInfo> FetchProject();

  /// Whether the project has a schema of this name. Errors: those of FetchProject.
  Result<bool> HasSchema(const std::string& schema);

  /// The name of a table of the project; nullopt = it has none.
  Result<std::optional<std::string>> FindAnyTable();

  /// Two requests: the table's document and its extended one. Errors: kNotFound
  /// ODPS_TABLE_NOT_FOUND.
  Result<TableInfo> FetchTable(const std::string& table);

  /// Calls `visit` for each partition, page by page. `visit` returns an error to stop.
  Status ListPartitions(const std::string& table,
                        const std::function<Status(const PartitionSpec&)>& visit);

  /// Submits one statement, polls, fetches the result. A failed task is the error of its ODPS code:
  /// 0130131 kNotFound ODPS_TABLE_NOT_FOUND, 0130013 kDenied ODPS_DENIED, other 0130xxx
  /// kInvalidInput ODPS_SQL_INVALID, 0010000/0430055 kUnavailable ODPS_UNAVAILABLE, other kInternal
  /// ODPS_SQL_FAILED; kConflict ODPS_SQL_EXISTS (object already there), ODPS_SQL_CANCELLED (stopped
  /// by someone). A statement that takes too long (kLimitReached ODPS_SQL_TIMEOUT) or is no longer
  /// wanted (kCancelled) is cancelled in the service, and the error tells whether that worked.
  /// Errors name instance and LogView.
  Result<SqlResult> RunSql(const std::string& statement, const SqlOptions& options = {});

  /// RunSql without fetching what came out: the id of the instance that succeeded.
  Result<std::string> ExecuteSql(const std::string& statement, const SqlOptions& options = {});
  /// What came out of an instance that has ended.
  Result<SqlResult> FetchSqlResult(const std::string& instance_id);

  /// Ends an instance that may still run, also when our own calls are cancelled.
  Status CancelSql(const std::string& instance_id);

  /// The page where a person sees an instance: without a token, so whoever opens it has to log in.
  /// "" when the service tells no host for it.
  std::string LogviewUrl(const std::string& instance_id);
  /// The same with a token that opens it for anyone, for `hours`. For eyes on request, not for
  /// logs.
  Result<Secret> FetchLogviewUrl(const std::string& instance_id, int hours = 24);

  /// http(s)://host[:port] of the Tunnel service: configured, or discovered once and kept.
  Result<std::string> TunnelEndpoint();

  /// One request. `path` starts with /projects/ and is plain (percent-encoded here); `base` is an
  /// endpoint, "" = that of the options.
  struct Call {
    CallKind kind;
    std::string method = "GET";
    std::string base{};
    std::string path{};
    std::vector<std::pair<std::string, std::string>> query{};
    std::vector<std::pair<std::string, std::string>> headers{};
    std::string body{};
    HttpUpload* upload = nullptr;
    std::function<Status(const HttpResponse&)> on_head{};  ///< as HttpRequest's
    std::function<Status(std::string_view)> on_body{};
    long timeout_ms = 120000;
    bool despite_cancel = false;  ///< as HttpRequest's
  };

  /// Signs and sends a call, and repeats it as its rule (calls.h) allows. An answer other than 2xx
  /// is an error (errors.h).
  Result<HttpResponse> Perform(const Call& call);

 private:
  struct State;
  std::unique_ptr<State> state_;

  Result<HttpResponse> SendSigned(const Call& call, const AccessKey& key,
                                  const std::string& region);
  Result<HttpResponse> PerformOnce(const Call& call);
  Result<std::string> DiscoverTunnel();
  struct Instance;
  Result<Instance> SubmitSql(const std::string& statement, const SqlOptions& options);
  Result<std::optional<std::string>> FindByMark(const std::string& mark);
  Status AwaitSql(const std::string& instance_id, const SqlOptions& options);
  Status CheckSql(const std::string& instance_id);
  Error StopSql(const std::string& instance_id, const Error& reason);
  Result<Instance> FinishSql(const std::string& statement, const SqlOptions& options);
  std::string LogviewHost();
};

}  // namespace mms::maxcompute
