// What the source holds, as the last scans saw it: databases (source schemas), tables, partitions,
// and the scans themselves. SQLite beside the ledger, sized for 10,000 tables and 1,000,000
// partitions: every list is filtered, ordered and paged in SQL, never loaded whole.
//
// It is a copy of what the source says and can be made again by a scan, so a power cut may take the
// last commits (database.h, kInOrder); a killed process loses none. What a scan finds out of one
// table is one transaction: a table is at its new version with all its partitions, or at its old.
//
// `updated` says that the data is another than when the flag was last cleared; `deleted` that the
// object has left the source. Neither is ever set on suspicion: of `deleted` the listing of the
// parent was complete.
//
// Threads: thread-safe; one writer, readers beside it. Owned by one process (`metadata.lock` in the
// state folder) but for those that only read. Errors: those of ledger/database.h.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace mms::migration {

/// Never renumber: these are on disk.
enum class ScanState { kRunning = 0, kDone = 1, kFailed = 2, kCancelled = 3, kInterrupted = 4 };
/// What is known of a table's data. Never renumber.
enum class ReadState {
  kListed = 0,   ///< only by name: its log was not read yet
  kRead = 1,     ///< up to its version
  kRefused = 2,  ///< cannot be read at all, its error says why
  kFailed = 3,   ///< the last try failed; what was known before stays
};
/// Where the number of rows comes from. Never renumber.
enum class CountSource { kUnknown = 0, kLog = 1, kFooter = 2, kSql = 3 };
/// What a scan found out about a table. Never renumber.
enum class TableChange { kNone = 0, kNew = 1, kUpdated = 2, kDeleted = 3 };

/// How far the migration of an object is, over all jobs. Never renumber.
enum class ObjectStatus { kInit = 0, kDoing = 1, kDone = 2, kFailed = 3, kPartDone = 4 };

/// "running", "done", "failed", "cancelled", "interrupted".
std::string_view StateName(ScanState state);
/// "listed", "read", "refused", "failed".
std::string_view StateName(ReadState state);
/// "unknown", "log", "footer", "sql".
std::string_view CountSourceName(CountSource source);
/// "unchanged", "new", "updated", "deleted".
std::string_view ChangeName(TableChange change);
/// "INIT", "DOING", "DONE", "FAILED", "PART_DONE" as the MMS API has them.
std::string_view StatusName(ObjectStatus status);

struct ScanRecord {
  int64_t id = 0;
  std::string scope;  ///< for people: "whole source", "schema sales", ...
  int64_t started_ms = 0;
  std::optional<int64_t> ended_ms;
  ScanState state = ScanState::kRunning;
  int progress = 0;         ///< hundredths of a percent
  std::string result_json;  ///< {"databases", "tables", "partitions", "failed": [...]}; "" = none
};

/// A table as its parent lists it.
struct ListedTable {
  std::string name;      ///< as SourceTable::name
  std::string database;  ///< schema; "" without a catalog
  std::string table;
  std::string kind;    ///< MANAGED, VIEW, ... as sent; "" without a catalog
  std::string format;  ///< DELTA, ... as sent
  std::string owner;
  std::string location;  ///< "" when it cannot be read
  std::string comment;
  std::string columns_json;  ///< [{"name", "type", "nullable", "comment", "partition"}]; "" = none
  std::string catalog_id;    ///< of the object in the catalog: another one is another table
  std::optional<int64_t> catalog_updated_ms;
  std::string error_json;  ///< refusal; "" = can be read
};

struct TableEntry {
  int64_t id = 0;
  ListedTable listed;
  ReadState state = ReadState::kListed;
  std::string error_json;  ///< "" = none

  // By its Delta log; nullopt and "" until it was read.
  std::string delta_id;
  std::optional<int64_t> version;  ///< kNoVersion of a table without a log that was read
  std::string commit_mark;         ///< delta::LogEnd::mark of `version`; else Snapshot::table_id
  std::string partition_columns;   ///< JSON list of logical names
  std::string column_mapping;
  std::string column_ids = {};  ///< ColumnIdsOf its schema, and what left it; "" = not known
  bool deletion_vectors = false;
  std::optional<int64_t> data_version;  ///< of the last commit that changed data, or a later one
  std::optional<int64_t> changed_ms;    ///< its time, or that of the newest file
  std::optional<int64_t> rows;
  std::optional<int64_t> bytes;
  std::optional<int64_t> files;
  std::optional<int64_t> partitions;  ///< nullopt also for a table without partition columns
  CountSource count_source = CountSource::kUnknown;
  std::string warning;  ///< of what the log holds, for people; "" = none
  /// The newest state that a job copied and no scan had seen then, until the next one reads the
  /// table; nullopt = none. Its commit's mark; "" = nothing tells how it belongs to what was seen.
  std::optional<int64_t> copied_version = {};
  std::string copied_mark = {};

  /// Which table of the target it was when it was last copied as a whole; nullopt = not known.
  std::optional<std::string> copied_as = {};

