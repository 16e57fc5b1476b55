// One unit's way to `committed`: session, blocks, commit; and from wherever an earlier process left
// it.
//
// Threads: blocks its thread for as long as the load takes; many run side by side. Exactly once,
// because:
// - a load sends into a session of its own, made with `overwrite`, that nobody else knows; what an
//   earlier generation sent stays in a session that is never committed and expires;
// - a generation is gone on with in its own session, behind the blocks that the ledger has noted
//   and the session still has: a block is of pinned files, so one sent twice is the same;
// - a PK table's session is that of its staging table, and moving what it brought into the final
//   table overwrites one partition: done anew after a crash, it ends the same;
// - the session's id and all that was sent are on disk before the commit goes out, so after a crash
//   the session itself is asked whether it committed (Tunnel::Commit does that first), and the same
//   session is committed, never a second one;
// - what is appended to rows that are there (UnitPlan::base) goes into a session without overwrite,
//   made only while the target holds exactly those rows;
// - a new session is made only when the old one can no longer commit (gone, or its blocks are not
//   ours).
#pragma once

#include "base/result.h"
#include "migration/ledger/ledger.h"
#include "migration/workflow/engine.h"

namespace mms::migration {

/// Brings the unit to `committed`; `unit` then holds its new generation, rows and checksum. Errors:
/// kNotFound of a source file (IsSourceGone), kConflict APPEND_BASE_CHANGED (IsBaseGone), kCorrupt
/// ROWS_DIFFER, kInvalidInput KEY_DUPLICATE, KEY_NULL, kCancelled, and those of both sides after
/// their retries.
Status LoadUnit(const TableContext& table, UnitRecord& unit);

/// The pinned version's files are no longer there (VACUUM): only a newer version can be copied.
bool IsSourceGone(const Error& error);
/// The target does not hold what the load would append to: all has to be copied.
bool IsBaseGone(const Error& error);
Error BaseGone(const std::string& why);

}  // namespace mms::migration
