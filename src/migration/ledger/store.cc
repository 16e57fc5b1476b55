#include "migration/ledger/store.h"

#include <array>
#include <utility>

#include "migration/ledger/store_session.h"

namespace mms::migration {
namespace {

// Plans sit in a table of their own: a row that changes state is rewritten whole, and a plan may be
// megabytes.
constexpr const char* kVersion1 = R"sql(
  CREATE TABLE identity (name TEXT NOT NULL PRIMARY KEY, value TEXT NOT NULL);
  CREATE TABLE tables (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    source_name TEXT NOT NULL UNIQUE,
    target_table TEXT NOT NULL,
    version BIGINT NOT NULL,
    plan_json TEXT NOT NULL,
    state INTEGER NOT NULL,
    error_json TEXT NOT NULL);
  CREATE TABLE units (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    table_id BIGINT NOT NULL REFERENCES tables (id),
    partition TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    state INTEGER NOT NULL DEFAULT 0,
    generation INTEGER NOT NULL DEFAULT 0,
    session_id TEXT NOT NULL DEFAULT '',
    rows_planned BIGINT,
    bytes BIGINT NOT NULL,
    files BIGINT NOT NULL,
    rows_copied BIGINT,
    rows_target BIGINT,
    source_checksum TEXT NOT NULL DEFAULT '',
    target_checksum TEXT NOT NULL DEFAULT '',
    verdict INTEGER NOT NULL DEFAULT 0,
    difference TEXT NOT NULL DEFAULT '',
    error_json TEXT NOT NULL DEFAULT '',
    UNIQUE (table_id, partition));
  CREATE TABLE unit_plans (
    unit_id INTEGER NOT NULL PRIMARY KEY REFERENCES units (id),
    plan_json TEXT NOT NULL);
)sql";

constexpr const char* kVersion2 = "ALTER TABLE units ADD COLUMN changes TEXT NOT NULL DEFAULT ''";
constexpr int kVersionOfChanges = 2;

/// 1 = was loaded, and is not meant by the present plan.
constexpr const char* kVersion3 = "ALTER TABLE units ADD COLUMN aside INTEGER NOT NULL DEFAULT 0";
constexpr int kVersionOfAside = 3;

constexpr const char* kVersion4 = R"sql(
  ALTER TABLE units ADD COLUMN task BIGINT NOT NULL DEFAULT 0;
  CREATE INDEX units_of_task ON units (table_id, task, partition) WHERE task <> 0;
)sql";
constexpr int kVersionOfTask = 4;

/// Of units that are loaded: what their sessions have taken.
constexpr const char* kVersion5 = R"sql(
  CREATE TABLE unit_blocks (
    unit_id BIGINT NOT NULL REFERENCES units (id),
    block_id BIGINT NOT NULL,
    rows BIGINT NOT NULL,
    source_checksum TEXT NOT NULL,
    changes TEXT NOT NULL,
    PRIMARY KEY (unit_id, block_id)) WITHOUT ROWID;
)sql";

/// The index is of units without a verdict.
constexpr const char* kVersion6 = R"sql(
  ALTER TABLE units ADD COLUMN version BIGINT;
  UPDATE units SET version = (SELECT t.version FROM tables t WHERE t.id = table_id);
  CREATE INDEX units_pending ON units (table_id) WHERE verdict = 0 AND aside = 0;
)sql";
constexpr int kVersionOfVersion = 6;

/// A checksum of the target was kept of those alone that were compared by it.
constexpr const char* kVersion7 = R"sql(
  ALTER TABLE units ADD COLUMN compared_by INTEGER NOT NULL DEFAULT 0;
  UPDATE units SET compared_by = 1 WHERE target_checksum <> '';
)sql";
constexpr int kVersionOfMethod = 7;

/// Schema versions in order; each is applied once, in a transaction. Never change one that was
/// released.
constexpr std::array<const char*, 7> kMigrations = {kVersion1, kVersion2, kVersion3, kVersion4,
                                                    kVersion5, kVersion6, kVersion7};

struct TableRow {
  long long id = 0, version = 0;
  int state = 0;
  TableRecord record;

  TableRecord Take() {
    record.id = id;
    record.version = version;
    record.state = static_cast<TableState>(state);
    return std::move(record);
  }
};

