#include "sandbox/sqlite.h"

namespace mms::sandbox {
namespace {

Error Failed(sqlite3* database) {
  return Error(ErrorKind::kInternal, "InternalServerError",
               std::string("catalog: ") + sqlite3_errmsg(database));
}

}  // namespace

SqliteStatement::SqliteStatement(sqlite3* database, std::string_view sql) : database_(database) {
  // A failed prepare leaves no statement; Step reports it.
  (void)sqlite3_prepare_v2(database, sql.data(), static_cast<int>(sql.size()), &statement_,
                           nullptr);
}

SqliteStatement& SqliteStatement::Bind(std::string_view text) {
  (void)sqlite3_bind_text(statement_, next_++, text.data(), static_cast<int>(text.size()),
                          SQLITE_TRANSIENT);
  return *this;
}

SqliteStatement& SqliteStatement::Bind(int64_t number) {
  (void)sqlite3_bind_int64(statement_, next_++, number);
  return *this;
}

Result<bool> SqliteStatement::Step() {
  if (statement_ == nullptr) return Failed(database_);
  int code = sqlite3_step(statement_);
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) return false;
  return Failed(database_);
}

Status SqliteStatement::Run() {
  TRY(bool row, Step());
  (void)row;
  sqlite3_reset(statement_);
  next_ = 1;
  return OkStatus();
}

std::string SqliteStatement::Text(int column) const {
  const void* bytes = sqlite3_column_blob(statement_, column);
  int size = sqlite3_column_bytes(statement_, column);
  return bytes == nullptr ? std::string()
                          : std::string(static_cast<const char*>(bytes), static_cast<size_t>(size));
}

Result<std::unique_ptr<Sqlite>> Sqlite::Open(const std::string& path) {
  sqlite3* database = nullptr;
  if (sqlite3_open(path.c_str(), &database) != SQLITE_OK) {
    Error error = Failed(database);
    sqlite3_close(database);
    return error;
  }
  auto opened = std::unique_ptr<Sqlite>(new Sqlite(database));
  sqlite3_busy_timeout(database, 5'000);
  // WAL without a sync per commit: a killed process loses nothing; a power cut may lose the last
  // commits, never the file's consistency. A rehearsal target needs no more.
  TRY_VOID(
      opened->Execute("PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; "
                      "PRAGMA foreign_keys=ON;"));
  return opened;
}

Status Sqlite::Execute(const std::string& sql) {
  if (sqlite3_exec(database_, sql.c_str(), nullptr, nullptr, nullptr) == SQLITE_OK) {
    return OkStatus();
  }
  return Failed(database_);
}

}  // namespace mms::sandbox
