// How a state file is opened and migrated, and the border where SOCI's exceptions become errors.
// Included by the .cc files that write SQL only, since SOCI's headers are slow to compile. SOCI
// includes sqlite3.h inside namespace sqlite_api, so SQLite's own functions are called through that
// name.
//
// Errors of all calls: kLimitReached STATE_DISK_FULL, kDenied STATE_NOT_WRITABLE, kCorrupt
// STATE_CORRUPT, kUnavailable STATE_IO, kInternal STATE_SQL, each naming the file. SQLite facts:
// sqlite.org/wal.html, sqlite.org/pragma.html#pragma_synchronous.
#pragma once

#include <exception>
#include <optional>
#include <span>
#include <string>

#include "base/result.h"
#include "soci/soci.h"
#include "soci/sqlite3/soci-sqlite3.h"

namespace mms::migration {

/// SQLite's handle of a session.
inline sqlite_api::sqlite3* Connection(soci::session& sql) {
  return static_cast<soci::sqlite3_session_backend*>(sql.get_backend())->conn_;
}

/// The Error for whatever SOCI threw.
Error ToError(const std::string& file, const std::exception& thrown);

/// Runs `call`, which returns a Result, and turns what it throws into an Error.
template <class Call>
auto Guard(const std::string& file, Call&& call) -> decltype(call()) {
  try {
    return call();
  } catch (const std::exception& thrown) {
    return ToError(file, thrown);
  }
}

enum class Durability {
  kEachCommit,  ///< a commit returns after fsync
  kInOrder,     ///< a power cut may take the last commits, never one without those after it
};

/// Opens for one writer, in WAL mode, and brings the schema up to date: each of `migrations` is
/// applied once, in a transaction. Never change one that was released. Throws as SOCI does; errors:
/// kUnsupported STATE_TOO_NEW (written by a later release).
Status OpenToWrite(soci::session& sql, const std::string& file, Durability durability,
                   std::span<const char* const> migrations);
/// Opens without writing. Returns the schema's version. Throws as SOCI does; errors: kNotFound
/// STATE_EMPTY (its first process ended before the schema was there).
Result<int> OpenToRead(soci::session& sql, const std::string& file);

/// A transaction that writes, from its begin: one that reads first, as SOCI's own does, fails at
/// its first write when another process has written meanwhile, instead of waiting for its turn
/// (sqlite.org/isolation.html). Rolled back unless committed. Throws as SOCI does.
class WriteTransaction {
 public:
  explicit WriteTransaction(soci::session& sql) : sql_(sql) { sql_ << "BEGIN IMMEDIATE"; }
  ~WriteTransaction();
  WriteTransaction(const WriteTransaction&) = delete;
  WriteTransaction& operator=(const WriteTransaction&) = delete;

  void Commit() {
    sql_ << "COMMIT";
    committed_ = true;
  }

 private:
  soci::session& sql_;
  bool committed_ = false;
};

inline std::optional<int64_t> Optional(long long value, soci::indicator indicator) {
  if (indicator == soci::i_null) return std::nullopt;
  return value;
}

}  // namespace mms::migration
