// Finds the tables to move and reads what they are: names from Unity Catalog or from the
// configuration, the rest from the Delta log, or for a table without one from the catalog and a
// listing of its folder. Uses no Databricks compute. One bad table never stops
// the others: its SourceTable carries a refusal, or Inspect returns its error.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/http_client.h"
#include "base/result.h"
#include "clients/azure/storage.h"
#include "clients/databricks/sign_in.h"
#include "migration/inspect/snapshot.h"
#include "migration/inspect/source_filter.h"
#include "migration/inspect/sql_access.h"

namespace mms::migration {

struct SourceOptions {
  std::string workspace;  ///< "" when every table is given by location
  std::string catalog;
  std::string cluster;
  std::string warehouse;
  databricks::SignIn sign_in;
  bool jdbc = false;               ///< every table of the catalog is read by SQL
  Secret jdbc_url;                 ///< "" = SQL runs on the cluster or the warehouse
  SourceFilter filter;             ///< what of the catalog counts at all
  int metastore_concurrency = 10;  ///< calls to the catalog side by side
  /// Policy::partition_zone: the session zone of those who wrote its older partition values.
  std::string partition_zone;
  azure::StorageOptions storage;
  HttpClient::Options http;  ///< the network of all of it; the bandwidth is that of all processes
};

/// One entry of `tables:`. Patterns are `schema.table` with * and ?, or `table`, case-insensitive.
struct TableChoice {
  std::string include;
  std::vector<std::string> exclude;  ///< any match leaves the table out
  std::string location;              ///< set instead of include/exclude
  std::string as;                    ///< target table name, only with location
  bool views = false;                ///< views are copied, by SQL; only with include
  TableSettings settings = {};
};

/// Where the source's SQL runs.
SqlAccessOptions SqlOptionsOf(const SourceOptions& source);

/// True when `schema.table` (or `table` alone) matches.
bool MatchesPattern(const std::string& pattern, const std::string& schema,
                    const std::string& table);

class Source {
 public:
  /// `http` is shared with other clients.
  Source(SourceOptions options, std::shared_ptr<HttpClient> http);

  /// Every chosen table that the source's lists leave, one call of `visit` each, in schema and page
  /// order; one that several
  /// entries choose is visited once. A table nobody can read is visited with its refusal. Errors:
  /// those of the catalog as a whole (token, network), kNotFound TABLES_NOT_FOUND when an include
  /// matched nothing.
  Status List(const std::vector<TableChoice>& choices,
              const std::function<Status(SourceTable)>& visit);

  /// One table of the catalog, by one call; as List has it, with its refusal. `views`: as
  /// TableChoice::views. Errors: kNotFound, and those of the catalog.
  Result<SourceTable> Find(const std::string& schema, const std::string& table, bool views);

  /// Reads the Delta log at `version` (nullopt = newest); of a table without one, its files as they
  /// are now; asks by SQL where the table is read so: chosen that way, or of a Delta feature that
  /// is not known here. Errors as delta::Table::Open, ReadFileTable and InspectBySql, naming the
  /// table.
  Result<Snapshot> Inspect(const SourceTable& table, std::optional<int64_t> version);

  /// Streams the live files of a table's log at `version` with their statistics, as text. Errors as
  /// delta::Table::Open, and those of `visit`.
  Status ReadStatistics(
      const SourceTable& table, int64_t version,
      const std::function<Status(const delta::TableInfo&, const delta::File&)>& visit);

  /// Of a table's files. No request is sent. Errors: as azure::Storage::Open.
  Result<std::shared_ptr<azure::Storage>> OpenStorage(const SourceTable& table);

  /// What the waiting for a cluster tells, and when it ends; before the first call.
  void SetSqlHooks(SqlAccess::Hooks hooks);
  /// SQL, with its compute running. Errors: those of SqlAccess::Prepare.
  Result<SqlAccess*> Sql();

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace mms::migration
