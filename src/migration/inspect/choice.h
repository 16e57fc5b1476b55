// Which of the catalog's tables the user wants: the include and exclude patterns of `tables:`.
// Pure.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "migration/inspect/inspect.h"

namespace mms::migration {

/// True when the pattern may match a table of the schema: whether the schema need be listed at all.
bool MatchesSchema(const std::string& pattern, const std::string& schema);

/// Keeps which includes have found something. One thread.
class Selection {
 public:
  /// `choices` outlives the Selection; those with a location are passed over.
  explicit Selection(const std::vector<TableChoice>& choices);

  bool WantsSchema(const std::string& schema) const;
  /// The first entry that takes the table; nullptr when none does.
  const TableChoice* ChoiceOf(const std::string& schema, const std::string& table);
  /// kNotFound TABLES_NOT_FOUND naming the includes that matched nothing.
  Status CheckAllFound(const std::string& catalog) const;

 private:
  const std::vector<TableChoice>& choices_;
  std::vector<bool> found_;
};

}  // namespace mms::migration
