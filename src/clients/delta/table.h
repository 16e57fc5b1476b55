// A Delta table at one pinned version: schema, live files, deletion vectors. A thin class over our
// Rust crate (kernel/), which is a C ABI over delta_kernel: the Delta project keeps the protocol
// right, and a reader feature it does not know is refused by name here (kUnsupported
// DELTA_FEATURE_UNSUPPORTED). The kernel plans; data files are read in C++ (migration/transfer).
//
// One Table may be used from one thread at a time; opening several side by side is fine.
#pragma once

#include <arrow/type_fwd.h>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/http_client.h"
#include "base/result.h"

struct mms_delta_error;

namespace mms::delta {

/// Sends a GET or HEAD of the store that holds the log, with its credentials: the kernel's requests
/// go through our own client, for its proxy, trust, time-outs and bandwidth. Called by several
/// threads at once. An error of it is the error of the call that needed the answer.
using Transport = std::function<Result<HttpResponse>(const HttpRequest&)>;

/// A deletion vector as the log describes it (Delta protocol, "Deletion Vectors").
struct DeletionVector {
  std::string storage_type;  ///< "u", "i", "p"
  std::string path_or_inline;
  std::optional<int32_t> offset;
  int32_t size_bytes = 0;
  int64_t cardinality = 0;  ///< rows it removes

  bool operator==(const DeletionVector&) const = default;
};

struct File {
  /// Decoded once: relative to the table's root, or absolute (shallow clones); azure::ResolveFile
  /// joins it.
  std::string path;
  int64_t size_bytes = 0;
  int64_t modified_ms = 0;
  /// numRecords of the statistics, that is before the deletion vector; unknown = nullopt.
  std::optional<int64_t> rows;
  /// Keyed by *physical* column name; null and "" both mean NULL in Delta, given as nullopt.
  std::map<std::string, std::optional<std::string>> partition_values;
  std::optional<DeletionVector> deletion_vector;
  std::string statistics;  ///< JSON as in the log, "" when absent or not asked for
  /// What the storage said it holds, of a file that no log names; "" in a Delta table, whose files
  /// never change.
  std::string etag = {};
};

struct TableInfo {
  int64_t version = 0;
  /// Of the version's commit, as LogEnd::mark; "" when the log no longer holds the commit.
  std::string commit_mark;
  std::optional<int64_t> timestamp_ms;
  std::string id;  ///< metaData.id: tells a re-created table
  int min_reader = 0;
  std::vector<std::string> reader_features;    ///< empty before reader version 3
  std::vector<std::string> partition_columns;  ///< logical names, in order
  std::map<std::string, std::string> configuration;
  std::string schema_json;     ///< Delta schema (struct JSON) with field metadata
  std::string column_mapping;  ///< "none", "name" or "id"
};

struct CommitStamp {
  int64_t version = 0;
  int64_t time_ms = 0;
};

/// What commits changed. One with dataChange=false (OPTIMIZE, Z-order) changes nothing.
struct Changes {
  struct Partition {
    std::map<std::string, std::optional<std::string>> values;  ///< as File::partition_values
    CommitStamp last;  ///< the last commit that touched the partition
  };
  std::vector<Partition> partitions;  ///< each once; an unpartitioned table has one without values
  std::optional<CommitStamp> last;
  bool unattributed = false;  ///< the log does not tell the partition of some removed file
  bool metadata_changed = false;
};

/// Where a log ended when it was last read, and where it ends now.
struct LogEnd {
  std::optional<int64_t> newest;  ///< at least told when it is the known version or the next
  /// Modification time and size of the known version's commit: another table's commit of the same
  /// version has another. "" when it is gone.
  std::string mark;
};

class Table {
 public:
  /// Where a table's log is read. A local folder needs the URL alone.
  struct Place {
    std::string url;                             ///< azure::ToTableUrl of the location
    std::map<std::string, std::string> options;  ///< azure::Storage::KernelOptions
    Transport transport;
  };

  /// `version` nullopt = newest. Errors: those of the transport; kUnsupported
  /// DELTA_FEATURE_UNSUPPORTED naming the feature, kNotFound DELTA_NOT_FOUND, kDenied
  /// STORAGE_DENIED, kUnavailable STORAGE_UNREACHABLE, kCorrupt DELTA_LOG_INVALID, kInvalidInput
  /// DELTA_ARGUMENT, kInternal DELTA_INTERNAL; so for all below. A commit of the log is in memory
  /// as a whole while it is read.
  static Result<std::unique_ptr<Table>> Open(const Place& place, std::optional<int64_t> version);
  ~Table();
  Table(const Table&) = delete;
  Table& operator=(const Table&) = delete;

  const TableInfo& info() const { return info_; }
  /// Columns as users see them, partition columns included.
  std::shared_ptr<arrow::Schema> logical_schema() const { return logical_; }
  /// Columns of the data files: physical names, PARQUET:field_id metadata, no partition columns, in
  /// logical order.
  std::shared_ptr<arrow::Schema> physical_schema() const { return physical_; }
  /// Physical name of a top-level logical column. Errors: kNotFound DELTA_COLUMN_NOT_FOUND.
  Result<std::string> PhysicalName(const std::string& logical) const;

  /// Streams the live files; `visit` returns an error to stop.
  Status ListFiles(bool with_statistics, const std::function<Status(File)>& visit);

  /// What the commits after `from` up to this version changed. Errors: also kNotFound
  /// DELTA_NOT_FOUND when the log no longer holds all of them.
  Result<Changes> ListChanges(int64_t from);

  /// Positions of the removed rows in the file, ascending. One of storage type "p" is looked for in
  /// the table's own container.
  Result<std::vector<uint64_t>> ReadDeletionVector(const DeletionVector& vector);

 private:
  struct Handle;
  Table();
  Error Failure(mms_delta_error& raw);
  Status Describe();

  std::unique_ptr<Handle> handle_;
  TableInfo info_;
  std::shared_ptr<arrow::Schema> logical_;
  std::shared_ptr<arrow::Schema> physical_;
  std::map<std::string, std::string> physical_names_;
};

/// Positions of the rows that a vector of storage type "p" removes, ascending. `container`: where
/// its file lies, its URL az://container/; the vector's path within it az://container/file. Errors
/// as Table::Open.
Result<std::vector<uint64_t>> ReadDeletionVectorAt(const Table::Place& container,
                                                   const DeletionVector& vector);

/// Costs one listing whatever the length of the log, so that a table which did not change need not
/// be opened. Unchanged = `newest` is `known` and the mark is the one kept. Errors as Table::Open.
Result<LogEnd> FindLogEnd(const Table::Place& place, int64_t known);

}  // namespace mms::delta
