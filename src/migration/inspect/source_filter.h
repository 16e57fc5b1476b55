// The white- and blacklists of a source: which schemas and tables of its catalog count at all,
// before `tables:` chooses among them. Pure.
//
// A whitelist that is empty takes everything; a blacklist takes away from what is left. Entries are
// exact names without case, `schema` in the lists of schemas, and `schema.table`, `table` or
// `*.table` (the latter two: in every schema) in those of tables. The schema information_schema is
// always out. These are the rules of MaxCompute Migration Service, but for a table that stands in
// both lists: there the whitelist wins, here the blacklist.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"

namespace mms::migration {

struct SourceFilter {
  std::vector<std::string> schema_whitelist;
  std::vector<std::string> schema_blacklist;
  std::vector<std::string> table_whitelist;
  std::vector<std::string> table_blacklist;

  bool Empty() const;
  bool TakesSchema(const std::string& schema) const;
  bool TakesTable(const std::string& schema, const std::string& table) const;
};

/// Names from a text with commas ("sales, hr") or several such texts; blanks around them are
/// dropped. Errors: kInvalidInput CONFIG_VALUE naming the entry: an empty one, a pattern, a name
/// with the catalog before it.
Result<std::vector<std::string>> ParseSchemaList(const std::vector<std::string>& texts);
Result<std::vector<std::string>> ParseTableList(const std::vector<std::string>& texts);

}  // namespace mms::migration
