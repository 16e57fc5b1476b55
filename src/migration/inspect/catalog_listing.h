// The chosen tables of a catalog, schema by schema. Schemas are listed side by side and handed on
// in the catalog's order, so that the outcome does not depend on which answer came first.
#pragma once

#include <functional>
#include <string>

#include "base/result.h"
#include "clients/databricks/unity_catalog.h"
#include "migration/inspect/choice.h"

namespace mms::migration {

struct ChosenListing {
  databricks::UnityCatalog& catalog;
  Selection& selection;
  std::string catalog_name;
  int schemas_at_once = 1;  ///< also how many schemas' tables are held in memory at most
};

/// Calls `visit` in the caller's thread, in schema and page order, once for each table. A schema
/// that is dropped meanwhile has no tables. Errors: the first one in that order, after the tables
/// before it; `visit`'s.
Status ListChosen(const ChosenListing& listing,
                  const std::function<Status(databricks::Table, const TableChoice&)>& visit);

}  // namespace mms::migration
