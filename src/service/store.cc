#include "service/store.h"

#include <sys/stat.h>

#include <array>
#include <nlohmann/json.hpp>

#include "service/store_session.h"

namespace mms::service {
namespace {

using migration::Guard;
using migration::Optional;
using soci::into;
using soci::use;

constexpr const char* kFileName = "service.db";
constexpr const char* kKeyName = "service.key";

constexpr const char* kVersion1 = R"sql(
  CREATE TABLE data_sources (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL UNIQUE,
    type TEXT NOT NULL,
    networklink TEXT NOT NULL,
    status INTEGER NOT NULL,
    error TEXT NOT NULL DEFAULT '',
    created_ms BIGINT NOT NULL,
    updated_ms BIGINT,
    timer_ms BIGINT,
    stop_asked INTEGER NOT NULL DEFAULT 0);
  CREATE TABLE settings (
    source_id BIGINT NOT NULL REFERENCES data_sources (id) ON DELETE CASCADE,
    key TEXT NOT NULL,
    sealed INTEGER NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (source_id, key));
  CREATE TABLE scans (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    source_id BIGINT NOT NULL REFERENCES data_sources (id) ON DELETE CASCADE,
    cause TEXT NOT NULL,
    db_name TEXT NOT NULL,
    table_names TEXT NOT NULL,
    status INTEGER NOT NULL,
    progress INTEGER NOT NULL DEFAULT 0,
    created_ms BIGINT NOT NULL,
    started_ms BIGINT,
    ended_ms BIGINT,
    interruptions INTEGER NOT NULL DEFAULT 0,
    result TEXT NOT NULL DEFAULT '',
    error TEXT NOT NULL DEFAULT '');
  CREATE INDEX scans_of_source ON scans (source_id, status);
  -- Outlives its source: a bill stays.
  CREATE TABLE instance_uses (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    source_id BIGINT NOT NULL,
    source_name TEXT NOT NULL,
    compute_units BIGINT NOT NULL,
    started_ms BIGINT NOT NULL,
    heartbeat_ms BIGINT NOT NULL,
    ended_ms BIGINT);
  CREATE INDEX uses_of_source ON instance_uses (source_id);
  INSERT INTO sqlite_sequence (name, seq) VALUES ('data_sources', 1999999), ('scans', 999999);
)sql";

constexpr const char* kVersion2 = R"sql(
  CREATE TABLE async_tasks (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    source_id BIGINT NOT NULL REFERENCES data_sources (id) ON DELETE CASCADE,
    type INTEGER NOT NULL,
    cause TEXT NOT NULL,
    status INTEGER NOT NULL,
    started_ms BIGINT NOT NULL,
    ended_ms BIGINT,
    result TEXT NOT NULL DEFAULT '',
    error TEXT NOT NULL DEFAULT '');
  CREATE INDEX async_tasks_of_source ON async_tasks (source_id, type);
  CREATE INDEX async_tasks_in_work ON async_tasks (status) WHERE status = 1;
)sql";

constexpr const char* kVersion3 = R"sql(
  -- JSON objects of texts by key, those of `sealed` sealed.
  CREATE TABLE networks (
    name TEXT NOT NULL PRIMARY KEY,
    settings TEXT NOT NULL,
    sealed TEXT NOT NULL);
)sql";

