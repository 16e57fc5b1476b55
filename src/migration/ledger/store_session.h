// What store.cc and store_write.cc share: the connection and the border where SOCI's exceptions
// become errors. Included by those two only, since SOCI's headers are slow to compile. SOCI
// includes sqlite3.h inside namespace sqlite_api, so SQLite's own functions are called through that
// name.
#pragma once

#include <exception>
#include <memory>
#include <string>

#include "migration/ledger/store.h"
#include "soci/soci.h"
#include "soci/sqlite3/soci-sqlite3.h"

namespace mms::migration {

/// Prepared transitions with the variables they are bound to (store_write.cc).
struct Transitions;

struct Store::State {
  std::string file;
  soci::session sql;
  /// A report may read what an older release wrote, and does not migrate it.
  bool has_changes = true;
  std::unique_ptr<Transitions> transitions;

  State();
  ~State();
};

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

}  // namespace mms::migration
