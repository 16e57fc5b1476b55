// The sandbox's truth about what exists: projects, schemas, tables, partitions, data files, upload
// sessions and their blocks, download sessions, in DATA/catalog.sqlite. A change is one SQLite
// transaction, so a killed process leaves the old or the new state, never a mixture; which files
// count is decided here alone (storage.h).
//
// Thread-safe (one mutex). Paths are relative to the data folder. Errors carry MaxCompute's codes:
// NoSuchProject, NoSuchTable, NoSuchPartition, NoSuchUpload, NoSuchDownload (kNotFound),
// StatusConflict (kConflict).
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "sandbox/sqlite.h"
#include "sandbox/table.h"

namespace mms::sandbox {

struct DataFile {
  std::string path;
  PartitionSpec spec;
  int64_t rows = 0;
  int64_t bytes = 0;
};

struct PartitionInfo {
  PartitionSpec spec;
  int64_t created_s = 0;
  int64_t modified_s = 0;
  int64_t version = 0;  ///< grows with every change of the data
  int64_t rows = 0;
  int64_t bytes = 0;
};

/// What a statement does to the rows of one partition.
struct RowChange {
  PartitionSpec spec;
  std::vector<DataFile> files;  ///< to be added
  bool replace = false;         ///< the files that are there go
  /// What PartitionInfo::version must still be (0 = no such partition); not set = any.
  std::optional<int64_t> version;
};
/// Code of the error when a RowChange's version is another one (kConflict).
inline constexpr char kRowsChanged[] = "RowsChanged";

enum class UploadStatus { kNormal = 0, kClosed = 1, kAborted = 2 };  // never renumber: stored

struct Upload {
  std::string id;
  int64_t table_id = 0;
  PartitionSpec spec;
  bool overwrite = false;
  bool create_partition = false;
  bool upsert = false;  ///< an upsert session: its blocks are changes, in the order of their ids
  int64_t slots = 0;    ///< of an upsert session
  UploadStatus status = UploadStatus::kNormal;
  int64_t created_s = 0;
};

/// As a block's id: the one after the last.
inline constexpr int64_t kNextBlock = -1;

struct Block {
  int64_t id = 0;
  std::string path;
  int64_t rows = 0;
  int64_t bytes = 0;
  int64_t created_s = 0;
};

struct TableFilter {
  std::string marker;  ///< names after this one
  std::string name_prefix;
  size_t limit = 1'000;
};

class Catalog {
 public:
  static Result<std::unique_ptr<Catalog>> Open(const std::string& data_dir);

  /// `flat`: without schemas, for as long as this process runs.
  Status EnsureProject(const std::string& project, bool flat = false);
  bool HasSchemas(const std::string& project);
  Status CheckProject(const std::string& project);
  Result<std::vector<std::string>> Schemas(const std::string& project);
  /// False = it is there already.
  Result<bool> CreateSchema(const std::string& project, const std::string& schema);
  Result<bool> DropSchema(const std::string& project, const std::string& schema);

  Result<Table> GetTable(const TableName& name);
  /// kConflict when a table of that name exists.
  Result<Table> CreateTable(Table table);
  /// Makes a table with rows, in the place of the one of that name when `replace`. Returns the
  /// files that no longer count. kConflict as CreateTable.
  Result<std::vector<std::string>> CreateTableWithRows(Table table,
                                                       const std::vector<DataFile>& files,
                                                       bool replace);
  Status UpdateTable(const Table& table);
  /// kConflict when a table of that name exists. Files keep their paths.
  Status RenameTable(const Table& table, const std::string& name);
  /// The files that no longer count.
  Result<std::vector<std::string>> DropTable(const Table& table);
  Result<std::vector<Table>> ListTables(const std::string& project, const std::string& schema,
                                        const TableFilter& filter);

