#include "migration/metadata/metadata.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <utility>

#include "migration/metadata/metadata_schema.h"
#include "migration/metadata/metadata_session.h"

namespace mms::migration {
namespace {

constexpr const char* kFileName = "metadata.db";
constexpr const char* kLockName = "metadata.lock";
constexpr int64_t kVisitPage = 500;

constexpr const char* kTableColumns =
    "id, name, database_name, table_name, kind, format, owner, location, comment, columns_json, "
    "catalog_id, catalog_updated_ms, state, error_json, delta_id, version, commit_mark, "
    "partition_columns, column_mapping, deletion_vectors, data_version, changed_ms, row_count, "
    "bytes, files, partitions, count_source, updated, deleted, chosen_scan, changed_scan, change, ";

/// A row of `tables` as SOCI fills it.
struct TableRow {
  TableEntry entry;
  std::string copied_as;
  soci::indicator copied_known = soci::i_ok;
  long long id = 0, chosen_scan = 0, changed_scan = 0;
  int state = 0, deletion_vectors = 0, count_source = 0, updated = 0, deleted = 0, change = 0;
  int status = 0;
  Nullable catalog_updated, version, data_version, changed, rows, bytes, files, partitions, copied;

  void Bind(soci::statement& statement) {
    using soci::into;
    ListedTable& listed = entry.listed;
    const auto number = [&](Nullable& n) { statement.exchange(into(n.value, n.known)); };
    statement.exchange(into(id));
    for (std::string* text : {&listed.name, &listed.database, &listed.table, &listed.kind,
                              &listed.format, &listed.owner, &listed.location, &listed.comment,
                              &listed.columns_json, &listed.catalog_id}) {
      statement.exchange(into(*text));
    }
    number(catalog_updated);
    statement.exchange(into(state));
    statement.exchange(into(entry.error_json));
    statement.exchange(into(entry.delta_id));
    number(version);
    statement.exchange(into(entry.commit_mark));
    statement.exchange(into(entry.partition_columns));
    statement.exchange(into(entry.column_mapping));
    statement.exchange(into(deletion_vectors));
    for (Nullable* n : {&data_version, &changed, &rows, &bytes, &files, &partitions}) number(*n);
    for (int* n : {&count_source, &updated, &deleted}) statement.exchange(into(*n));
    statement.exchange(into(chosen_scan));
    statement.exchange(into(changed_scan));
    statement.exchange(into(change));
    statement.exchange(into(status));
    statement.exchange(into(entry.warning));
    statement.exchange(into(copied_as, copied_known));
    number(copied);
    statement.exchange(into(entry.copied_mark));
    statement.exchange(into(entry.column_ids));
  }

  TableEntry Make() const {
    TableEntry made = entry;
    made.id = id;
    made.listed.catalog_updated_ms = catalog_updated.Get();
    made.state = static_cast<ReadState>(state);
    if (made.state == ReadState::kRefused) made.listed.error_json = made.error_json;
    made.version = version.Get();
    made.deletion_vectors = deletion_vectors != 0;
    made.data_version = data_version.Get();
    made.changed_ms = changed.Get();
    made.rows = rows.Get();
    made.bytes = bytes.Get();
    made.files = files.Get();
    made.partitions = partitions.Get();
    made.count_source = static_cast<CountSource>(count_source);
    made.updated = updated != 0;
    made.deleted = deleted != 0;
    made.chosen_scan = chosen_scan;
    made.changed_scan = changed_scan;
    made.change = static_cast<TableChange>(change);
    made.status = static_cast<ObjectStatus>(status);
    if (copied_known == soci::i_ok) made.copied_as = copied_as;
    made.copied_version = copied.Get();
    return made;
  }
};

/// * and ? as LIKE has them; SQLite's LIKE knows no case in ASCII.
std::string LikeOf(std::string_view pattern) {
  std::string like;
  for (const char c : pattern) {
    if (c == '*') {
      like += '%';
    } else if (c == '?') {
      like += '_';
    } else {
      if (c == '%' || c == '_' || c == '\\') like += '\\';
      like += c;
    }
  }
  return like;
}

/// A WHERE clause whose texts are bound as :database_like, :table_like and :database.
struct TableWhere {
  std::string clause;
  std::string database_like = "%";
  std::string table_like = "%";
  std::string database;

