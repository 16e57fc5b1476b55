// Which of the catalog's tables the user wants: the include and exclude patterns of `tables:`,
// within what the source's white- and blacklists leave. Pure.
#pragma once

#include <mutex>
#include <string>
#include <vector>

#include "base/result.h"
#include "migration/inspect/inspect.h"

namespace mms::migration {

/// True when the pattern may match a table of the schema: whether the schema need be listed at all.
bool MatchesSchema(const std::string& pattern, const std::string& schema);

/// Keeps which includes have found something. Thread-safe.
class Selection {
 public:
  /// Both outlive the Selection; choices with a location are passed over.
  Selection(const std::vector<TableChoice>& choices, const SourceFilter& filter);

  bool WantsSchema(const std::string& schema) const;
  /// The first entry that takes the table; nullptr when none does.
  const TableChoice* ChoiceOf(const std::string& schema, const std::string& table);
  /// kNotFound TABLES_NOT_FOUND naming the includes that matched nothing.
  Status CheckAllFound(const std::string& catalog);

 private:
  const std::vector<TableChoice>& choices_;
  const SourceFilter& filter_;
  std::mutex mutex_;
  std::vector<bool> found_;  // guarded by mutex_
};

}  // namespace mms::migration