  /// All or none; existing ones are an error unless `if_not_exists`.
  Status AddPartitions(const Table& table, const std::vector<PartitionSpec>& specs,
                       bool if_not_exists);
  Result<std::vector<std::string>> DropPartitions(const Table& table,
                                                  const std::vector<PartitionSpec>& specs,
                                                  bool if_exists);
  /// Removes the data, keeps the partitions; an empty list = the whole table.
  Result<std::vector<std::string>> Truncate(const Table& table,
                                            const std::vector<PartitionSpec>& specs);
  Result<PartitionInfo> GetPartition(const Table& table, const PartitionSpec& spec);
  /// In order of the spec's text, after `marker`, at most `limit`.
  Result<std::vector<PartitionInfo>> ListPartitions(const Table& table, const std::string& marker,
                                                    size_t limit);
  /// In order of commit and block id; of one partition, or of all.
  Result<std::vector<DataFile>> Files(const Table& table, const std::optional<PartitionSpec>& spec);

  Result<Upload> CreateUpload(const Table& table, Upload upload);
  Result<Upload> GetUpload(const Table& table, const std::string& id);
  Result<std::vector<Block>> Blocks(const std::string& upload_id);
  /// Replaces a block of the same id; returns the path it had, or "".
  Result<std::string> PutBlock(const Upload& upload, const Block& block);
  /// Makes `files` the partition's data (or adds them) and closes the session, in one transaction.
  /// Returns the files that no longer count.
  Result<std::vector<std::string>> CommitUpload(const Table& table, const Upload& upload,
                                                const std::vector<DataFile>& files);

  /// Makes `file` the partition's only data and closes the session, if the partition still has
  /// `version`. Returns the files that no longer count. kConflict DataVersionConflict.
  Result<std::vector<std::string>> CommitUpsert(const Table& table, const Upload& upload,
                                                const DataFile& file, int64_t version);
  /// Returns the files of its blocks.
  Result<std::vector<std::string>> AbortUpload(const Upload& upload);

  /// All changes in one transaction; a partition that is not there is made. Returns the files that
  /// no longer count. kConflict: RowsChanged, or ODPS-0110061 when the table's description is no
  /// longer `table`'s.
  Result<std::vector<std::string>> CommitRows(const Table& table,
                                              const std::vector<RowChange>& changes);

  /// Keeps a download session's description; forgets those older than `age_s`.
  Status PutDownload(const std::string& id, const std::string& session, int64_t age_s);
  /// The description; kNotFound NoSuchDownload, also when it is older than `age_s`.
  Result<std::string> GetDownload(const std::string& id, int64_t age_s);

  /// Every file that counts: data files and blocks of open sessions.
  Result<std::vector<std::string>> LivePaths();
  /// Forgets sessions older than `age_s`; returns their blocks' paths.
  Result<std::vector<std::string>> ExpireUploads(int64_t age_s);

 private:
  explicit Catalog(std::unique_ptr<Sqlite> database) : database_(std::move(database)) {}

  Status Migrate();
  Status CheckProjectLocked(const std::string& project);
  Result<std::vector<std::string>> TakeFiles(const Table& table, const PartitionSpec* spec);
  Result<bool> HasPartition(const Table& table, const PartitionSpec& spec);
  Status InsertPartition(const Table& table, const PartitionSpec& spec);
  Status TouchPartition(const Table& table, const PartitionSpec& spec);
  Status InsertTable(Table* table);
  Result<std::vector<std::string>> TakeTable(const Table& table);
  Status CheckSchemaLocked(const TableName& name);
  Status CheckUnchanged(const Table& table);
  Status CheckPartitionLimit(const Table& table);
  Status InsertFiles(const Table& table, const std::vector<DataFile>& files);

  std::mutex mutex_;
  std::set<std::string> flat_;  ///< projects; guarded by mutex_
  std::unique_ptr<Sqlite> database_;
};

/// kConflict ODPS-0130131.
Error TableExists(const TableName& name);

/// Seconds since 1970.
int64_t NowSeconds();

}  // namespace mms::sandbox