constexpr const char* kVersion4 = R"sql(
  ALTER TABLE async_tasks ADD COLUMN object_id BIGINT;
  -- One row: JSON objects of texts by key, those of `sealed` sealed.
  CREATE TABLE target (settings TEXT NOT NULL, sealed TEXT NOT NULL);
  CREATE TABLE jobs (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    source_id BIGINT NOT NULL REFERENCES data_sources (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    src_db TEXT NOT NULL,
    dst_project TEXT NOT NULL,
    dst_schema TEXT NOT NULL,
    type INTEGER NOT NULL,
    config TEXT NOT NULL,
    eta TEXT NOT NULL,
    stopped INTEGER NOT NULL DEFAULT 0,
    deleted INTEGER NOT NULL DEFAULT 0,
    timer_id BIGINT,
    created_ms BIGINT NOT NULL);
  CREATE INDEX jobs_of_timer ON jobs (timer_id) WHERE timer_id IS NOT NULL;
  -- `eta`: that of its job, ~ for none, so that it comes last.
  CREATE TABLE job_tasks (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    job_id BIGINT NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
    source_id BIGINT NOT NULL,
    src_table TEXT NOT NULL,
    table_name TEXT NOT NULL,
    dst_table TEXT NOT NULL,
    eta TEXT NOT NULL,
    whole_table INTEGER NOT NULL,
    partitions BIGINT NOT NULL,
    bytes BIGINT,
    rows BIGINT,
    turn BIGINT NOT NULL,
    status INTEGER NOT NULL DEFAULT 0,
    running INTEGER NOT NULL DEFAULT 0,
    stopped INTEGER NOT NULL DEFAULT 0,
    goes_first INTEGER NOT NULL DEFAULT 0,
    retried BIGINT NOT NULL DEFAULT 0,
    attempts BIGINT NOT NULL DEFAULT 0,
    not_before_ms BIGINT NOT NULL DEFAULT 0,
    created_ms BIGINT NOT NULL,
    started_ms BIGINT,
    ended_ms BIGINT,
    rows_copied BIGINT,
    bytes_copied BIGINT,
    error TEXT NOT NULL DEFAULT '');
  CREATE INDEX tasks_of_job ON job_tasks (job_id);
  CREATE INDEX tasks_of_table ON job_tasks (source_id, table_name);
  CREATE INDEX tasks_waiting ON job_tasks (source_id, eta, job_id, goes_first DESC, turn, id)
    WHERE running = 0 AND stopped = 0 AND status IN (0, 2);
  CREATE INDEX tasks_running ON job_tasks (source_id) WHERE running = 1;
  CREATE TABLE task_partitions (
    task_id BIGINT NOT NULL REFERENCES job_tasks (id) ON DELETE CASCADE,
    value TEXT NOT NULL,
    PRIMARY KEY (task_id, value)) WITHOUT ROWID;
  CREATE TABLE task_logs (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    task_id BIGINT NOT NULL REFERENCES job_tasks (id) ON DELETE CASCADE,
    status INTEGER NOT NULL,
    action TEXT NOT NULL,
    message TEXT NOT NULL,
    created_ms BIGINT NOT NULL);
  CREATE INDEX logs_of_task ON task_logs (task_id);
  CREATE TABLE timers (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    source_id BIGINT NOT NULL REFERENCES data_sources (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    src_db TEXT NOT NULL,
    config TEXT NOT NULL,
    schedule TEXT NOT NULL,
    value TEXT NOT NULL,
    zone TEXT NOT NULL,
    refresh INTEGER NOT NULL,
    stopped INTEGER NOT NULL DEFAULT 0,
    trigger_asked INTEGER NOT NULL DEFAULT 0,
    created_ms BIGINT NOT NULL,
    updated_ms BIGINT,
    match_ms BIGINT);
  CREATE TABLE timer_logs (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    timer_id BIGINT NOT NULL REFERENCES timers (id) ON DELETE CASCADE,
    action TEXT NOT NULL,
    message TEXT NOT NULL,
    status INTEGER NOT NULL,
    created_ms BIGINT NOT NULL);
  CREATE INDEX logs_of_timer ON timer_logs (timer_id);
)sql";

constexpr const char* kVersion5 = R"sql(
  ALTER TABLE jobs ADD COLUMN stop_reason TEXT NOT NULL DEFAULT '';
  ALTER TABLE job_tasks ADD COLUMN sql_ms BIGINT;
  -- One row: a JSON object of texts by key.
  CREATE TABLE prices (settings TEXT NOT NULL);
)sql";

// A task that is only to be compared again waits as DATA_DONE (5).
constexpr const char* kVersion6 = R"sql(
  ALTER TABLE job_tasks ADD COLUMN compare_alone INTEGER NOT NULL DEFAULT 0;
  DROP INDEX tasks_waiting;
  CREATE INDEX tasks_waiting ON job_tasks (source_id, eta, job_id, goes_first DESC, turn, id)
    WHERE running = 0 AND stopped = 0 AND status IN (0, 2, 5);
  CREATE INDEX tasks_open ON job_tasks (job_id) WHERE running = 1 OR status NOT IN (3, 6, 9, 10);
)sql";

// `evidence_due`: how often the job has ended since its evidence was written last.
constexpr const char* kVersion7 = R"sql(
  ALTER TABLE jobs ADD COLUMN evidence_due BIGINT NOT NULL DEFAULT 0;
  CREATE INDEX jobs_evidence_due ON jobs (source_id) WHERE evidence_due > 0;
)sql";