  explicit TableWhere(const TableFilter& filter) {
    clause =
        " WHERE database_name LIKE :database_like ESCAPE '\\' AND table_name LIKE :table_like "
        "ESCAPE '\\' AND (database_name = :database OR " +
        std::string(filter.database ? "0" : "1") + ")";
    if (!filter.pattern.empty()) {
      const size_t dot = filter.pattern.find('.');
      if (dot != std::string::npos) database_like = LikeOf(filter.pattern.substr(0, dot));
      table_like =
          LikeOf(dot == std::string::npos ? filter.pattern : filter.pattern.substr(dot + 1));
    }
    database = filter.database.value_or("");
    const auto equals = [&](const char* column, int64_t value) {
      clause += fmt::format(" AND {} = {}", column, value);
    };
    if (filter.state) equals("state", static_cast<int>(*filter.state));
    if (filter.updated) equals("updated", *filter.updated);
    if (filter.deleted) equals("deleted", *filter.deleted);
    if (filter.chosen_scan) equals("chosen_scan", *filter.chosen_scan);
    if (filter.changed_scan) equals("changed_scan", *filter.changed_scan);
    if (filter.change) equals("change", static_cast<int>(*filter.change));
    if (filter.status) equals("status", static_cast<int>(*filter.status));
    if (filter.warned) clause += " AND warning <> ''";
  }

