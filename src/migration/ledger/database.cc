#include "migration/ledger/database.h"

#include "migration/ledger/kept_statements.h"

namespace mms::migration {
namespace {

constexpr size_t kErrorTextMax = 300;
/// How long another process is waited for: a job of a million partitions is made in one
/// transaction.
const std::string kBusyS = "120";

/// SOCI runs only the first statement of a text, so scripts go to SQLite itself.
void RunScript(soci::session& sql, const char* script) {
  char* message = nullptr;
  const int code = sqlite_api::sqlite3_exec(Connection(sql), script, nullptr, nullptr, &message);
  if (code == SQLITE_OK) return;
  const std::string text = message != nullptr ? message : "";
  sqlite_api::sqlite3_free(message);
  throw soci::sqlite3_soci_error(text, code);
}

int SchemaVersion(soci::session& sql) {
  soci::indicator present = soci::i_null;
  int version = 0;
  sql << "SELECT MAX(version) FROM schema_version", soci::into(version, present);
  return present == soci::i_null ? 0 : version;
}

Status Migrate(soci::session& sql, const std::string& file,
               std::span<const char* const> migrations) {
  // All of it at once: a file that begins waits for the disk once.
  soci::transaction transaction(sql);
  RunScript(sql, "CREATE TABLE IF NOT EXISTS schema_version (version INTEGER NOT NULL)");
  const int version = SchemaVersion(sql);
  const int newest = static_cast<int>(migrations.size());
  if (version > newest) {
    return Error(ErrorKind::kUnsupported, "STATE_TOO_NEW",
                 "written by a later release of mms (schema " + std::to_string(version) +
                     ", this one knows " + std::to_string(newest) + "); use that release")
        .At("state file " + file);
  }
  for (int next = version + 1; next <= newest; ++next) {
    RunScript(sql, migrations[static_cast<size_t>(next - 1)]);
    sql << "INSERT INTO schema_version (version) VALUES (:version)", soci::use(next);
  }
  transaction.commit();
  return OkStatus();
}

/// A statement is planned once, without regard to what is bound to it: SQLite would otherwise plan
/// one with LIKE :pattern anew each time (sqlite.org/c3ref/c_dbconfig_defensive.html, QPSG).
void KeepPlans(soci::session& sql) {
  sqlite_api::sqlite3_db_config(Connection(sql), SQLITE_DBCONFIG_ENABLE_QPSG, 1, nullptr);
}

}  // namespace

Error ToError(const std::string& file, const std::exception& thrown) {
  const auto* error = dynamic_cast<const soci::sqlite3_soci_error*>(&thrown);
  const int code = error != nullptr ? error->result() & 0xff : SQLITE_ERROR;
  const std::string where = "state file " + file;
  // SOCI adds the statement and all it was bound to, plans included.
  const std::string text = std::string(thrown.what()).substr(0, kErrorTextMax);
  switch (code) {
    case SQLITE_FULL:
      return Error(ErrorKind::kLimitReached, "STATE_DISK_FULL",
                   "no space left; free some and run again, finished work is kept")
          .At(where);
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_AUTH:
    case SQLITE_CANTOPEN:
      return Error(ErrorKind::kDenied, "STATE_NOT_WRITABLE",
                   "cannot be opened or written; check the folder's owner and rights")
          .At(where);
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return Error(ErrorKind::kCorrupt, "STATE_CORRUPT",
                   "is damaged; restore it from a backup or begin with another state folder")
          .At(where);
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_IOERR:
      return Error(ErrorKind::kUnavailable, "STATE_IO", "reading or writing failed: " + text)
          .At(where);
    default:
      // Nothing of a state file is secret (its documents hold names, paths and counts).
      return Error(ErrorKind::kInternal, "STATE_SQL", text).At(where);
  }
}

WriteTransaction::~WriteTransaction() {
  if (committed_) return;
  try {
    sql_ << "ROLLBACK";
  } catch (const std::exception&) {
    // It ended with the error that is on its way already (sqlite.org/lang_transaction.html).
  }
}

Status OpenToWrite(soci::session& sql, const std::string& file, Durability durability,
                   std::span<const char* const> migrations) {
  sql.open(SqliteWithKeptStatements(), "db=\"" + file + "\" timeout=" + kBusyS);
  KeepPlans(sql);
  std::string journal;
  sql << "PRAGMA journal_mode=WAL", soci::into(journal);
  RunScript(sql, durability == Durability::kEachCommit ? "PRAGMA synchronous=FULL"
                                                       : "PRAGMA synchronous=NORMAL");
  RunScript(sql, "PRAGMA foreign_keys=ON");
  // A report may then be read by one who may not write to the folder.
  int keep = 1;
  sqlite_api::sqlite3_file_control(Connection(sql), nullptr, SQLITE_FCNTL_PERSIST_WAL, &keep);
  return Migrate(sql, file, migrations);
}

Result<int> OpenToRead(soci::session& sql, const std::string& file) {
  sql.open(SqliteWithKeptStatements(), "db=\"" + file + "\" timeout=" + kBusyS + " readonly=true");
  KeepPlans(sql);
  int tables = 0;
  sql << "SELECT COUNT(*) FROM sqlite_master WHERE name = 'schema_version'", soci::into(tables);
  const int version = tables == 0 ? 0 : SchemaVersion(sql);
  if (version > 0) return version;
  return Error(ErrorKind::kNotFound, "STATE_EMPTY",
               "holds nothing: the process that began it ended before it kept anything; run that "
               "command again")
      .At("state file " + file);
}

}  // namespace mms::migration
