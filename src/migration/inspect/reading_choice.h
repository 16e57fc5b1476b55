// Whether a listed table is read from its files or by SQL, by what the user set and what the table
// is. Pure.
//
// Files win where they can be read. By SQL go, where a cluster, a warehouse or a JDBC URL is set:
// every table when the user wants JDBC; tables whose files must not or cannot be read; views when
// they are asked for by name.
#pragma once

#include "clients/databricks/unity_catalog.h"
#include "migration/inspect/snapshot.h"

namespace mms::migration {

struct ReadingChoice {
  bool sql = false;         ///< SQL can be run
  bool everything = false;  ///< all tables are wanted by SQL
  bool views = false;       ///< asked for in the entry of `tables:`
};

/// Turns `source`'s refusal into reading by SQL, or names that way out in it.
void ChooseReading(const databricks::Table& table, const ReadingChoice& choice,
                   SourceTable* source);

}  // namespace mms::migration
