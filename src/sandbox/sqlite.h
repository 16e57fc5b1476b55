// The little of SQLite's C API the catalog uses, with errors as values.
// One thread at a time per Database (the catalog holds a mutex). Errors: kInternal
// InternalServerError.
#pragma once

#include <sqlite3.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"

namespace mms::sandbox {

/// A prepared statement. Binds by position from 1; text is copied.
class SqliteStatement {
 public:
  SqliteStatement(sqlite3* database, std::string_view sql);
  ~SqliteStatement() { sqlite3_finalize(statement_); }
  SqliteStatement(const SqliteStatement&) = delete;
  SqliteStatement& operator=(const SqliteStatement&) = delete;

  /// Binds the next parameter.
  SqliteStatement& Bind(std::string_view text);
  SqliteStatement& Bind(int64_t number);

  /// True = a row is there; false = done.
  Result<bool> Step();
  /// Steps a statement without rows to its end and makes it ready for the next binds.
  Status Run();

  std::string Text(int column) const;
  int64_t Number(int column) const { return sqlite3_column_int64(statement_, column); }

 private:
  sqlite3* database_;
  sqlite3_stmt* statement_ = nullptr;
  int next_ = 1;
};

class Sqlite {
 public:
  static Result<std::unique_ptr<Sqlite>> Open(const std::string& path);
  ~Sqlite() { sqlite3_close(database_); }
  Sqlite(const Sqlite&) = delete;
  Sqlite& operator=(const Sqlite&) = delete;

  Status Execute(const std::string& sql);
  SqliteStatement Prepare(std::string_view sql) { return SqliteStatement(database_, sql); }
  int64_t last_id() const { return sqlite3_last_insert_rowid(database_); }
  int changes() const { return sqlite3_changes(database_); }

  /// Runs `work` (returning Status) inside one transaction; an error rolls back.
  template <class Work>
  Status InTransaction(Work work) {
    TRY_VOID(Execute("BEGIN IMMEDIATE"));
    Status status = work();
    if (status) status = Execute("COMMIT");
    if (!status) (void)Execute("ROLLBACK");  // the first error is the one to report
    return status;
  }

 private:
  explicit Sqlite(sqlite3* database) : database_(database) {}
  sqlite3* database_;
};

}  // namespace mms::sandbox
