// UPDATE, DELETE and MERGE INTO: the partitions with rows that are found are written anew and take
// the place of the old ones in one step, together with what comes new (insert_run.h).
#include <algorithm>
#include <map>
#include <set>

#include "sandbox/call.h"
#include "sandbox/sql/change_rows.h"
#include "sandbox/sql/executor.h"
#include "sandbox/sql/insert_run.h"

namespace mms::sandbox::sql {
namespace {

/// How often a statement starts anew because an INSERT or upload changed what it read.
constexpr int kAttempts = 8;

/// Finds the rows and keeps them for Rewrite; the object's files are held as long as it lives.
class FoundRows {
 public:
  FoundRows(const QueryTools& tools, Session* session, const ChangeRows& change)
      : tools_(tools), session_(session), change_(change) {}

  Status Keep(const RowSource& rows) {
    columns_ = rows.columns;
    TRY_VOID(session_->Execute(std::string("CREATE TEMP TABLE ") + kFoundTable +
                               " AS SELECT * FROM (" + rows.text + ") WHERE " + kFoundAction +
                               " IS NOT NULL"));
    if (change_.others.empty()) return OkStatus();
    std::string place = std::string(kFoundFile) + ", " + kFoundPlace;
    TRY(auto doubles, session_->FirstColumn("SELECT " + place + " FROM " + kFoundTable +
                                            " GROUP BY " + place + " HAVING COUNT(*) > 1 LIMIT 1"));
    if (doubles.empty()) return OkStatus();
    return Error(ErrorKind::kInvalidInput, "ODPS-0121095",
                 "Invalid argument - " + change_.verb + " finds a row of table " +
                     change_.name.parts.back() +
                     " more than once; each may be changed by one row of the others alone");
  }

  /// The files of each partition with rows that are found.
  Result<std::map<PartitionSpec, std::vector<DataFile>>> Partitions(const Sources& sources) {
    TRY(auto paths, session_->FirstColumn(std::string("SELECT DISTINCT ") + kFoundFile + " FROM " +
                                          kFoundTable));
    std::set<std::string> named(paths.begin(), paths.end());
    std::set<PartitionSpec> touched;
    for (const DataFile& file : sources.placed_files()) {
      if (named.contains(tools_.storage->Absolute(file.path))) touched.insert(file.spec);
    }
    std::map<PartitionSpec, std::vector<DataFile>> partitions;
    for (const DataFile& file : sources.placed_files()) {
      if (touched.contains(file.spec)) partitions[file.spec].push_back(file);
    }
    return partitions;
  }

  const std::vector<ResultColumn>& columns() const { return columns_; }

 private:
  QueryTools tools_;
  Session* session_;
  const ChangeRows& change_;
  std::vector<ResultColumn> columns_;
};

Status CheckSame(const std::vector<DataFile>& read, const std::vector<DataFile>& now) {
  bool same = std::equal(read.begin(), read.end(), now.begin(), now.end(),
                         [](const DataFile& a, const DataFile& b) { return a.path == b.path; });
  if (same) return OkStatus();
  return Error(ErrorKind::kConflict, kRowsChanged,
               "another statement changed the rows meanwhile; run the statement again");
}

}  // namespace

Status Executor::RunChange(const ChangeRows& change, const SqlContext& context) {
  // One at a time: what one of them decides from the rows it reads, no other may undo.
  std::lock_guard one_at_a_time(change_mutex_);
  for (int attempt = 1;; ++attempt) {
    Status status = ChangeOnce(change, context);
    bool again = !status && status.error().code() == kRowsChanged && attempt < kAttempts;
    if (!again) return status;
  }
}

Status Executor::ChangeOnce(const ChangeRows& change, const SqlContext& context) {
  TRY(Table table, FindTable(change.name, context));
  TRY_VOID(CheckChange(table, change));
  InsertRun run(Tools(), std::move(table));
  TRY(auto session, engine_->Begin(context.cancelled));
  if (!change.actions.empty()) TRY_VOID(RewriteFound(change, session.get(), &run, context));
  if (change.insert) {
    TRY_VOID(StageRows(NewRows(run.table(), change), session.get(), &run, context));
  }
  return run.is_empty() ? OkStatus() : run.Commit(session.get(), /*overwrite=*/false);
}

Status Executor::RewriteFound(const ChangeRows& change, Session* session, InsertRun* run,
                              const SqlContext& context) {
  Query query = FoundQuery(change);
  Sources sources(Tools(), session, RandomHex(16));
  TRY(RowSource rows, Prepare(query, session, &sources, context));
  FoundRows found(Tools(), session, change);
  TRY_VOID(found.Keep(rows));
  TRY(auto partitions, found.Partitions(sources));
  for (const auto& [spec, files] : partitions) {
    TRY(PartitionInfo partition, catalog_->GetPartition(run->table(), spec));
    TRY(auto now, catalog_->Files(run->table(), spec));
    TRY_VOID(CheckSame(files, now));
    TRY(std::string relation, sources.Rows(run->table(), files));
    TRY(std::string text, RewriteText(run->table(), change, relation, found.columns()));
    TRY_VOID(run->Rewrite(session, spec, partition.version, text));
  }
  return OkStatus();
}

}  // namespace mms::sandbox::sql
