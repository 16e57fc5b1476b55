// What the token's user may do in Unity Catalog, right by right, with the GRANT that is missing.
// The five rights are those that MaxCompute Migration Service asks for: USE CATALOG, USE SCHEMA,
// SELECT, BROWSE, EXECUTE.
//
// A right counts as held when the user owns the object or what it lies in, when he or a group of
// his was granted it or ALL PRIVILEGES there or above, or, where the server does not tell grants,
// when a table could be read that needs it. It counts as missing when the server told all grants.
// All else is unknown, never granted. BROWSE and EXECUTE are needed by none of our reading: where
// they are missing that is a warning.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "clients/databricks/grants.h"
#include "migration/workflow/check_steps.h"

namespace mms::migration {

/// A chosen table, as listed.
struct ListedTable {
  std::string schema;
  std::string name;
  std::string owner;
  bool browse_only = false;
};

struct RightsQuestion {
  databricks::Identity identity;
  std::string catalog;
  std::string catalog_owner;
  std::map<std::string, std::string> schema_owners;  ///< of the wanted schemas, by name
  std::vector<ListedTable> tables;

  /// All grants on an object, or those of the user that he may see.
  std::function<Result<databricks::Grants>(const databricks::Securable&)> fetch_grants;
  /// True when the table could be read, so that the rights to do so are there; false when it was
  /// refused or could only be browsed.
  std::function<Result<bool>(const ListedTable&)> read_table;
};

/// One step a right.
void CheckRights(const RightsQuestion& question, CheckSteps& steps);

}  // namespace mms::migration
