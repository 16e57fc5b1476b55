// The tables of a query as DuckDB sees them: each becomes a temporary view over its committed
// Parquet files, partition columns joined to the rows by file name. Partitions are chosen first,
// from the predicates that speak of partition columns alone, so that a query opens only the files
// it needs; a query that speaks of nothing else (COUNT(*) per partition) opens none. The files are
// leased as long as the object lives. One thread per object.
//
// DuckDB counts instants in microseconds: a query that reads a finer one fails with ODPS-0130071
// instead of cutting digits.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "sandbox/catalog.h"
#include "sandbox/sql/duckdb_text.h"
#include "sandbox/sql/engine.h"
#include "sandbox/storage.h"

namespace mms::sandbox::sql {

/// Files known to hold no instant finer than a microsecond; files never change. Thread-safe.
class CheckedFiles {
 public:
  bool Has(const std::string& path) const;
  void Add(const std::string& path);

 private:
  mutable std::mutex mutex_;
  std::set<std::string> paths_;
};

/// What every query of a sandbox works with.
struct QueryTools {
  Catalog* catalog;
  Storage* storage;
  Engine* engine;
  CheckedFiles* checked;
};

class Sources {
 public:
  /// `name` is a file name no other query uses.
  Sources(const QueryTools& tools, Session* session, std::string name)
      : tools_(tools), session_(session), name_(std::move(name)) {}
  ~Sources() { tools_.storage->Retire(schema_files_); }
  Sources(const Sources&) = delete;
  Sources& operator=(const Sources&) = delete;

  /// Makes the view for one table of a query.
  Result<Relation> Add(const Table& table, const Source& source, const Query& query);

  /// A relation (not a view) of these files' rows, with the table's columns under their names,
  /// mms_file and file_row_number. Partition columns are not among them.
  Result<std::string> Rows(const Table& table, const std::vector<DataFile>& files);

  /// All files of the table whose rows come with their place (Source::row_ids): mms_file and
  /// file_row_number.
  const std::vector<DataFile>& placed_files() const { return placed_files_; }

  /// A temporary table `name` of the partitions: spec (or file) in mms_file, mms_rows, and the
  /// partition columns with their types.
  Status MakeParts(const Table& table, const std::vector<DataFile>& files, const std::string& name);

 private:
  Result<std::vector<DataFile>> LeaseFiles(const Table& table);
  Status Prune(const std::string& where, const std::string& parts, std::vector<DataFile>* files);
  Result<std::string> ScanOfOneUnit(const Table& table, const std::vector<std::string>& paths,
                                    const std::string& options, TimestampForm form);
  Result<std::string> Scan(const Table& table, const std::vector<std::string>& paths,
                           const std::string& options);
  using ColumnTest = std::function<bool(const Column&)>;
  Status CheckDigits(const Table& table, const ColumnTest& is_used,
                     const std::vector<DataFile>& files);

  QueryTools tools_;
  Session* session_;
  std::string name_;
  std::vector<std::string> schema_files_;
  std::vector<std::shared_ptr<FileLease>> leases_;
  std::vector<DataFile> placed_files_;
};

}  // namespace mms::sandbox::sql