// Names without case; `src_table` '' is the schema's own.
constexpr const char* kVersion8 = R"sql(
  CREATE TABLE mappings (
    source_id BIGINT NOT NULL REFERENCES data_sources (id) ON DELETE CASCADE,
    src_db TEXT NOT NULL COLLATE NOCASE,
    src_table TEXT NOT NULL COLLATE NOCASE,
    dst_project TEXT NOT NULL,
    dst_schema TEXT NOT NULL,
    dst_name TEXT NOT NULL,
    PRIMARY KEY (source_id, src_db, src_table));
)sql";

// What went over the wire for a task, in all its tries; NULL of one that began before it was
// counted.
constexpr const char* kVersion9 = R"sql(
  ALTER TABLE job_tasks ADD COLUMN bytes_read BIGINT DEFAULT 0;
  ALTER TABLE job_tasks ADD COLUMN bytes_sent BIGINT DEFAULT 0;
  UPDATE job_tasks SET bytes_read = NULL, bytes_sent = NULL WHERE started_ms IS NOT NULL;
)sql";

// Of those whose turn it is the largest first: what would be left last runs meanwhile.
constexpr const char* kVersion10 = R"sql(
  DROP INDEX tasks_waiting;
  CREATE INDEX tasks_waiting
    ON job_tasks (source_id, eta, job_id, goes_first DESC, turn, bytes DESC, id)
    WHERE running = 0 AND stopped = 0 AND status IN (0, 2, 5);
  -- The asynchronous task that makes the job; NULL = none was begun.
  ALTER TABLE timer_logs ADD COLUMN async_id BIGINT;
)sql";

// Of the target, as each said when it was asked.
constexpr const char* kVersion11 = R"sql(
  CREATE TABLE projects (
    name TEXT NOT NULL PRIMARY KEY COLLATE NOCASE,
    has_schemas INTEGER NOT NULL);
)sql";

// What a task took of its source's instance, NULL as in version 9; and what to do about a stop.
constexpr const char* kVersion12 = R"sql(
  ALTER TABLE job_tasks ADD COLUMN unit_ms BIGINT DEFAULT 0;
  UPDATE job_tasks SET unit_ms = NULL WHERE started_ms IS NOT NULL;
  ALTER TABLE jobs ADD COLUMN stop_remedy TEXT NOT NULL DEFAULT '';
  CREATE INDEX uses_running ON instance_uses (source_id) WHERE ended_ms IS NULL;
)sql";

// `target`: as TargetKey.
constexpr const char* kVersion13 = R"sql(
  ALTER TABLE job_tasks ADD COLUMN target TEXT NOT NULL DEFAULT '';
  UPDATE job_tasks SET target = (SELECT LOWER(j.dst_project || '.' ||
    COALESCE(NULLIF(j.dst_schema, ''), 'default') || '.' || dst_table)
    FROM jobs j WHERE j.id = job_id);
  CREATE INDEX tasks_of_target ON job_tasks (target, source_id, table_name);
)sql";

// Of a task's log: how many of its lines are statements, which its bill asks for each second.
constexpr const char* kVersion14 = R"sql(
  ALTER TABLE job_tasks ADD COLUMN statements BIGINT NOT NULL DEFAULT 0;
  UPDATE job_tasks SET statements = (
    SELECT COUNT(*) FROM task_logs l WHERE l.task_id = job_tasks.id AND l.action = 'statement');
)sql";

constexpr std::array<const char*, 14> kMigrations = {
    kVersion1, kVersion2, kVersion3,  kVersion4,  kVersion5,  kVersion6,  kVersion7,
    kVersion8, kVersion9, kVersion10, kVersion11, kVersion12, kVersion13, kVersion14};

constexpr const char* kSourceColumns =
    "id, name, type, networklink, status, error, created_ms, updated_ms, timer_ms, stop_asked";
constexpr const char* kScanColumns =
    "id, source_id, cause, db_name, table_names, status, progress, created_ms, started_ms, "
    "ended_ms, interruptions, result, error";

struct SourceRow {
  DataSource source;
  long long id = 0, created = 0, updated = 0, timer = 0;
  int status = 0, stop_asked = 0;
  soci::indicator has_updated = soci::i_null, has_timer = soci::i_null;

