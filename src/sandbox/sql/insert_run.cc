#include "sandbox/sql/insert_run.h"

#include <algorithm>

#include "sandbox/call.h"
#include "sandbox/sql/insert_shape.h"

namespace mms::sandbox::sql {
namespace {

/// How often an upsert starts anew because another statement changed the partition meanwhile.
constexpr int kMergeAttempts = 8;

PartitionPairs PairsOf(const Table& table, const PartitionSpec& spec) {
  PartitionPairs pairs;
  auto values = PartitionValues(spec);
  for (size_t i = 0; i < values.size(); ++i) {
    pairs.emplace_back(table.partition_columns[i].name, values[i]);
  }
  return pairs;
}

std::string List(const std::vector<std::string>& items) {
  std::string text;
  for (const std::string& item : items) text += (text.empty() ? "" : ", ") + item;
  return text;
}

/// One row per key out of a relation of file rows (Sources::Rows): of the last file the last row.
std::string LastOfEachKey(const Table& table, const std::string& relation,
                          const std::vector<std::string>& files) {
  std::vector<std::string> keys;
  for (const std::string& key : table.primary_key) keys.push_back(DuckDbName(key));
  std::vector<std::string> items;
  for (const Column& column : table.columns) {
    items.push_back(CastTo(column.type, DuckDbName(column.name)));
  }
  std::vector<std::string> paths;
  for (const std::string& file : files) paths.push_back(DuckDbString(file));
  return "SELECT " + List(items) + " FROM (SELECT *, row_number() OVER (PARTITION BY " +
         List(keys) + " ORDER BY list_position([" + List(paths) +
         "], mms_file) DESC, file_row_number DESC) AS mms_rank FROM " + relation +
         ") WHERE mms_rank = 1";
}

}  // namespace

InsertRun::InsertRun(const QueryTools& tools, Table table)
    : tools_(tools), table_(std::move(table)), id_(RandomHex(16)) {}

InsertRun::~InsertRun() { tools_.storage->Retire(staged_paths_); }

Status InsertRun::Write(Session* session, const std::string& text, const PartitionPairs& fixed,
                        Files* files) {
  RowWriter writer(tools_.storage, table_, id_ + "-" + std::to_string(pass_++), fixed);
  TRY_VOID(session->Stream(
      text, [&](std::shared_ptr<arrow::RecordBatch> batch) { return writer.Write(*batch); }));
  TRY(auto done, writer.Finish());
  for (StagedFile& file : done) {
    staged_paths_.push_back(file.path);
    tools_.checked->Add(file.path);  // rows of the engine are no finer than its microseconds
    files->push_back(std::move(file));
  }
  return OkStatus();
}

Status InsertRun::Rewrite(Session* session, const PartitionSpec& spec, int64_t version,
                          const std::string& text) {
  Rewritten& rewritten = rewritten_[spec];
  rewritten.version = version;
  return Write(session, text, PairsOf(table_, spec), &rewritten.files);
}

Status InsertRun::Stage(Session* session, const std::string& text, const PartitionPairs& fixed) {
  fixed_ = fixed;
  return Write(session, text, fixed, &files_);
}

/// The partitions with rows, and the one the statement names even without.
std::vector<RowChange> InsertRun::Touched() const {
  std::vector<RowChange> changes;
  std::set<PartitionSpec> seen;
  auto add = [&](const PartitionSpec& spec) {
    if (!seen.insert(spec).second) return;
    RowChange change;
    change.spec = spec;
    changes.push_back(std::move(change));
  };
  if (!table_.partitioned()) {
    add("");
  } else if (fixed_.size() == table_.partition_columns.size()) {
    auto spec = MakePartitionSpec(table_, fixed_);
    if (spec) add(*spec);  // checked before: a wrong one has not come so far
  }
  for (const StagedFile& file : files_) add(file.spec);
  for (const auto& [spec, rewritten] : rewritten_) add(spec);
  return changes;
}

/// The rows that the new ones of a partition are merged with; the lease holds their files.
Result<std::shared_ptr<FileLease>> InsertRun::AddOldRows(RowChange* change,
                                                         std::vector<DataFile>* rows) {
  auto rewritten = rewritten_.find(change->spec);
  if (rewritten != rewritten_.end()) {
    change->version = rewritten->second.version;
    for (const StagedFile& file : rewritten->second.files) {
      rows->push_back({file.path, file.spec, file.rows, file.bytes});
    }
    return std::shared_ptr<FileLease>();
  }
  auto partition = tools_.catalog->GetPartition(table_, change->spec);
  change->version = partition ? partition->version : 0;
  return tools_.storage->Lease([&]() -> Result<std::vector<std::string>> {
    TRY(*rows, tools_.catalog->Files(table_, change->spec));
    std::vector<std::string> paths;
    for (const DataFile& file : *rows) paths.push_back(file.path);
    return paths;
  });
}

Status InsertRun::Merge(Session* session, RowChange* change, bool overwrite, Files* merged) {
  std::vector<DataFile> rows;
  std::shared_ptr<FileLease> lease;
  if (!overwrite) {
    TRY(lease, AddOldRows(change, &rows));
  }
  change->replace = true;
  size_t old = rows.size();
  for (const StagedFile& file : files_) {
    if (file.spec == change->spec) rows.push_back({file.path, file.spec, file.rows, file.bytes});
  }
  auto rewritten = rewritten_.find(change->spec);
  if (rewritten != rewritten_.end() && rows.size() == old) {
    const Files& files = rewritten->second.files;  // each key once, as before
    merged->insert(merged->end(), files.begin(), files.end());
    return OkStatus();
  }
  if (rows.empty()) return OkStatus();
  Sources sources(tools_, session, id_ + "-" + std::to_string(pass_));
  TRY(std::string relation, sources.Rows(table_, rows));
  std::vector<std::string> files;
  for (const DataFile& file : rows) files.push_back(tools_.storage->Absolute(file.path));
  return Write(session, LastOfEachKey(table_, relation, files), PairsOf(table_, change->spec),
               merged);
}

Result<std::vector<DataFile>> InsertRun::Publish(const Files& files) {
  std::vector<DataFile> made;
  for (const StagedFile& file : files) {
    if (file.rows == 0) continue;
    std::string path = Storage::FinalPath(table_.name, file.spec, id_, published_++);
    if (Storage::IsWide(file.path)) path = Storage::WidePath(path);
    Status status = tools_.storage->Publish(file.path, path);
    if (!status) {
      Withdraw(made);
      return std::move(status).error();
    }
    tools_.checked->Add(path);
    made.push_back({path, file.spec, file.rows, file.bytes});
  }
  return made;
}

void InsertRun::Withdraw(const std::vector<DataFile>& files) {
  std::vector<std::string> paths;
  for (const DataFile& file : files) paths.push_back(file.path);
  tools_.storage->Retire(paths);
}

Status InsertRun::CommitFiles(std::vector<RowChange> changes, const Files& files) {
  TRY(auto published, Publish(files));
  std::map<PartitionSpec, RowChange*> by_spec;
  for (RowChange& change : changes) by_spec[change.spec] = &change;
  for (const DataFile& file : published) by_spec.at(file.spec)->files.push_back(file);
  auto replaced = tools_.catalog->CommitRows(table_, changes);
  if (!replaced) {
    Withdraw(published);
    return std::move(replaced).error();
  }
  tools_.storage->Retire(*replaced);
  return OkStatus();
}

/// A table without a primary key: what is staged is what comes.
Status InsertRun::CommitPlain(bool overwrite) {
  std::vector<RowChange> changes = Touched();
  Files files = files_;
  for (RowChange& change : changes) {
    change.replace = overwrite;
    auto rewritten = rewritten_.find(change.spec);
    if (rewritten == rewritten_.end()) continue;
    change.replace = true;
    change.version = rewritten->second.version;
    files.insert(files.end(), rewritten->second.files.begin(), rewritten->second.files.end());
  }
  return CommitFiles(std::move(changes), files);
}

Status InsertRun::Commit(Session* session, bool overwrite) {
  if (table_.primary_key.empty()) return CommitPlain(overwrite);
  for (int attempt = 1;; ++attempt) {
    std::vector<RowChange> changes = Touched();
    Files merged;
    for (RowChange& change : changes) {
      TRY_VOID(Merge(session, &change, overwrite, &merged));
    }
    Status status = CommitFiles(std::move(changes), merged);
    // What is rewritten came from rows that are no longer there: only its maker can begin anew.
    bool again = !status && status.error().code() == kRowsChanged && rewritten_.empty() &&
                 attempt < kMergeAttempts;
    if (!again) return status;
  }
}

Status InsertRun::CommitAsTable(bool replace) {
  TRY(auto published, Publish(files_));
  auto replaced = tools_.catalog->CreateTableWithRows(table_, published, replace);
  if (!replaced) {
    Withdraw(published);
    return std::move(replaced).error();
  }
  tools_.storage->Retire(*replaced);
  return OkStatus();
}

}  // namespace mms::sandbox::sql
