// The rows of one INSERT, CREATE TABLE AS, UPDATE, DELETE or MERGE on their way into a table:
// staged files first, then one transaction of the catalog, so readers see the old rows or the new
// ones, never a part, and a killed process leaves old or new whole (storage.h).
//
// A table with a primary key keeps one row per key, the last: INSERT OVERWRITE merges the new rows
// among themselves, INSERT INTO with those that are there, partition by partition.
//
// One thread per object; several may write to one table. Errors: as row_writer.h; kConflict
// ODPS-0110061 (the table changed meanwhile), RowsChanged (a rewritten partition did).
#pragma once

#include <string>
#include <vector>

#include "sandbox/sql/ast.h"
#include "sandbox/sql/engine.h"
#include "sandbox/sql/row_writer.h"
#include "sandbox/sql/sources.h"

namespace mms::sandbox::sql {

class InsertRun {
 public:
  InsertRun(const QueryTools& tools, Table table);
  /// Drops the staged files.
  ~InsertRun();
  InsertRun(const InsertRun&) = delete;
  InsertRun& operator=(const InsertRun&) = delete;

  const Table& table() const { return table_; }
  const std::string& id() const { return id_; }

  /// Runs a SELECT that insert_shape.h made.
  Status Stage(Session* session, const std::string& text, const PartitionPairs& fixed);
  /// Runs a SELECT of the same shape for the rows that a partition has after the commit besides
  /// the staged ones, in the place of those it has now; it must still have `version` then.
  Status Rewrite(Session* session, const PartitionSpec& spec, int64_t version,
                 const std::string& text);
  bool is_empty() const { return files_.empty() && rewritten_.empty(); }
  /// Makes the staged rows the table's, or adds them.
  Status Commit(Session* session, bool overwrite);
  /// Makes the table with the staged rows; `replace`: in the place of one of that name.
  Status CommitAsTable(bool replace);

 private:
  using Files = std::vector<StagedFile>;
  struct Rewritten {
    int64_t version;
    Files files;
  };
  Status Write(Session* session, const std::string& text, const PartitionPairs& fixed,
               Files* files);
  Result<std::shared_ptr<FileLease>> AddOldRows(RowChange* change, std::vector<DataFile>* rows);
  Status Merge(Session* session, RowChange* change, bool overwrite, Files* merged);
  Status CommitPlain(bool overwrite);
  std::vector<RowChange> Touched() const;
  Result<std::vector<DataFile>> Publish(const Files& files);
  void Withdraw(const std::vector<DataFile>& files);
  Status CommitFiles(std::vector<RowChange> changes, const Files& files);

  QueryTools tools_;
  Table table_;
  std::string id_;
  PartitionPairs fixed_;
  Files files_;
  std::map<PartitionSpec, Rewritten> rewritten_;
  int pass_ = 0;
  int published_ = 0;
  std::vector<std::string> staged_paths_;
};

}  // namespace mms::sandbox::sql