  void Bind(soci::statement& to) {
    to.exchange(into(id));
    for (std::string* text : {&source.name, &source.type, &source.networklink}) {
      to.exchange(into(*text));
    }
    to.exchange(into(status));
    to.exchange(into(source.error));
    to.exchange(into(created));
    to.exchange(into(updated, has_updated));
    to.exchange(into(timer, has_timer));
    to.exchange(into(stop_asked));
  }
  DataSource Make() const {
    DataSource made = source;
    made.id = id;
    made.status = static_cast<SourceStatus>(status);
    made.created_ms = created;
    made.updated_ms = Optional(updated, has_updated);
    made.timer_ms = Optional(timer, has_timer);
    made.stop_asked = stop_asked != 0;
    return made;
  }
};

struct ScanRow {
  ScanTask scan;
  std::string table_names;
  long long id = 0, source_id = 0, created = 0, started = 0, ended = 0;
  int status = 0;
  soci::indicator has_started = soci::i_null, has_ended = soci::i_null;

  void Bind(soci::statement& to) {
    to.exchange(into(id));
    to.exchange(into(source_id));
    for (std::string* text : {&scan.cause, &scan.db_name, &table_names}) to.exchange(into(*text));
    to.exchange(into(status));
    to.exchange(into(scan.progress));
    to.exchange(into(created));
    to.exchange(into(started, has_started));
    to.exchange(into(ended, has_ended));
    to.exchange(into(scan.interruptions));
    to.exchange(into(scan.result));
    to.exchange(into(scan.error_json));
  }
  ScanTask Make() const {
    ScanTask made = scan;
    made.id = id;
    made.source_id = source_id;
    made.table_names = nlohmann::json::parse(table_names).get<std::vector<std::string>>();
    made.status = static_cast<TaskStatus>(status);
    made.created_ms = created;
    made.started_ms = Optional(started, has_started);
    made.ended_ms = Optional(ended, has_ended);
    return made;
  }
};

/// Without `vault` the secrets stay sealed.
Result<SourceConfig> ReadConfig(soci::session& sql, const Vault* vault, int64_t source_id) {
  SourceConfig config;
  std::string key, value;
  int sealed = 0;
  long long id = source_id;
  soci::statement statement =
      (sql.prepare << "SELECT key, sealed, value FROM settings WHERE source_id = :id", use(id),
       into(key), into(sealed), into(value));
  statement.execute();
  while (statement.fetch()) {
    if (sealed == 0) {
      config.values.emplace(key, value);
      continue;
    }
    Secret& secret = config.secrets[key];
    if (vault == nullptr) continue;
    auto unsealed = vault->Unseal(value, SecretContext(source_id, key));
    if (!unsealed) return unsealed.error();
    secret = *std::move(unsealed);
  }
  return config;
}

Result<DataSource> OnlySource(soci::session& sql, const Vault* vault, std::vector<DataSource> found,
                              const std::string& wanted) {
  if (found.empty()) {
    return Error(ErrorKind::kNotFound, "SOURCE_NOT_FOUND",
                 "no such data source; mms source list names those there are")
        .At("data source " + wanted);
  }
  DataSource source = std::move(found.front());
  TRY(source.config, ReadConfig(sql, vault, source.id));
  return source;
}

Result<DataSource> SourceOf(soci::session& sql, const Vault* vault, int64_t id) {
  soci::statement statement(sql);
  long long wanted = id;
  statement.exchange(use(wanted));
  auto found = FetchRows<SourceRow>(
      statement, std::string("SELECT ") + kSourceColumns + " FROM data_sources WHERE id = :id");
  return OnlySource(sql, vault, std::move(found), std::to_string(id));
}

constexpr const char* kSourceWhere =
    " FROM data_sources WHERE name LIKE :name ESCAPE '\\' AND (:type = '' OR type = :type)";

bool HasSecrets(soci::session& sql) {
  int count = 0;
  sql << "SELECT (SELECT COUNT(*) FROM settings WHERE sealed = 1) + "
         "(SELECT COUNT(*) FROM networks WHERE sealed <> '{}') + "
         "(SELECT COUNT(*) FROM target WHERE sealed <> '{}')",
      into(count);
  return count > 0;
}

}  // namespace

std::string LikePart(const std::string& part) {
  std::string pattern = "%";
  for (const char c : part) {
    if (c == '%' || c == '_' || c == '\\') pattern += '\\';
    pattern += c;
  }
  return pattern + "%";
}

