// What of a Unity Catalog table can be read from its files at all. A view has none; files of a
// table with a row filter or a column mask would show what the user may not see. Such tables are
// refused by name with what to do; nothing is skipped silently. Pure.
//
// Source of the facts: Databricks REST reference, TableInfo (table_type, data_source_format,
// row_filter, columns[].mask, browse_only).
#pragma once

#include <optional>

#include "base/error.h"
#include "clients/databricks/unity_catalog.h"
#include "migration/inspect/snapshot.h"

namespace mms::migration {

/// Why the files of `table` cannot be read; nullopt = they can. kUnsupported
/// TABLE_KIND_UNSUPPORTED, TABLE_FORMAT_UNSUPPORTED, TABLE_ROW_FILTER, TABLE_COLUMN_MASK,
/// TABLE_LOCATION_MISSING; kDenied TABLE_BROWSE_ONLY.
std::optional<Error> RefusalOf(const databricks::Table& table);

/// The table as listed, with its refusal (also that of its location) when there is one.
SourceTable MakeSourceTable(const databricks::Table& table);

/// The table at a place that the user wrote; `as` = wanted target name, "" = the last folder's.
SourceTable MakeSourceTable(const std::string& location, const std::string& as);

}  // namespace mms::migration