  void Bind(soci::statement& statement) {
    statement.exchange(soci::use(database_like, "database_like"));
    statement.exchange(soci::use(table_like, "table_like"));
    statement.exchange(soci::use(database, "database"));
  }
};

std::string Paged(const Page& page, const char* name) {
  std::string order = name;
  if (page.order == Order::kLargest) order = fmt::format("bytes DESC, {}", name);
  if (page.order == Order::kSmallest) order = fmt::format("bytes, {}", name);
  return fmt::format(" ORDER BY {} LIMIT {} OFFSET {}", order, page.limit, page.offset);
}

void Prepare(soci::statement& statement, const std::string& query) {
  statement.alloc();
  statement.prepare(query);
  statement.define_and_bind();
}

/// `status` of what has it.
const char* StatusColumn(int version) { return version >= kVersionOfStatus ? "status" : "0"; }

const char* CopiedAsColumn(int version) {
  return version >= kVersionOfCopiedAs ? "copied_as" : "NULL";
}

/// Those that TableRow binds.
std::string TableColumns(int version) {
  return fmt::format(
      "{}{}, {}, {}, {}", kTableColumns, StatusColumn(version),
      version >= kVersionOfWarning ? "warning" : "''", CopiedAsColumn(version),
      version >= kVersionOfCopied ? "copied_version, copied_mark, column_ids" : "NULL, '', ''");
}

std::vector<TableEntry> SelectTables(soci::session& sql, TableWhere where, const std::string& tail,
                                     int version) {
  TableRow row;
  soci::statement statement(sql);
  row.Bind(statement);
  where.Bind(statement);
  Prepare(statement,
          fmt::format("SELECT {} FROM tables{}{}", TableColumns(version), where.clause, tail));
  statement.execute();
  std::vector<TableEntry> tables;
  while (statement.fetch()) tables.push_back(row.Make());
  return tables;
}

std::string PartitionWhere(const PartitionFilter& filter) {
  std::string where =
      fmt::format(" FROM partitions WHERE table_id = {} AND value_list LIKE :pattern ESCAPE '\\'",
                  filter.table_id);
  if (filter.updated) where += fmt::format(" AND updated = {:d}", *filter.updated);
  if (filter.deleted) where += fmt::format(" AND deleted = {:d}", *filter.deleted);
  if (filter.status) where += fmt::format(" AND status = {}", static_cast<int>(*filter.status));
  return where;
}

std::vector<PartitionEntry> SelectPartitions(soci::session& sql, const PartitionFilter& filter,
                                             const std::string& tail, int version,
                                             const std::string* after = nullptr) {
  PartitionEntry entry;
  long long id = 0, bytes = 0, files = 0, data_version = 0, fingerprint = 0;
  int updated = 0, deleted = 0, status = 0;
  Nullable rows, changed;
  std::string copied_as;
  soci::indicator copied_known = soci::i_ok;
  const std::string pattern = filter.pattern.empty() ? "%" : LikeOf(filter.pattern);
  const std::string from = after == nullptr ? "" : *after;
  soci::statement statement =
      (sql.prepare << "SELECT id, value_list, row_count, bytes, files, data_version, changed_ms, "
                      "fingerprint, updated, deleted, " +
                          std::string(StatusColumn(version)) + ", " + CopiedAsColumn(version) +
                          PartitionWhere(filter) +
                          (after == nullptr ? " AND :after = ''" : " AND value_list > :after") +
                          tail,
       soci::use(pattern), soci::use(from), soci::into(id), soci::into(entry.values),
       soci::into(rows.value, rows.known), soci::into(bytes), soci::into(files),
       soci::into(data_version), soci::into(changed.value, changed.known), soci::into(fingerprint),
       soci::into(updated), soci::into(deleted), soci::into(status),
       soci::into(copied_as, copied_known));
  statement.execute();
  std::vector<PartitionEntry> partitions;
  while (statement.fetch()) {
    entry.id = id;
    entry.rows = rows.Get();
    entry.bytes = bytes;
    entry.files = files;
    entry.data_version = data_version;
    entry.changed_ms = changed.Get();
    entry.fingerprint = fingerprint;
    entry.updated = updated != 0;
    entry.deleted = deleted != 0;
    entry.status = static_cast<ObjectStatus>(status);
    const bool known = copied_known == soci::i_ok;
    entry.copied_as = known ? std::optional(copied_as) : std::nullopt;
    partitions.push_back(entry);
  }
  return partitions;
}

int64_t CountOf(soci::session& sql, const std::string& query) {
  long long count = 0;
  sql << query, soci::into(count);
  return count;
}

}  // namespace

std::string_view StateName(ScanState state) {
  switch (state) {
    case ScanState::kRunning: return "running";
    case ScanState::kDone: return "done";
    case ScanState::kFailed: return "failed";
    case ScanState::kCancelled: return "cancelled";
    case ScanState::kInterrupted: return "interrupted";
  }
  return "unknown";
}

std::string_view StateName(ReadState state) {
  switch (state) {
    case ReadState::kListed: return "listed";
    case ReadState::kRead: return "read";
    case ReadState::kRefused: return "refused";
    case ReadState::kFailed: return "failed";
  }
  return "unknown";
}

std::string_view CountSourceName(CountSource source) {
  switch (source) {
    case CountSource::kUnknown: return "unknown";
    case CountSource::kLog: return "log";
    case CountSource::kFooter: return "footer";
    case CountSource::kSql: return "sql";
  }
  return "unknown";
}

std::string_view ChangeName(TableChange change) {
  switch (change) {
    case TableChange::kNone: return "unchanged";
    case TableChange::kNew: return "new";
    case TableChange::kUpdated: return "updated";
    case TableChange::kDeleted: return "deleted";
  }
  return "unknown";
}

std::string_view StatusName(ObjectStatus status) {
  constexpr std::string_view kNames[] = {"INIT", "DOING", "DONE", "FAILED", "PART_DONE"};
  return kNames[static_cast<size_t>(status)];
}

ObjectStatus StatusOf(const StatusCounts& parts) {
  if (parts.doing > 0) return ObjectStatus::kDoing;
  if (parts.failed > 0) return ObjectStatus::kFailed;
  if (parts.part_done > 0) return ObjectStatus::kPartDone;
  if (parts.done == 0) return ObjectStatus::kInit;
  return parts.done == parts.total ? ObjectStatus::kDone : ObjectStatus::kPartDone;
}

ObjectStatus StatusOf(const DatabaseEntry& database) {
  return StatusOf(StatusCounts{database.tables, database.tables_doing, database.tables_done,
                               database.tables_failed, database.tables_part_done});
}

Metadata::Metadata() : state_(std::make_unique<State>()) {}
Metadata::~Metadata() = default;

Result<std::unique_ptr<Metadata>> Metadata::Open(const std::string& folder) {
  std::unique_ptr<Metadata> metadata(new Metadata());
  State& state = *metadata->state_;
  TRY(state.folder, StateFolder::Take(folder, kLockName));
  TRY(state.file, state.folder->MakeFile(kFileName));
  TRY_VOID(Guard(state.file, [&]() -> Status {
    TRY_VOID(OpenToWrite(state.writes, state.file, Durability::kInOrder, kMetadataMigrations));
    TRY(state.version, mms::migration::OpenToRead(state.reads, state.file));
    return OkStatus();
  }));
  return metadata;
}

namespace {

/// Errors: kNotFound METADATA_NOT_FOUND.
Result<std::string> FindFile(const std::string& folder) {
  std::string file = folder + "/" + kFileName;
  struct stat info {};
  if (stat(file.c_str(), &info) == 0) return file;
  return Error(ErrorKind::kNotFound, "METADATA_NOT_FOUND",
               "holds no metadata of the source; run `mms sync` first, or name the right `state:`")
      .At("state folder " + folder);
}

}  // namespace

Result<std::unique_ptr<Metadata>> Metadata::OpenBeside(const std::string& folder) {
  TRY(const std::string file, FindFile(folder));
  auto owned = Open(folder);
  if (owned || owned.error().code() != "STATE_IN_USE") return owned;
  std::unique_ptr<Metadata> metadata(new Metadata());
  State& state = *metadata->state_;
  state.file = file;
  TRY_VOID(Guard(state.file, [&]() -> Status {
    // Its owner has brought the schema up to date.
    TRY_VOID(OpenToWrite(state.writes, state.file, Durability::kInOrder, kMetadataMigrations));
    TRY(state.version, mms::migration::OpenToRead(state.reads, state.file));
    return OkStatus();
  }));
  return metadata;
}

Result<std::unique_ptr<Metadata>> Metadata::OpenToRead(const std::string& folder) {
  std::unique_ptr<Metadata> metadata(new Metadata());
  State& state = *metadata->state_;
  TRY(state.file, FindFile(folder));
  TRY_VOID(Guard(state.file, [&]() -> Status {
    TRY(state.version, mms::migration::OpenToRead(state.reads, state.file));
    return OkStatus();
  }));
  return metadata;
}

Result<std::vector<DatabaseEntry>> Metadata::Databases(const Page& page) {
  return Read([&](soci::session& sql) -> Result<std::vector<DatabaseEntry>> {
    DatabaseEntry entry;
    int deleted = 0;
    long long tables = 0, doing = 0, done = 0, failed = 0, part_done = 0;
    long long updated = 0, partitions = 0;
    Nullable rows, bytes;
    const std::string status = state_->version >= kVersionOfStatus ? "t.status" : "0";
    soci::statement statement =
        (sql.prepare << "SELECT d.name, d.comment, d.deleted, COUNT(t.id), "
                        "COALESCE(SUM(" +
                            status + " = 1), 0), COALESCE(SUM(" + status +
                            " = 2), 0), COALESCE(SUM(" + status + " = 3), 0), COALESCE(SUM(" +
                            status +
                            " = 4), 0), "
                            "COALESCE(SUM(t.updated), 0), COALESCE(SUM(t.partitions), 0), "
                            "CASE WHEN COUNT(t.row_count) = COUNT(t.id) THEN "
                            "COALESCE(SUM(t.row_count), 0) END, "
                            "CASE WHEN COUNT(t.bytes) = COUNT(t.id) THEN COALESCE(SUM(t.bytes), 0) "
                            "END AS bytes FROM databases d LEFT JOIN tables t "
                            "ON t.database_name = d.name AND t.deleted = 0 GROUP BY d.name" +
                            Paged(page, "d.name"),
         soci::into(entry.name), soci::into(entry.comment), soci::into(deleted), soci::into(tables),
         soci::into(doing), soci::into(done), soci::into(failed), soci::into(part_done),
         soci::into(updated), soci::into(partitions), soci::into(rows.value, rows.known),
         soci::into(bytes.value, bytes.known));
    statement.execute();
    std::vector<DatabaseEntry> databases;
    while (statement.fetch()) {
      entry.deleted = deleted != 0;
      entry.tables = tables;
      entry.tables_doing = doing;
      entry.tables_done = done;
      entry.tables_failed = failed;
      entry.tables_part_done = part_done;
      entry.updated_tables = updated;
      entry.partitions = partitions;
      entry.rows = rows.Get();
      entry.bytes = bytes.Get();
      databases.push_back(entry);
    }
    return databases;
  });
}

Result<std::vector<TableEntry>> Metadata::Tables(const TableFilter& filter, const Page& page) {
  return Read([&](soci::session& sql) -> Result<std::vector<TableEntry>> {
    return SelectTables(sql, TableWhere(filter), Paged(page, "name"), state_->version);
  });
}

Result<int64_t> Metadata::CountTables(const TableFilter& filter) {
  return Read([&](soci::session& sql) -> Result<int64_t> {
    TableWhere where(filter);
    long long count = 0;
    soci::statement statement(sql);
    statement.exchange(soci::into(count));
    where.Bind(statement);
    Prepare(statement, "SELECT COUNT(*) FROM tables" + where.clause);
    statement.execute(true);
    return count;
  });
}

Status Metadata::VisitTables(const TableFilter& filter,
                             const std::function<Status(TableEntry)>& visit) {
  Page page;
  page.limit = kVisitPage;
  for (;;) {
    TRY(std::vector<TableEntry> tables, Tables(filter, page));
    page.offset += kVisitPage;
    const bool last = tables.size() < static_cast<size_t>(kVisitPage);
    for (TableEntry& table : tables) TRY_VOID(visit(std::move(table)));
    if (last) return OkStatus();
  }
}

Result<std::optional<TableEntry>> Metadata::FindTable(const std::string& name) {
  return Read([&](soci::session& sql) -> Result<std::optional<TableEntry>> {
    TableRow row;
    soci::statement statement(sql);
    row.Bind(statement);
    statement.exchange(soci::use(name, "name"));
    Prepare(statement,
            "SELECT " + TableColumns(state_->version) + " FROM tables WHERE name = :name");
    if (!statement.execute(true)) return std::optional<TableEntry>();
    return std::optional<TableEntry>(row.Make());
  });
}

Result<std::vector<PartitionEntry>> Metadata::Partitions(const PartitionFilter& filter,
                                                         const Page& page) {
  return Read([&](soci::session& sql) -> Result<std::vector<PartitionEntry>> {
    return SelectPartitions(sql, filter, Paged(page, "value_list"), state_->version);
  });
}

Result<int64_t> Metadata::CountPartitions(const PartitionFilter& filter) {
  return Read([&](soci::session& sql) -> Result<int64_t> {
    const std::string pattern = filter.pattern.empty() ? "%" : LikeOf(filter.pattern);
    long long count = 0;
    sql << "SELECT COUNT(*)" + PartitionWhere(filter), soci::use(pattern), soci::into(count);
    return count;
  });
}

Status Metadata::VisitPartitions(const PartitionFilter& filter,
                                 const std::function<Status(PartitionEntry)>& visit) {
  std::string after;
  for (bool first = true;; first = false) {
    using Page = std::vector<PartitionEntry>;
    TRY(Page partitions, Read([&](soci::session& sql) -> Result<Page> {
          return SelectPartitions(sql, filter,
                                  fmt::format(" ORDER BY value_list LIMIT {}", kVisitPage),
                                  state_->version, first ? nullptr : &after);
        }));
    const bool last = partitions.size() < static_cast<size_t>(kVisitPage);
    if (!partitions.empty()) after = partitions.back().values;
    for (PartitionEntry& partition : partitions) TRY_VOID(visit(std::move(partition)));
    if (last) return OkStatus();
  }
}

Result<std::optional<Metadata::FoundPartition>> Metadata::FindPartition(int64_t id) {
  using Found = std::optional<FoundPartition>;
  return Read([&](soci::session& sql) -> Result<Found> {
    FoundPartition found;
    long long wanted = id, table = 0;
    sql << "SELECT t.id, t.database_name, t.name, p.value_list FROM partitions p JOIN tables t ON "
           "t.id = p.table_id WHERE p.id = :id AND p.deleted = 0 AND t.deleted = 0",
        soci::use(wanted), soci::into(table), soci::into(found.database),
        soci::into(found.table_name), soci::into(found.values);
    if (!sql.got_data()) return Found();
    found.table_id = table;
    return Found(std::move(found));
  });
}

Result<std::vector<PartitionEntry>> Metadata::AllPartitions(int64_t table_id) {
  return Read([&](soci::session& sql) -> Result<std::vector<PartitionEntry>> {
    return SelectPartitions(sql, {table_id, "", {}, {}}, "", state_->version);
  });
}

Result<Totals> Metadata::CountAll() {
  return Read([&](soci::session& sql) -> Result<Totals> {
    Totals totals;
    totals.databases = CountOf(sql, "SELECT COUNT(*) FROM databases WHERE deleted = 0");
    totals.tables = CountOf(sql, "SELECT COUNT(*) FROM tables WHERE deleted = 0");
    totals.partitions =
        CountOf(sql, "SELECT COALESCE(SUM(partitions), 0) FROM tables WHERE deleted = 0");
    return totals;
  });
}

Result<std::optional<ScanRecord>> Metadata::LastScan() {
  return Read([&](soci::session& sql) -> Result<std::optional<ScanRecord>> {
    ScanRecord scan;
    long long id = 0, started = 0;
    int state = 0;
    Nullable ended;
    sql << "SELECT id, scope, started_ms, ended_ms, state, progress, result_json FROM scans "
           "ORDER BY id DESC LIMIT 1",
        soci::into(id), soci::into(scan.scope), soci::into(started),
        soci::into(ended.value, ended.known), soci::into(state), soci::into(scan.progress),
        soci::into(scan.result_json);
    if (!sql.got_data()) return std::optional<ScanRecord>();
    scan.id = id;
    scan.started_ms = started;
    scan.ended_ms = ended.Get();
    scan.state = static_cast<ScanState>(state);
    return std::optional<ScanRecord>(std::move(scan));
  });
}

Result<std::vector<TableEntry>> Metadata::ToRead(int64_t scan, int64_t after, int64_t limit) {
  return Read([&](soci::session& sql) -> Result<std::vector<TableEntry>> {
    TableFilter filter;
    filter.chosen_scan = scan;
    TableWhere where(filter);
    where.clause +=
        fmt::format(" AND state <> {} AND id > {}", static_cast<int>(ReadState::kRefused), after);
    return SelectTables(sql, std::move(where), fmt::format(" ORDER BY id LIMIT {}", limit),
                        state_->version);
  });
}

Result<int64_t> Metadata::CountToRead(int64_t scan) {
  return Read([&](soci::session& sql) -> Result<int64_t> {
    return CountOf(
        sql, fmt::format("SELECT COUNT(*) FROM tables WHERE chosen_scan = {} AND state <> {}", scan,
                         static_cast<int>(ReadState::kRefused)));
  });
}

}  // namespace mms::migration
