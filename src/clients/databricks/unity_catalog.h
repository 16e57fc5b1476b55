// Unity Catalog's REST API 2.1, the part a migration reads: who am I, catalog, schemas, tables with
// columns, grants. Needs no Databricks compute. Thread-safe; every call blocks; pages are handed on
// as they come.
//
// Read are Databricks' dialect and that of the open-source Unity Catalog server. What a server has
// no endpoint for is found out once and remembered, so that it costs one call.
//
// Source: the public REST reference and databricks-sdk 0.156, and the open-source server as seen: a
// page may be empty and still carry a token, so paging ends only when next_page_token is absent,
// null or empty; 429 and 503 wait Retry-After; a path that is not there is 404 as plain text, or
// 500 when the server asks for a token. Names go out and are compared as the server spelt them.
//
// Errors of every call: kDenied DATABRICKS_TOKEN_INVALID, DATABRICKS_DENIED (names the grant that
// is missing); kNotFound DATABRICKS_*_NOT_FOUND; kInvalidInput DATABRICKS_WORKSPACE (the host is no
// workspace), DATABRICKS_REQUEST; kThrottled DATABRICKS_THROTTLED; kUnavailable
// DATABRICKS_UNAVAILABLE (answers 5xx), DATABRICKS_UNREACHABLE (no answer); kCorrupt
// DATABRICKS_ANSWER. What may pass has been repeated before.
#pragma once

#include <array>
#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/http_client.h"
#include "base/result.h"
#include "base/retry.h"
#include "base/secret.h"
#include "clients/databricks/call_limit.h"
#include "clients/databricks/grants.h"
#include "clients/databricks/workspace_api.h"

namespace mms::databricks {

struct Question;

struct Schema {
  std::string catalog;
  std::string name;
  std::string comment;
  std::string owner;  ///< "" when not told; so below
};

struct Catalog {
  std::string name;
  std::string owner;
  bool browse_only = false;  ///< the token may know of it, not use it
};

struct Column {
  std::string name;
  int position = 0;
  std::string type;  ///< in SQL's spelling (column_type.h)
  bool nullable = true;
  std::optional<int> partition_index;
  std::string comment;
  /// Spark's StructField as JSON; "" when the server tells the type in SQL alone.
  std::string field_json;
  bool masked = false;  ///< has a column mask: files must not be read past it
};

struct Table {
  std::string catalog;
  std::string schema;
  std::string name;
  std::string id;
  std::string table_type;          ///< MANAGED, EXTERNAL, VIEW, ... as sent
  std::string data_source_format;  ///< DELTA, PARQUET, ... ; "" when absent
  std::string storage_location;
  std::string comment;
  std::string owner;
  std::optional<int64_t> updated_at_ms;
  /// False: the server has no word for row filters and masks, so that none told proves nothing.
  bool tells_guards = false;
  bool row_filtered = false;
  bool browse_only = false;     ///< the token may know of it, not read it
  std::vector<Column> columns;  ///< by position
  /// Tables that its foreign keys name. Not told by ListTables.
  std::vector<std::string> foreign_keys_to;
  /// Not told by ListTables. An option of a format's reader is "option.NAME".
  std::map<std::string, std::string> properties;

  std::string FullName() const { return catalog + "." + schema + "." + name; }
};

class UnityCatalog {
 public:
  /// As WorkspaceApi takes them.
  UnityCatalog(std::string_view workspace, TokenSource token, std::shared_ptr<HttpClient> http,
               std::shared_ptr<CallLimit> limit = nullptr);
  explicit UnityCatalog(std::shared_ptr<WorkspaceApi> api);

  /// Before the first call.
  void SetRetryPolicy(const RetryPolicy& policy) { retry_ = policy; }

  /// Whose token it is; nullopt when the server does not tell, and then the token is not judged.
  Result<std::optional<Identity>> FetchIdentity();
  /// Errors: kNotFound DATABRICKS_CATALOG_NOT_FOUND, kDenied DATABRICKS_DENIED (also when it can
  /// only be browsed).
  Result<Catalog> FetchCatalog(const std::string& catalog);
  /// `visit` returns an error to stop; so below.
  Status ListSchemas(const std::string& catalog, const std::function<Status(Schema)>& visit);
  /// Tables that the token may only browse come too, marked so. Errors: kNotFound
  /// DATABRICKS_SCHEMA_NOT_FOUND.
  Status ListTables(const std::string& catalog, const std::string& schema,
                    const std::function<Status(Table)>& visit);
  /// Errors: kNotFound DATABRICKS_TABLE_NOT_FOUND.
  Result<Table> FetchTable(const std::string& full_name);
  /// What was granted on the object to anyone, or when the user may not see that, to one of his
  /// `names` each; not told when he may not see that either.
  Result<Grants> FetchGrants(const Securable& securable, const std::vector<std::string>& names);

 private:
  /// What one of the servers lacks.
  enum class Optional { kUser, kOpenSourceUser, kEffectiveGrants, kDirectGrants };
  enum class Presence : char { kUnknown, kThere, kAbsent };
  static constexpr size_t kOptionals = 4;
  using Presences = std::array<std::atomic<Presence>, kOptionals>;

  /// The body of a GET, judged by its status, repeated while its error may pass.
  Result<std::string> Get(const std::string& target, const Question& question);
  Result<std::string> GetOnce(const std::string& target, const Question& question);
  /// nullopt when the server has no such endpoint.
  Result<std::optional<std::string>> GetOptional(Optional endpoint, const std::string& target,
                                                 const Question& question);
  /// Takes one body and returns the token of the next page, "" = last.
  using ReadPage = std::function<Result<std::string>(const std::string&)>;
  using GetBody = std::function<Result<std::string>(const std::string& target)>;
  static Status EachPage(const std::string& target, const Question& question, const GetBody& get,
                         const ReadPage& page);
  Status GetPages(const std::string& target, const Question& question, const ReadPage& page);
  /// Not told when the server has no such endpoint; kDenied when the user may not see it.
  Result<Grants> FetchGrantsOf(const Securable& securable, const std::string& principal);
  Result<Grants> GetGrants(Optional endpoint, const std::string& target, const Question& question);

  const std::shared_ptr<WorkspaceApi> api_;
  const std::shared_ptr<Presences> presences_;
  RetryPolicy retry_;
};

}  // namespace mms::databricks