  ObjectStatus status = ObjectStatus::kInit;  ///< of a partitioned one: made of its partitions'
  bool updated = false;
  bool deleted = false;
  int64_t chosen_scan = 0;   ///< the last scan that wanted it and found it listed
  int64_t changed_scan = 0;  ///< the last scan that found `change`
  TableChange change = TableChange::kNone;
};

inline constexpr int64_t kNoFingerprint = 0;

struct PartitionEntry {
  int64_t id = 0;
  std::string values;  ///< JSON list of the values as in the log, in the order of the columns
  std::optional<int64_t> rows;
  int64_t bytes = 0;
  int64_t files = 0;
  int64_t data_version = 0;  ///< its data is that of this version or an earlier one
  std::optional<int64_t> changed_ms;
  /// Of its set of files as last scanned; kNoFingerprint = a job has copied another one since.
  int64_t fingerprint = 0;
  ObjectStatus status = ObjectStatus::kInit;
  bool updated = false;
  bool deleted = false;
  /// Which partition of which table of the target it was when it was last copied; nullopt = not
  /// known.
  std::optional<std::string> copied_as = {};
};

/// What reading a table found out, to be kept at once.
struct TableRead {
  int64_t table_id = 0;
  TableEntry entry;  ///< the fields "by its Delta log", and listed.columns_json if "" before
  TableChange change = TableChange::kNone;
  std::vector<PartitionEntry> inserts;
  std::vector<PartitionEntry> updates;  ///< by id; `updated` false leaves the flag as it is
  std::vector<int64_t> vanished;        ///< ids
};

struct DatabaseEntry {
  std::string name;
  std::string comment;
  bool deleted = false;
  // Sums over its tables that are not deleted.
  int64_t tables = 0;
  int64_t tables_doing = 0, tables_done = 0, tables_failed = 0, tables_part_done = 0;
  int64_t updated_tables = 0;
  int64_t partitions = 0;
  std::optional<int64_t> rows;   ///< nullopt when any table's is unknown
  std::optional<int64_t> bytes;  ///< so too
};

/// Of a whole, by how many of its parts have which status.
struct StatusCounts {
  int64_t total = 0, doing = 0, done = 0, failed = 0, part_done = 0;
};
/// DOING while any is; else FAILED if any has; else PART_DONE if any is, or some are DONE and some
/// INIT; else DONE or INIT, as all of them are.
ObjectStatus StatusOf(const StatusCounts& parts);
ObjectStatus StatusOf(const DatabaseEntry& database);

struct Totals {
  int64_t databases = 0, tables = 0, partitions = 0;
};

struct TableFilter {
  std::string pattern;  ///< `schema.table` or `table` with * and ?, without case; "" = all
  std::optional<std::string> database;
  std::optional<ReadState> state;
  std::optional<bool> updated;
  std::optional<bool> deleted;
  std::optional<int64_t> chosen_scan;
  std::optional<int64_t> changed_scan;
  std::optional<TableChange> change;
  std::optional<ObjectStatus> status = {};
  bool warned = false;  ///< those with a warning alone
};
struct PartitionFilter {
  int64_t table_id = 0;
  std::string pattern;  ///< of the values' text
  std::optional<bool> updated;
  std::optional<bool> deleted;
  std::optional<ObjectStatus> status = {};
};
enum class Order { kName, kLargest, kSmallest };
struct Page {
  int64_t offset = 0;
  int64_t limit = 100;
  Order order = Order::kName;
};

class Metadata {
 public:
  /// Makes the folder if needed and takes the metadata's lock. Errors: also those of StateFolder
  /// and kUnsupported STATE_TOO_NEW.
  static Result<std::unique_ptr<Metadata>> Open(const std::string& folder);
  /// To write what a user says of its objects (SetStatuses), also beside a process that owns it.
  /// Errors: kNotFound METADATA_NOT_FOUND; those of Open.
  static Result<std::unique_ptr<Metadata>> OpenBeside(const std::string& folder);
  /// No lock, nothing written. Errors: kNotFound METADATA_NOT_FOUND.
  static Result<std::unique_ptr<Metadata>> OpenToRead(const std::string& folder);
  ~Metadata();

  // Lists. -----------------------------------------------------------------------------------

  Result<std::vector<DatabaseEntry>> Databases(const Page& page);
  Result<std::vector<TableEntry>> Tables(const TableFilter& filter, const Page& page);
  Result<int64_t> CountTables(const TableFilter& filter);
  /// All of them, page by page in the order of their names; `visit` may take its time.
  Status VisitTables(const TableFilter& filter, const std::function<Status(TableEntry)>& visit);
  Result<std::optional<TableEntry>> FindTable(const std::string& name);
  Result<std::vector<PartitionEntry>> Partitions(const PartitionFilter& filter, const Page& page);
  Result<int64_t> CountPartitions(const PartitionFilter& filter);
  /// Those that have left the source after they were copied, and of which no copy since has told.
  Result<int64_t> CountLeft(int64_t table_id);
  /// All of them, page by page in the order of their values; `visit` may take its time.
  Status VisitPartitions(const PartitionFilter& filter,
                         const std::function<Status(PartitionEntry)>& visit);
  struct FoundPartition {
    int64_t table_id = 0;
    std::string database;
    std::string table_name;  ///< as SourceTable::name
    std::string values;      ///< as PartitionEntry::values
  };
  /// Nothing of one that is deleted.
  Result<std::optional<FoundPartition>> FindPartition(int64_t id);
  /// Of what is not deleted.
  Result<Totals> CountAll();
  Result<std::optional<ScanRecord>> LastScan();

