// Unity Catalog's REST API 2.1, the part a migration reads: who am I, catalog, schemas, tables with
// columns. Needs no Databricks compute. Thread-safe; every call blocks; pages are handed on as they
// come.
//
// Source: the public REST reference and databricks-sdk 0.156: a page may be empty and still carry a
// token, so paging ends only when next_page_token is absent or empty; 429 and 503 wait Retry-After.
//
// Errors of every call: kDenied DATABRICKS_TOKEN_INVALID, DATABRICKS_DENIED (names the grant that
// is missing); kNotFound DATABRICKS_*_NOT_FOUND; kInvalidInput DATABRICKS_WORKSPACE (the host is no
// workspace), DATABRICKS_REQUEST; kThrottled DATABRICKS_THROTTLED; kUnavailable
// DATABRICKS_UNAVAILABLE (answers 5xx), DATABRICKS_UNREACHABLE (no answer); kCorrupt
// DATABRICKS_ANSWER. What may pass has been repeated before.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/http_client.h"
#include "base/result.h"
#include "base/retry.h"
#include "base/secret.h"

namespace mms::databricks {

struct Question;

struct Schema {
  std::string catalog;
  std::string name;
  std::string comment;
};

struct Column {
  std::string name;
  int position = 0;
  std::string type_text;  ///< SQL spelling
  std::string type_json;  ///< StructField JSON as sent, "" when absent
  bool nullable = true;
  std::optional<int> partition_index;
  std::string comment;
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
  bool row_filtered = false;
  bool browse_only = false;     ///< the token may know of it, not read it
  std::vector<Column> columns;  ///< by position

  std::string FullName() const { return catalog + "." + schema + "." + name; }
};

class UnityCatalog {
 public:
  /// `workspace`: https URL; a missing scheme is https, path and query are dropped.
  UnityCatalog(std::string workspace, Secret token, std::shared_ptr<HttpClient> http);

  /// Before the first call.
  void SetRetryPolicy(const RetryPolicy& policy) { retry_ = policy; }

  /// User name of the token.
  Result<std::string> FetchUserName();
  /// Errors: kNotFound DATABRICKS_CATALOG_NOT_FOUND, kDenied DATABRICKS_DENIED (also when it can
  /// only be browsed).
  Status CheckCatalog(const std::string& catalog);
  /// `visit` returns an error to stop; so below.
  Status ListSchemas(const std::string& catalog, const std::function<Status(Schema)>& visit);
  /// Tables that the token may only browse come too, marked so. Errors: kNotFound
  /// DATABRICKS_SCHEMA_NOT_FOUND.
  Status ListTables(const std::string& catalog, const std::string& schema,
                    const std::function<Status(Table)>& visit);
  /// Errors: kNotFound DATABRICKS_TABLE_NOT_FOUND.
  Result<Table> FetchTable(const std::string& full_name);
  /// State of a cluster: RUNNING, TERMINATED, ... Errors: kNotFound DATABRICKS_CLUSTER_NOT_FOUND.
  Result<std::string> FetchClusterState(const std::string& cluster_id);

 private:
  /// The body of a GET, judged by its status, repeated while its error may pass.
  Result<std::string> Get(const std::string& target, const Question& question);
  /// All pages of a list; `page` takes one body and returns the token of the next, "" = last.
  Status GetPages(const std::string& target, const Question& question,
                  const std::function<Result<std::string>(const std::string&)>& page);

  const std::string workspace_;
  const Secret token_;
  const std::shared_ptr<HttpClient> http_;
  RetryPolicy retry_;
};

/// "https://host[:port]" of any spelling of a workspace: without scheme, with path, query or slash.
std::string WorkspaceOrigin(std::string_view workspace);

}  // namespace mms::databricks