struct UnitRow {
  long long id = 0, table_id = 0, task = 0, rows_planned = 0, bytes = 0, files = 0;
  long long rows_copied = 0, rows_target = 0, version = 0;
  int state = 0, generation = 0, verdict = 0, compared_by = 0;
  soci::indicator planned = soci::i_ok, copied = soci::i_ok, target = soci::i_ok;
  soci::indicator has_version = soci::i_null;
  UnitRecord text;

  UnitRecord Make() const {
    UnitRecord unit = text;
    unit.id = id;
    unit.table_id = table_id;
    unit.task = task;
    unit.version = Optional(version, has_version);
    unit.state = static_cast<UnitState>(state);
    unit.generation = generation;
    unit.rows_planned = Optional(rows_planned, planned);
    unit.bytes = bytes;
    unit.files = files;
    unit.rows_copied = Optional(rows_copied, copied);
    unit.rows_target = Optional(rows_target, target);
    unit.verdict = static_cast<Verdict>(verdict);
    unit.compared_by = static_cast<ComparedBy>(compared_by);
    return unit;
  }
};

/// A condition with :first and :last. That of one task is served by the index of tasks; that of
/// several is not, since the pages of a list in the order of partitions would each sort them all.
const char* OfTasks(const UnitScope& scope) {
  if (scope.first_task == kNoTask) return "AND :first = :last ";
  if (scope.first_task == scope.last_task)
    return "AND task = :first AND task = :last AND task <> 0 ";
  return "AND +task BETWEEN :first AND :last ";
}

/// Of units as `u`: those that the plan means, or with them those of earlier ones that stand there.
std::string Meant(const UnitScope& scope) {
  return scope.aside ? " AND (u.aside = 0 OR u.state >= 3) " : " AND u.aside = 0 ";
}

constexpr const char* kSelectTables =
    "SELECT id, source_name, target_table, version, plan_json, state, error_json FROM tables ";

}  // namespace

Result<std::unique_ptr<Store>> Store::Open(const std::string& file, Mode mode) {
  auto state = std::make_unique<State>();
  state->file = file;
  auto opened = Guard(file, [&]() -> Status {
    if (mode == Mode::kReadWrite) {
      return OpenToWrite(state->sql, file, Durability::kEachCommit, kMigrations);
    }
    TRY(const int version, OpenToRead(state->sql, file));
    state->has_changes = version >= kVersionOfChanges;
    state->has_aside = version >= kVersionOfAside;
    state->has_task = version >= kVersionOfTask;
    state->has_version = version >= kVersionOfVersion;
    state->has_method = version >= kVersionOfMethod;
    return OkStatus();
  });
  TRY_VOID(std::move(opened));
  return std::unique_ptr<Store>(new Store(std::move(state)));
}

Status Store::Begin() {
  return Guard(state_->file, [&]() -> Status {
    state_->sql << "BEGIN IMMEDIATE";
    return OkStatus();
  });
}

Status Store::Commit() {
  Status status = Guard(state_->file, [&]() -> Status {
    state_->sql << "COMMIT";
    return OkStatus();
  });
  if (!status.has_value()) Rollback();
  return status;
}

void Store::Rollback() {
  // After some errors SQLite has rolled back by itself and says so; nothing is open then, as
  // wanted.
  (void)Guard(state_->file, [&]() -> Status {
    state_->sql << "ROLLBACK";
    return OkStatus();
  });
}

Result<std::optional<TableRecord>> Store::FindTable(const std::string& source_name) {
  using Found = std::optional<TableRecord>;
  return Guard(state_->file, [&]() -> Result<Found> {
    TableRow row;
    TableRecord& record = row.record;
    state_->sql << std::string(kSelectTables) + "WHERE source_name = :name", soci::use(source_name),
        soci::into(row.id), soci::into(record.source_name), soci::into(record.target_table),
        soci::into(row.version), soci::into(record.plan_json), soci::into(row.state),
        soci::into(record.error_json);
    if (!state_->sql.got_data()) return Found();
    return Found(row.Take());
  });
}