  // The scan's side. -------------------------------------------------------------------------

  /// A scan that a crash left running becomes `interrupted`.
  Result<int64_t> BeginScan(const std::string& scope, int64_t now_ms);
  Status SetProgress(int64_t scan, int hundredths);
  struct ScanEnd {
    ScanState state = ScanState::kDone;
    std::string result_json;
    int64_t now_ms = 0;
  };
  Status EndScan(int64_t scan, const ScanEnd& end);

  /// `comment` "" leaves the one that is known.
  Status SaveDatabase(int64_t scan, const std::string& name, const std::string& comment);
  /// If it is known, it is still there, though the scan does not want it.
  Status TouchDatabase(int64_t scan, const std::string& name);
  /// Adds or refreshes them. Another catalog_id or location than before makes the table unread.
  Status SaveListed(int64_t scan, const std::vector<ListedTable>& tables);
  /// Those of them that are known are still at the source, though the scan does not want them.
  Status Touch(int64_t scan, const std::vector<std::string>& names);
  /// After the whole listing of a database: the tables of it that the scan did not see are deleted.
  Status MarkVanishedTables(int64_t scan, const std::string& database);
  /// After the whole listing of the catalog: so are unseen databases, with their tables.
  Status MarkVanishedDatabases(int64_t scan);
  Status MarkDatabaseDeleted(int64_t scan, const std::string& name);
  Status MarkDeleted(int64_t scan, const std::string& table_name);

  /// Up to `limit` tables that this scan chose and that can be read, with ids above `after`.
  Result<std::vector<TableEntry>> ToRead(int64_t scan, int64_t after, int64_t limit);
  Result<int64_t> CountToRead(int64_t scan);
  /// All partitions of one table, the deleted too, in no order.
  Result<std::vector<PartitionEntry>> AllPartitions(int64_t table_id);
  Status SaveRead(int64_t scan, const TableRead& read);
  /// The log was not read again because nothing was committed; an earlier failure is over.
  Status SaveUnchanged(const TableEntry& table);
  /// `state`: kFailed, or kRefused when it cannot be read at all.
  Status SaveFailure(const TableEntry& table, ReadState state, const std::string& error_json);

  // The jobs' side. --------------------------------------------------------------------------

  /// The state of a table that was copied, as its Snapshot has it.
  struct Copied {
    int64_t version = 0;           ///< or kNoVersion
    std::string table_id;          ///< of the log, or of the state of a table without one
    std::string commit_mark = {};  ///< of the version; "" = not known
  };

  struct StatusChange {
    std::string table_name;                ///< as SourceTable::name
    bool whole = true;                     ///< the table itself; else by partition:
    std::vector<std::string> values = {};  ///< as PartitionEntry::values
    ObjectStatus status = ObjectStatus::kInit;
    /// What was copied is no longer updated: these partitions, or all, where their data is not
    /// later than its version, and the table when none of its partitions is updated any more.
    /// Nothing when the metadata is of another table by now, of another history of it, or of
    /// another state of one without versions: that one was not copied.
    std::optional<Copied> copied = {};
    /// What stands at the target of these partitions, or of all, is of that state: where no scan
    /// has seen it, the next one reads the table, and only the log can tell that they are
    /// unchanged.
    std::optional<Copied> brought = {};
    /// With `brought`: of no other partition is anything left that was not in that state.
    bool brought_all = false;
    /// With `whole`: of the table itself, made without rows. Where partitions of it are known, it
    /// is theirs to say, and nothing changes.
    bool alone = false;
    /// With `copied`: partitions that had left the source by then are told, or gone; they count as
    /// copied no more (CountLeft).
    bool left_told = false;
    /// They are taken for unchanged, whatever is known: a user says that they are DONE.
    bool settled = false;
    /// `copied_as` of each of `values`, or with `whole` of the table; empty leaves what is known.
    std::vector<std::string> copied_as = {};
  };
  /// Also the table's own status, of those of its partitions. What is not known is passed over.
  Status SetStatus(const StatusChange& change);
  /// All of them, or none.
  Status SetStatuses(const std::vector<StatusChange>& changes);
  /// What was copied into this table of the target (the first part of `copied_as`) is not there any
  /// more: it is INIT again. Returns how many partitions that are still at the source.
  Result<int64_t> ForgetCopied(const std::string& table_name, const std::string& target);
  /// After a crash, when nothing is at work: DOING becomes INIT.
  Status ResetDoing();

 private:
  struct State;
  Metadata();
  template <class Call>
  auto Read(Call&& call);
  template <class Call>
  Status Write(Call&& call);
  std::unique_ptr<State> state_;
};

}  // namespace mms::migration
