#include "sandbox/catalog.h"

#include <chrono>

namespace mms::sandbox {
namespace {

constexpr char kSchema[] = R"sql(
CREATE TABLE IF NOT EXISTS projects (name TEXT PRIMARY KEY);
CREATE TABLE IF NOT EXISTS schemas (
  project TEXT NOT NULL REFERENCES projects(name), name TEXT NOT NULL, created_s INTEGER NOT NULL,
  PRIMARY KEY (project, name));
CREATE TABLE IF NOT EXISTS tables (
  id INTEGER PRIMARY KEY AUTOINCREMENT, project TEXT NOT NULL, schema TEXT NOT NULL,
  name TEXT NOT NULL, description TEXT NOT NULL, created_s INTEGER NOT NULL,
  modified_s INTEGER NOT NULL, ddl_s INTEGER NOT NULL, UNIQUE (project, schema, name));
CREATE TABLE IF NOT EXISTS partitions (
  table_id INTEGER NOT NULL REFERENCES tables(id) ON DELETE CASCADE, spec TEXT NOT NULL,
  created_s INTEGER NOT NULL, modified_s INTEGER NOT NULL, version INTEGER NOT NULL,
  PRIMARY KEY (table_id, spec)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS files (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  table_id INTEGER NOT NULL REFERENCES tables(id) ON DELETE CASCADE, spec TEXT NOT NULL,
  path TEXT NOT NULL, rows INTEGER NOT NULL, bytes INTEGER NOT NULL);
CREATE INDEX IF NOT EXISTS files_of_partition ON files (table_id, spec);
CREATE TABLE IF NOT EXISTS uploads (
  id TEXT PRIMARY KEY, table_id INTEGER NOT NULL REFERENCES tables(id) ON DELETE CASCADE,
  spec TEXT NOT NULL, overwrite INTEGER NOT NULL, create_partition INTEGER NOT NULL,
  status INTEGER NOT NULL, created_s INTEGER NOT NULL, upsert_slots INTEGER NOT NULL DEFAULT 0);
CREATE INDEX IF NOT EXISTS uploads_of_table ON uploads (table_id);
CREATE TABLE IF NOT EXISTS blocks (
  upload_id TEXT NOT NULL REFERENCES uploads(id) ON DELETE CASCADE, id INTEGER NOT NULL,
  path TEXT NOT NULL, rows INTEGER NOT NULL, bytes INTEGER NOT NULL, created_s INTEGER NOT NULL,
  PRIMARY KEY (upload_id, id)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS downloads (
  id TEXT PRIMARY KEY, session TEXT NOT NULL, created_s INTEGER NOT NULL);
CREATE INDEX IF NOT EXISTS downloads_by_age ON downloads (created_s);
)sql";

constexpr char kTableColumns[] =
    "SELECT id, name, description, created_s, modified_s, ddl_s FROM tables ";

Result<Table> ReadTable(const SqliteStatement& row, const std::string& project,
                        const std::string& schema) {
  Table table;
  table.id = row.Number(0);
  table.name = {project, schema, row.Text(1)};
  TRY_VOID(TableFromJson(row.Text(2), &table));
  table.created_s = row.Number(3);
  table.modified_s = row.Number(4);
  table.ddl_s = row.Number(5);
  return table;
}

}  // namespace

Error TableExists(const TableName& name) {
  return Error(ErrorKind::kConflict, "ODPS-0130131",
               "Table already exists - table " + name.ToText() + " already exists");
}

/// What the real service says is not known.
Error NoSchemas(const std::string& project) {
  return Error(ErrorKind::kInvalidInput, "ODPS-0130131",
               "the schema model is not enabled in project " + project);
}

int64_t NowSeconds() {
  return std::chrono::duration_cast<std::chrono::seconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

Result<std::unique_ptr<Catalog>> Catalog::Open(const std::string& data_dir) {
  TRY(auto database, Sqlite::Open(data_dir + "/catalog.sqlite"));
  auto catalog = std::unique_ptr<Catalog>(new Catalog(std::move(database)));
  TRY_VOID(catalog->Migrate());
  return catalog;
}

Status Catalog::Migrate() {
  TRY_VOID(database_->Execute(kSchema));
  auto columns =
      database_->Prepare("SELECT 1 FROM pragma_table_info('uploads') WHERE name = 'upsert_slots'");
  TRY(bool there, columns.Step());
  if (there) return OkStatus();
  // A folder of a sandbox that had no upsert sessions.
  return database_->Execute(
      "ALTER TABLE uploads ADD COLUMN upsert_slots INTEGER NOT NULL DEFAULT 0");
}

bool Catalog::HasSchemas(const std::string& project) {
  std::lock_guard lock(mutex_);
  return !flat_.contains(project);
}

Status Catalog::EnsureProject(const std::string& project, bool flat) {
  std::lock_guard lock(mutex_);
  if (flat) flat_.insert(project);
  return database_->InTransaction([&]() -> Status {
    TRY_VOID(database_->Prepare("INSERT OR IGNORE INTO projects VALUES (?)").Bind(project).Run());
    return database_->Prepare("INSERT OR IGNORE INTO schemas VALUES (?, 'default', ?)")
        .Bind(project)
        .Bind(NowSeconds())
        .Run();
  });
}

Status Catalog::CheckProjectLocked(const std::string& project) {
  auto statement = database_->Prepare("SELECT 1 FROM projects WHERE name = ?");
  TRY(bool found, statement.Bind(project).Step());
  if (found) return OkStatus();
  return Error(
      ErrorKind::kNotFound, "NoSuchProject",
      "the project '" + project + "' does not exist; start the sandbox with --project " + project);
}

Status Catalog::CheckProject(const std::string& project) {
  std::lock_guard lock(mutex_);
  return CheckProjectLocked(project);
}

Result<std::vector<std::string>> Catalog::Schemas(const std::string& project) {
  std::lock_guard lock(mutex_);
  TRY_VOID(CheckProjectLocked(project));
  auto statement = database_->Prepare("SELECT name FROM schemas WHERE project = ? ORDER BY name");
  statement.Bind(project);
  std::vector<std::string> names;
  while (true) {
    TRY(bool row, statement.Step());
    if (!row) return names;
    names.push_back(statement.Text(0));
  }
}

Result<bool> Catalog::CreateSchema(const std::string& project, const std::string& schema) {
  std::lock_guard lock(mutex_);
  TRY_VOID(CheckProjectLocked(project));
  if (flat_.contains(project)) return NoSchemas(project);
  TRY_VOID(database_->Prepare("INSERT OR IGNORE INTO schemas VALUES (?, ?, ?)")
               .Bind(project)
               .Bind(schema)
               .Bind(NowSeconds())
               .Run());
  return database_->changes() > 0;
}

Result<bool> Catalog::DropSchema(const std::string& project, const std::string& schema) {
  std::lock_guard lock(mutex_);
  TRY_VOID(CheckProjectLocked(project));
  auto tables = database_->Prepare("SELECT 1 FROM tables WHERE project = ? AND schema = ? LIMIT 1");
  TRY(bool used, tables.Bind(project).Bind(schema).Step());
  if (used) {
    return Error(
        ErrorKind::kConflict, "ODPS-0110061",
        "Failed to run ddltask - schema " + schema + " is not empty; drop its tables first");
  }
  TRY_VOID(database_->Prepare("DELETE FROM schemas WHERE project = ? AND name = ?")
               .Bind(project)
               .Bind(schema)
               .Run());
  return database_->changes() > 0;
}

Result<Table> Catalog::GetTable(const TableName& name) {
  std::lock_guard lock(mutex_);
  TRY_VOID(CheckProjectLocked(name.project));
  auto statement = database_->Prepare(std::string(kTableColumns) +
                                      "WHERE project = ? AND schema = ? AND name = ?");
  TRY(bool found, statement.Bind(name.project).Bind(name.schema).Bind(name.table).Step());
  if (!found) {
    return Error(ErrorKind::kNotFound, "NoSuchTable",
                 "Table not found - table " + name.ToText() + " does not exist");
  }
  return ReadTable(statement, name.project, name.schema);
}

Status Catalog::CheckSchemaLocked(const TableName& name) {
  TRY_VOID(CheckProjectLocked(name.project));
  if (flat_.contains(name.project) && name.schema != "default") return NoSchemas(name.project);
  auto schema = database_->Prepare("SELECT 1 FROM schemas WHERE project = ? AND name = ?");
  TRY(bool found, schema.Bind(name.project).Bind(name.schema).Step());
  if (found) return OkStatus();
  return Error(ErrorKind::kNotFound, "ODPS-0110061",
               "Failed to run ddltask - schema " + name.schema + " does not exist");
}

/// Inside a transaction: the table's row, and its one partition when it has no partition columns.
Status Catalog::InsertTable(Table* table) {
  table->created_s = table->modified_s = table->ddl_s = NowSeconds();
  TRY_VOID(database_
               ->Prepare("INSERT OR IGNORE INTO tables (project, schema, name, description, "
                         "created_s, modified_s, ddl_s) VALUES (?, ?, ?, ?, ?, ?, ?)")
               .Bind(table->name.project)
               .Bind(table->name.schema)
               .Bind(table->name.table)
               .Bind(TableToJson(*table))
               .Bind(table->created_s)
               .Bind(table->modified_s)
               .Bind(table->ddl_s)
               .Run());
  if (database_->changes() == 0) return TableExists(table->name);
  table->id = database_->last_id();
  return table->partitioned() ? OkStatus() : InsertPartition(*table, "");
}

Result<Table> Catalog::CreateTable(Table table) {
  std::lock_guard lock(mutex_);
  TRY_VOID(CheckSchemaLocked(table.name));
  TRY_VOID(database_->InTransaction([&] { return InsertTable(&table); }));
  return table;
}

Result<std::vector<std::string>> Catalog::CreateTableWithRows(Table table,
                                                              const std::vector<DataFile>& files,
                                                              bool replace) {
  std::lock_guard lock(mutex_);
  TRY_VOID(CheckSchemaLocked(table.name));
  std::vector<std::string> replaced;
  TRY_VOID(database_->InTransaction([&]() -> Status {
    if (replace) {
      auto old =
          database_->Prepare("SELECT id FROM tables WHERE project = ? AND schema = ? AND name = ?");
      old.Bind(table.name.project).Bind(table.name.schema).Bind(table.name.table);
      TRY(bool there, old.Step());
      Table gone;
      if (there) gone.id = old.Number(0);
      if (there) {
        TRY(replaced, TakeTable(gone));
      }
    }
    TRY_VOID(InsertTable(&table));
    return InsertFiles(table, files);
  }));
  return replaced;
}

Status Catalog::UpdateTable(const Table& table) {
  std::lock_guard lock(mutex_);
  return database_
      ->Prepare(
          "UPDATE tables SET description = ?, modified_s = ?, ddl_s = ? "
          "WHERE id = ?")
      .Bind(TableToJson(table))
      .Bind(NowSeconds())
      .Bind(NowSeconds())
      .Bind(table.id)
      .Run();
}

Status Catalog::RenameTable(const Table& table, const std::string& name) {
  std::lock_guard lock(mutex_);
  TRY_VOID(database_
               ->Prepare("UPDATE OR IGNORE tables SET name = ?, modified_s = ?, ddl_s = ? "
                         "WHERE id = ?")
               .Bind(name)
               .Bind(NowSeconds())
               .Bind(NowSeconds())
               .Bind(table.id)
               .Run());
  if (database_->changes() > 0) return OkStatus();
  return TableExists({table.name.project, table.name.schema, name});
}

/// Inside a transaction: removes the table; returns the paths of its files and blocks.
Result<std::vector<std::string>> Catalog::TakeTable(const Table& table) {
  TRY(auto paths, TakeFiles(table, nullptr));
  auto blocks = database_->Prepare(
      "SELECT path FROM blocks WHERE upload_id IN (SELECT id FROM uploads WHERE table_id = ?)");
  blocks.Bind(table.id);
  while (true) {
    TRY(bool row, blocks.Step());
    if (!row) break;
    paths.push_back(blocks.Text(0));
  }
  TRY_VOID(database_->Prepare("DELETE FROM tables WHERE id = ?").Bind(table.id).Run());
  return paths;
}

Result<std::vector<std::string>> Catalog::DropTable(const Table& table) {
  std::lock_guard lock(mutex_);
  std::vector<std::string> paths;
  TRY_VOID(database_->InTransaction([&]() -> Status {
    TRY(paths, TakeTable(table));
    return OkStatus();
  }));
  return paths;
}

Result<std::vector<Table>> Catalog::ListTables(const std::string& project,
                                               const std::string& schema,
                                               const TableFilter& filter) {
  std::lock_guard lock(mutex_);
  TRY_VOID(CheckProjectLocked(project));
  auto statement = database_->Prepare(
      std::string(kTableColumns) +
      "WHERE project = ? AND schema = ? AND name > ? AND substr(name, 1, length(?4)) = ?4 "
      "ORDER BY name LIMIT ?5");
  statement.Bind(project).Bind(schema).Bind(filter.marker).Bind(filter.name_prefix);
  statement.Bind(static_cast<int64_t>(filter.limit));
  std::vector<Table> tables;
  while (true) {
    TRY(bool row, statement.Step());
    if (!row) return tables;
    TRY(Table table, ReadTable(statement, project, schema));
    tables.push_back(std::move(table));
  }
}

}  // namespace mms::sandbox