Result<std::vector<TableRecord>> Store::TablesAfter(const std::string& after) {
  using Page = std::vector<TableRecord>;
  return Guard(state_->file, [&]() -> Result<Page> {
    Page page;
    TableRow row;
    TableRecord& record = row.record;
    const std::string query = std::string(kSelectTables) +
                              "WHERE source_name > :after ORDER BY source_name LIMIT " +
                              std::to_string(kPageRows);
    soci::statement statement =
        (state_->sql.prepare << query, soci::use(after), soci::into(row.id),
         soci::into(record.source_name), soci::into(record.target_table), soci::into(row.version),
         soci::into(record.plan_json), soci::into(row.state), soci::into(record.error_json));
    statement.execute();
    while (statement.fetch()) page.push_back(row.Take());
    return page;
  });
}

Result<std::vector<UnitRecord>> Store::UnitsAfter(const UnitPage& wanted) {
  using Page = std::vector<UnitRecord>;
  return Guard(state_->file, [&]() -> Result<Page> {
    Page page;
    UnitRow row;
    UnitRecord& text = row.text;
    const long long table_id = wanted.scope.table_id;
    const long long first = wanted.scope.first_task, last = wanted.scope.last_task;
    const std::string after = wanted.after.value_or("");
    const int below = wanted.below ? static_cast<int>(*wanted.below) : 1000;
    const std::string query =
        "SELECT u.id, u.table_id, u.partition, u.fingerprint, u.state, u.generation, u.session_id, "
        "p.plan_json, u.rows_planned, u.bytes, u.files, u.rows_copied, u.rows_target, "
        "u.source_checksum, u.target_checksum, u.verdict, u.difference, u.error_json, " +
        std::string(state_->has_changes ? "u.changes, " : "'', ") +
        std::string(state_->has_task ? "u.task, " : "0, ") +
        std::string(state_->has_method ? "u.compared_by, " : "u.target_checksum <> '', ") +
        std::string(state_->has_version
                        ? "u.version "
                        : "(SELECT t.version FROM tables t WHERE t.id = u.table_id) ") +
        "FROM units u JOIN unit_plans p ON p.unit_id = u.id "
        "WHERE u.table_id = :table AND u.state < :below " +
        std::string(state_->has_aside && !wanted.aside ? Meant(wanted.scope) : " ") +
        OfTasks(wanted.scope) + "AND u.partition " + std::string(wanted.after ? ">" : ">=") +
        " :after ORDER BY u.partition LIMIT " + std::to_string(kPageRows);
    soci::statement statement =
        (state_->sql.prepare << query, soci::use(table_id, "table"), soci::use(below, "below"),
         soci::use(first, "first"), soci::use(last, "last"), soci::use(after, "after"),
         soci::into(row.id), soci::into(row.table_id), soci::into(text.partition),
         soci::into(text.fingerprint), soci::into(row.state), soci::into(row.generation),
         soci::into(text.session_id), soci::into(text.plan_json),
         soci::into(row.rows_planned, row.planned), soci::into(row.bytes), soci::into(row.files),
         soci::into(row.rows_copied, row.copied), soci::into(row.rows_target, row.target),
         soci::into(text.source_checksum), soci::into(text.target_checksum),
         soci::into(row.verdict), soci::into(text.difference), soci::into(text.error_json),
         soci::into(text.changes), soci::into(row.task), soci::into(row.compared_by),
         soci::into(row.version, row.has_version));
    statement.execute();
    while (statement.fetch()) page.push_back(row.Make());
    return page;
  });
}

Result<std::vector<Ledger::SentBlock>> Store::BlocksAfter(int64_t unit_id, int64_t after) {
  using Page = std::vector<Ledger::SentBlock>;
  return Guard(state_->file, [&]() -> Result<Page> {
    Page page;
    Ledger::SentBlock block;
    const long long unit = unit_id, begin = after;
    long long id = 0, rows = 0;
    soci::statement statement =
        (state_->sql.prepare << "SELECT block_id, rows, source_checksum, changes FROM unit_blocks "
                                "WHERE unit_id = :unit AND block_id > :after ORDER BY block_id "
                                "LIMIT " +
                                    std::to_string(kPageRows),
         soci::use(unit), soci::use(begin), soci::into(id), soci::into(rows),
         soci::into(block.source_checksum), soci::into(block.changes));
    statement.execute();
    while (statement.fetch()) {
      block.block_id = id;
      block.rows = rows;
      page.push_back(block);
    }
    return page;
  });
}

