// SQLite under SOCI with its statements kept prepared: SOCI parses and plans a statement's text
// anew at each call, which was a third of what a small task cost the server. Here the statement of
// a text is reset when its call has ended, and serves the next call of that text
// (sqlite.org/c3ref/reset.html). Included by database.cc and its test only.
//
// A session and its statements belong to one thread at a time, as with SOCI's own.
#pragma once

#include "migration/ledger/database.h"

namespace mms::migration {

/// Statements that a connection keeps beside those in use: more than the texts of any state file,
/// so that only a text that is put together by its caller could ever push out another.
inline constexpr size_t kKeptStatementsMax = 256;

/// For soci::session::open, in place of soci::sqlite3 and with its options.
const soci::backend_factory& SqliteWithKeptStatements();

}  // namespace mms::migration
