// "Update metadata": reads what the source holds into the metadata. Schemas and tables come from
// Unity Catalog, partitions with rows, bytes and files from the Delta logs; no Databricks compute.
//
// A table's log is read again only when it has a commit that was not read: that costs one listing a
// table (delta::FindLogEnd). The catalog's own time of change is no help, since it does not cover
// data. One bad table never fails a scan: it keeps what was known, with its error. A scan that is
// stopped or killed leaves each table at its old or its new state; the next one goes on.
//
// Steps and progress, in hundredths of a percent: schemas 100, tables 500, logs up to 9900, end.
//
// Threads: Run from one; Cancel and Progress from any. Errors of Run: those of the source as a
// whole (token, network), of the metadata, kNotFound TABLES_NOT_FOUND, kCancelled.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "clients/databricks/unity_catalog.h"
#include "migration/inspect/choice.h"
#include "migration/inspect/inspect.h"
#include "migration/inspect/storage_access.h"
#include "migration/metadata/metadata.h"
#include "migration/metadata/table_read.h"

namespace mms::migration {

/// What to scan of what `tables:` chooses; both empty = everything.
struct ScanScope {
  std::vector<std::string> schemas;  ///< names
  std::vector<std::string> tables;   ///< `schema.table` or `table` with * and ?

  bool IsWhole() const { return schemas.empty() && tables.empty(); }
  std::string Text() const;
};

struct ScanOptions {
  SourceOptions source;
  std::shared_ptr<HttpClient> http;  ///< to the catalog; shared
  std::vector<TableChoice> choices;
  ScanScope scope;
  int concurrency = 4;  ///< schemas listed and logs read side by side
};

struct ScanProgress {
  int hundredths = 0;
  int64_t tables_total = 0;  ///< known once all are listed
  int64_t tables_done = 0;
  int64_t tables_read = 0;  ///< of those, with a log that had to be read
  int64_t tables_failed = 0;
};

struct ScanResult {
  int64_t scan = 0;
  Totals totals;  ///< of the metadata after the scan
  struct Failed {
    std::string name;  ///< a table, or "schema x"
    Error error;
  };
  std::vector<Failed> failed;  ///< the first kFailedMax
  int64_t failed_count = 0;
  struct Warning {
    std::string name;  ///< of a table
    std::string text;
  };
  std::vector<Warning> warnings;  ///< of what it chose, read again or not; the first kFailedMax
  int64_t warning_count = 0;
  int64_t tables_read = 0;
  std::string note;  ///< why a scan that wanted everything found nothing; "" = it did
};

class Scan {
 public:
  static constexpr size_t kFailedMax = 1000;

  /// `metadata` outlives the scan.
  Scan(Metadata& metadata, ScanOptions options);

  Result<ScanResult> Run();
  /// Ends it after the tables in hand.
  void Cancel() { cancelled_ = true; }
  ScanProgress Progress() const;

 private:
  Status RunSteps();
  Status OpenCatalog();
  Status ListLocations();
  Status ListCatalog();
  Status ListNamed();
  Status ListSchemas(std::vector<std::string>* wanted);
  Status ListSchema(const std::string& schema);
  /// True when the scan is over because of it; else it is noted.
  bool EndsScan(const Error& error) const;
  bool Wants(const std::string& schema, const std::string& table) const;
  /// Whether `tables:` names nothing that may be misspelt.
  bool WantsEverything() const;

  Status ReadLogs();
  Status ReadOne(const TableEntry& entry);
  /// Whether the catalog has it no more: dropped after it was listed.
  bool IsGone(const TableEntry& entry, const Error& error);
  /// nullopt = nothing was committed since.
  Result<std::optional<TableRead>> ReadLog(const TableEntry& entry);
  /// The same of a table without a log, by the catalog and a listing.
  Result<std::optional<TableRead>> ReadFolder(const TableEntry& entry);
  static void CountByFooters(azure::Storage& storage, const azure::Location& root,
                             const std::string& format, PartitionSums* sums);

  Status FindWarnings();
  void Note(const std::string& name, const Error& error);
  void SetProgress(int hundredths);
  std::string ResultJson() const;

  Metadata& metadata_;
  const ScanOptions options_;
  const std::shared_ptr<databricks::CallLimit> calls_;
  StorageAccess storage_;
  std::unique_ptr<databricks::UnityCatalog> catalog_;
  std::atomic<bool> cancelled_{false};
  std::mutex selection_mutex_;
  Selection selection_;
  mutable std::mutex mutex_;
  ScanProgress progress_;  // guarded by mutex_; so below
  ScanResult result_;
  int64_t progress_saved_ms_ = 0;
};

}  // namespace mms::migration