std::string_view StatusName(SourceStatus status) {
  constexpr std::string_view kNames[] = {"INIT",    "STARTING",     "STARTED",    "STOPPING",
                                         "STOPPED", "START_FAILED", "STOP_FAILED"};
  return kNames[static_cast<size_t>(status)];
}

std::string_view StatusName(TaskStatus status) {
  constexpr std::string_view kNames[] = {"INIT", "DOING", "DONE", "FAILED"};
  return kNames[static_cast<size_t>(status)];
}

Store::Store() : state_(std::make_unique<State>()) {}
Store::~Store() = default;

Result<std::unique_ptr<Store>> Store::Open(const migration::StateFolder& folder) {
  std::unique_ptr<Store> store(new Store);
  State& state = *store->state_;
  TRY(state.file, folder.MakeFile(kFileName));
  TRY_VOID(Guard(state.file, [&] {
    return migration::OpenToWrite(state.sql, state.file, migration::Durability::kEachCommit,
                                  kMigrations);
  }));
  TRY(const bool has_secrets,
      state.Read([](soci::session& sql) -> Result<bool> { return HasSecrets(sql); }));
  TRY(state.vault, Vault::Open(folder.path() + "/" + kKeyName, !has_secrets));
  return store;
}

Result<std::unique_ptr<Store>> Store::OpenBeside(const std::string& folder) {
  std::unique_ptr<Store> store(new Store);
  State& state = *store->state_;
  state.file = folder + "/" + kFileName;
  struct stat info {};
  if (stat(state.file.c_str(), &info) != 0) {
    return Error(ErrorKind::kNotFound, "SERVICE_NOT_FOUND",
                 "no data source was ever added there; see mms source add --help")
        .At("state folder " + folder);
  }
  TRY_VOID(Guard(state.file, [&]() -> Status {
    TRY(const int version, migration::OpenToRead(state.sql, state.file));
    state.sql.close();
    if (version == static_cast<int>(kMigrations.size())) {
      return migration::OpenToWrite(state.sql, state.file, migration::Durability::kEachCommit,
                                    kMigrations);
    }
    return Error(ErrorKind::kUnsupported, "STATE_TOO_NEW",
                 "written by another release of mms; use that one, or let this one take it over "
                 "with: mms source start, or mms job run")
        .At("state file " + state.file);
  }));
  TRY(state.vault, Vault::Open(folder + "/" + kKeyName, false));
  return store;
}

Result<DataSource> Store::GetSource(int64_t id) {
  return state_->Read([&](soci::session& sql) { return SourceOf(sql, nullptr, id); });
}

Result<DataSource> Store::UnsealSource(int64_t id) {
  return state_->Read([&](soci::session& sql) { return SourceOf(sql, &*state_->vault, id); });
}

Result<DataSource> Store::FindSource(const std::string& name) {
  return state_->Read([&](soci::session& sql) {
    soci::statement statement(sql);
    statement.exchange(use(name));
    auto found = FetchRows<SourceRow>(statement, std::string("SELECT ") + kSourceColumns +
                                                     " FROM data_sources WHERE name = :name");
    return OnlySource(sql, nullptr, std::move(found), name);
  });
}

Result<std::vector<DataSource>> Store::ListSources(const SourceFilterBy& filter,
                                                   const PageOf& page) {
  using Found = std::vector<DataSource>;
  return state_->Read([&](soci::session& sql) -> Result<Found> {
    soci::statement statement(sql);
    const std::string name = LikePart(filter.name);
    long long limit = page.size, offset = (page.number - 1) * page.size;
    statement.exchange(use(name, "name"));
    statement.exchange(use(filter.type, "type"));
    statement.exchange(use(limit, "limit"));
    statement.exchange(use(offset, "offset"));
    Found found =
        FetchRows<SourceRow>(statement, std::string("SELECT ") + kSourceColumns + kSourceWhere +
                                            " ORDER BY id LIMIT :limit OFFSET :offset");
    for (DataSource& source : found) {
      TRY(source.config, ReadConfig(sql, nullptr, source.id));
    }
    return found;
  });
}

Result<int64_t> Store::CountSources(const SourceFilterBy& filter) {
  return state_->Read([&](soci::session& sql) -> Result<int64_t> {
    const std::string name = LikePart(filter.name);
    long long count = 0;
    sql << std::string("SELECT COUNT(*)") + kSourceWhere, use(name, "name"),
        use(filter.type, "type"), into(count);
    return int64_t{count};
  });
}

