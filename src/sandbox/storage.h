// Where the sandbox keeps rows: plain Parquet files, one per committed block, that people may open
// with DuckDB or pyarrow while the sandbox runs:
//
//   DATA/<project>/<schema>/<table>/<upload>-<block>.parquet             table without partitions
//   DATA/<project>/<schema>/<table>/<p1>=<v1>/<p2>=<v2>/<upload>-<block>.parquet
//   DATA/catalog.sqlite     what exists and which files count (catalog.h)
//   DATA/.staging/          blocks of open upload sessions
//   DATA/.results/          results of queries
//   DATA/.lock              held by the running sandbox
//
//   SELECT * FROM read_parquet('DATA/p/default/t/**/*.parquet', hive_partitioning = true)   --
//   DuckDB
//
// Partition columns are in the folder names only. Types: TIMESTAMP is a nanosecond instant
// (UTC-adjusted), or a microsecond one in a file named *.us.parquet, which holds years outside 1677
// to 2262; TIMESTAMP_NTZ the same without adjustment, DATETIME a millisecond instant,
// CHAR/VARCHAR/JSON are strings.
//
// A commit links the staged blocks to their final names, then changes the catalog, then drops the
// staged names: killed in between, the next start removes whatever the catalog does not list (only
// files named like the sandbox's own). Data is not synced to disk: it survives a killed process,
// not a power cut. Thread-safe. Errors: kInternal InternalServerError, kConflict
// SANDBOX_DATA_LOCKED.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "sandbox/table.h"

namespace mms::sandbox {

/// Keeps files on disk while a reader needs them, although the catalog may drop them meanwhile.
class FileLease;

class Storage {
 public:
  /// Creates the folders and takes the lock: one sandbox per data folder.
  static Result<std::unique_ptr<Storage>> Open(const std::string& data_dir);
  ~Storage();
  Storage(const Storage&) = delete;
  Storage& operator=(const Storage&) = delete;

  /// All paths below are relative to the data folder, as the catalog stores them.
  std::string Absolute(const std::string& path) const { return data_dir_ + "/" + path; }
  static std::string StagedPath(const std::string& upload_id, int64_t block,
                                const std::string& tag);
  static std::string FinalPath(const TableName& table, const PartitionSpec& spec,
                               const std::string& upload_id, int64_t block);
  /// The name of a block's file that holds timestamps in microseconds; itself if it is one.
  static std::string WidePath(const std::string& path);
  static bool IsWide(const std::string& path);
  static std::string ResultPath(const std::string& instance_id);

  Status MakeParent(const std::string& path) const;
  /// Gives a staged file its final name as well.
  Status Publish(const std::string& staged, const std::string& final_path) const;
  /// Deletes files, those under a lease when the last lease ends; missing ones are fine.
  void Retire(const std::vector<std::string>& paths);
  /// Leases what `list` returns. No file can be deleted between the listing and the lease.
  using PathLister = std::function<Result<std::vector<std::string>>()>;
  Result<std::shared_ptr<FileLease>> Lease(const PathLister& list);

  /// Removes leftovers of a killed process: our files that `live` does not list.
  Status Sweep(const std::vector<std::string>& live);

 private:
  friend class FileLease;
  Storage(std::string data_dir, int lock) : data_dir_(std::move(data_dir)), lock_(lock) {}
  void Release(const std::vector<std::string>& paths);
  void Remove(const std::string& path) const;

  std::string data_dir_;
  int lock_;
  std::mutex mutex_;
  std::map<std::string, int> leased_;
  std::set<std::string> doomed_;
};

class FileLease {
 public:
  FileLease(Storage* storage, std::vector<std::string> paths)
      : storage_(storage), paths_(std::move(paths)) {}
  ~FileLease() { storage_->Release(paths_); }
  FileLease(const FileLease&) = delete;
  FileLease& operator=(const FileLease&) = delete;

 private:
  Storage* storage_;
  std::vector<std::string> paths_;
};

}  // namespace mms::sandbox
