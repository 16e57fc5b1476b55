// Reads what a table is by SQL: columns from the catalog, version and partitions with their rows
// from a cluster or a warehouse. For tables whose rows are read by SQL too.
#pragma once

#include <cstdint>
#include <optional>

#include "base/result.h"
#include "clients/databricks/unity_catalog.h"
#include "migration/inspect/snapshot.h"
#include "migration/inspect/sql_access.h"

namespace mms::migration {

/// A Delta table is pinned to `version`, or to its newest one; one with a row filter or a column
/// mask, which forbid it, and everything that has no versions, is not. Each partition stands in
/// `files` as one without a size. Errors: those of the catalog and of SqlAccess; those of
/// ReadCatalogSchema.
Result<Snapshot> InspectBySql(databricks::UnityCatalog& catalog, SqlAccess& sql,
                              const SourceTable& source, std::optional<int64_t> version);

}  // namespace mms::migration
