// The second half of loading a unit of a PK table: from the staging table, where its upload session
// has been committed, into the final one. Keys are looked at first: a key that several rows share,
// or one with a NULL, fails the unit before the final table is touched.
//
// Everything here may run twice: it reads the staging table and overwrites one partition. Threads:
// blocks its thread; many run side by side.
#pragma once

#include <cstdint>

#include "base/result.h"
#include "migration/plan/plan.h"
#include "migration/workflow/engine.h"

namespace mms::migration {

/// `rows`: what the session brought there. Errors: kInvalidInput KEY_DUPLICATE, KEY_NULL with
/// counts and sample keys; kConflict STAGING_GONE when the staged rows are no longer there: load
/// them again; those of SQL.
Status MoveStagedUnit(const TableContext& table, const UnitPlan& unit, int64_t rows);

/// The rows themselves are wrong: no later attempt of the same load can end otherwise.
bool IsKeyError(const Error& error);

}  // namespace mms::migration