Result<std::string> Store::Identity(const std::string& name) {
  return Guard(state_->file, [&]() -> Result<std::string> {
    std::string value;
    state_->sql << "SELECT value FROM identity WHERE name = :name", soci::use(name),
        soci::into(value);
    return value;
  });
}

Result<TableTotals> Store::Totals(const UnitScope& scope) {
  return Guard(state_->file, [&]() -> Result<TableTotals> {
    const long long id = scope.table_id, first = scope.first_task, last = scope.last_task;
    long long units = 0, committed = 0, bytes = 0, bytes_committed = 0, files = 0;
    long long planned = 0, planned_known = 0, copied = 0, target = 0, target_known = 0;
    long long matched = 0, mismatched = 0, missing = 0, not_compared = 0, extra = 0, made = 0;
    long long not_comparable = 0, behind = 0, version = 0;
    soci::indicator has_version = soci::i_null;
    const std::string of_table = "(SELECT t.version FROM tables t WHERE t.id = :table)";
    // Numbers are those of state and verdict in ledger.h.
    state_->sql
        << std::string(
               "SELECT COUNT(*), COALESCE(SUM(state >= 3), 0), COALESCE(SUM(bytes), 0), "
               "COALESCE(SUM(CASE WHEN state >= 3 THEN bytes ELSE 0 END), 0), "
               "COALESCE(SUM(files), 0), COALESCE(SUM(rows_planned), 0), COUNT(rows_planned), "
               "COALESCE(SUM(CASE WHEN state >= 3 THEN rows_copied ELSE 0 END), 0), "
               "COALESCE(SUM(rows_target), 0), COUNT(rows_target), "
               "COALESCE(SUM(verdict = 1), 0), COALESCE(SUM(verdict IN (2, 3)), 0), "
               "COALESCE(SUM(verdict = 3), 0), COALESCE(SUM(verdict = 4), 0), "
               "COALESCE(SUM(verdict = 5), 0), COALESCE(SUM(verdict = 5 AND generation = 0), 0), "
               "COALESCE(SUM(verdict = 6), 0), ") +
               (state_->has_version
                    ? "COALESCE(SUM(state >= 3 AND verdict <> 5 AND version IS NOT " + of_table +
                          "), 0), CASE WHEN COUNT(version) = COUNT(*) AND "
                          "MIN(version) = MAX(version) THEN MIN(version) END "
                    : "0, " + of_table + " ") +
               "FROM units u WHERE table_id = :table" +
               (state_->has_aside ? Meant(scope) : std::string(" ")) + OfTasks(scope),
        soci::use(id, "table"), soci::use(first, "first"), soci::use(last, "last"),
        soci::into(units), soci::into(committed), soci::into(bytes), soci::into(bytes_committed),
        soci::into(files), soci::into(planned), soci::into(planned_known), soci::into(copied),
        soci::into(target), soci::into(target_known), soci::into(matched), soci::into(mismatched),
        soci::into(missing), soci::into(not_compared), soci::into(extra), soci::into(made),
        soci::into(not_comparable), soci::into(behind), soci::into(version, has_version);
    TableTotals totals;
    totals.units = units;
    totals.committed = committed;
    totals.bytes = bytes;
    totals.bytes_committed = bytes_committed;
    totals.files = files;
    if (planned_known == units) totals.rows_planned = planned;
    totals.rows_copied = copied;
    if (target_known + made == units) totals.rows_target = target;
    totals.matched = matched;
    totals.mismatched = mismatched;
    totals.missing = missing;
    totals.not_compared = not_compared;
    totals.extra = extra;
    totals.behind = behind;
    totals.version = Optional(version, has_version);
    totals.not_comparable = not_comparable;
    return totals;
  });
}

Result<bool> Store::IsSettled(int64_t table_id) {
  return Guard(state_->file, [&]() -> Result<bool> {
    const long long table = table_id;
    int pending = 0;
    state_->sql << std::string(
                       "SELECT EXISTS (SELECT 1 FROM units WHERE table_id = :table AND "
                       "verdict = 0") +
                       (state_->has_aside ? " AND aside = 0)" : ")"),
        soci::use(table), soci::into(pending);
    return pending == 0;
  });
}

}  // namespace mms::migration