Result<ScanTask> Store::GetScan(int64_t id) {
  return state_->Read([&](soci::session& sql) -> Result<ScanTask> {
    soci::statement statement(sql);
    long long wanted = id;
    statement.exchange(use(wanted));
    auto found = FetchRows<ScanRow>(
        statement, std::string("SELECT ") + kScanColumns + " FROM scans WHERE id = :id");
    if (!found.empty()) return std::move(found.front());
    return Error(ErrorKind::kNotFound, "SCAN_NOT_FOUND", "no such scan; its source may be removed")
        .At("scan " + std::to_string(id));
  });
}

Result<std::vector<ScanTask>> Store::ListScans(int64_t source_id, const PageOf& page) {
  using Found = std::vector<ScanTask>;
  return state_->Read([&](soci::session& sql) -> Result<Found> {
    soci::statement statement(sql);
    long long source = source_id, limit = page.size, offset = (page.number - 1) * page.size;
    statement.exchange(use(source, "source"));
    statement.exchange(use(limit, "limit"));
    statement.exchange(use(offset, "offset"));
    return FetchRows<ScanRow>(statement, std::string("SELECT ") + kScanColumns +
                                             " FROM scans WHERE :source = 0 OR source_id = :source "
                                             "ORDER BY id DESC LIMIT :limit OFFSET :offset");
  });
}

Result<std::optional<ScanTask>> Store::NextScan(int64_t source_id) {
  using Found = std::optional<ScanTask>;
  return state_->Read([&](soci::session& sql) -> Result<Found> {
    soci::statement statement(sql);
    long long source = source_id;
    statement.exchange(use(source, "source"));
    auto found = FetchRows<ScanRow>(
        statement, std::string("SELECT ") + kScanColumns +
                       " FROM scans WHERE source_id = :source AND status = 0 AND NOT EXISTS "
                       "(SELECT 1 FROM scans WHERE source_id = :source AND status = 1) "
                       "ORDER BY id LIMIT 1");
    if (found.empty()) return Found();
    return Found(std::move(found.front()));
  });
}

Result<int64_t> Store::CountOpenScans(int64_t source_id) {
  return state_->Read([&](soci::session& sql) -> Result<int64_t> {
    long long source = source_id, count = 0;
    sql << "SELECT COUNT(*) FROM scans WHERE source_id = :source AND status IN (0, 1)", use(source),
        into(count);
    return int64_t{count};
  });
}

Result<InstanceTotals> Store::Totals(int64_t source_id, int64_t now_ms) {
  return state_->Read([&](soci::session& sql) -> Result<InstanceTotals> {
    long long source = source_id, spans = 0, running = 0, unit_ms = 0;
    // An open span runs until now only as far as a heartbeat says: none outlives its process.
    sql << "SELECT COUNT(*), COALESCE(SUM(COALESCE(ended_ms, heartbeat_ms) - started_ms), 0), "
           "COALESCE(SUM((COALESCE(ended_ms, heartbeat_ms) - started_ms) * compute_units), 0) "
           "FROM instance_uses WHERE source_id = :source AND started_ms <= :now",
        use(source), use(now_ms), into(spans), into(running), into(unit_ms);
    return InstanceTotals{spans, running, unit_ms / 1'000};
  });
}

Result<std::vector<InstanceUse>> Store::ListUses(int64_t source_id, const PageOf& page) {
  using Found = std::vector<InstanceUse>;
  return state_->Read([&](soci::session& sql) -> Result<Found> {
    long long source = source_id, limit = page.size, offset = (page.number - 1) * page.size;
    InstanceUse row;
    long long id = 0, of = 0, units = 0, started = 0, heartbeat = 0, ended = 0;
    soci::indicator has_ended = soci::i_null;
    soci::statement statement =
        (sql.prepare << "SELECT id, source_id, source_name, compute_units, started_ms, "
                        "heartbeat_ms, ended_ms FROM instance_uses WHERE source_id = :source "
                        "ORDER BY id LIMIT :limit OFFSET :offset",
         use(source), use(limit), use(offset), into(id), into(of), into(row.source_name),
         into(units), into(started), into(heartbeat), into(ended, has_ended));
    statement.execute();
    Found found;
    while (statement.fetch()) {
      found.push_back(
          {id, of, row.source_name, units, started, heartbeat, Optional(ended, has_ended)});
    }
    return found;
  });
}

}  // namespace mms::service
