#include "migration/verify/target_columns.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <vector>

#include "base/lower_ascii.h"
#include "migration/plan/drift.h"

namespace mms::migration {
namespace {

using maxcompute::Column;

bool SameName(const Column& left, const Column& right) {
  return LowerAscii(left.name) == LowerAscii(right.name);
}

bool Has(const std::vector<Column>& columns, const Column& wanted) {
  return std::any_of(columns.begin(), columns.end(),
                     [&](const Column& column) { return SameName(column, wanted); });
}

Error Gone(const Column& column) {
  return Error(ErrorKind::kConflict, "TARGET_COLUMN_GONE",
               fmt::format("column {} is no longer at the target; add it again and copy the table "
                           "again",
                           column.name));
}

Error Other(const std::string& what) {
  return Error(ErrorKind::kUnsupported, "TARGET_COLUMN_OTHER",
               what + "; compare by count, or copy the table again");
}

}  // namespace

std::optional<Error> FindOtherColumns(const maxcompute::TableSchema& planned, size_t copied,
                                      const maxcompute::TableSchema& found) {
  const size_t count = std::min(copied, planned.columns.size());
  for (size_t i = 0; i < count; ++i) {
    const Column& wanted = planned.columns[i];
    if (Has(found.columns, wanted)) continue;
    const bool renamed = i < found.columns.size() && !Has(planned.columns, found.columns[i]);
    if (!renamed) return Gone(wanted);
  }
  for (size_t i = 0; i < count; ++i) {
    const Column& wanted = planned.columns[i];
    const bool moved = i >= found.columns.size() ||
                       (Has(found.columns, wanted) && !SameName(found.columns[i], wanted));
    if (moved) return Other(fmt::format("column {} stands elsewhere in the target", wanted.name));
    if (SameType(found.columns[i].type, wanted.type)) continue;
    return Other(fmt::format("column {} is {} at the target, and was {} when rows were copied",
                             wanted.name, maxcompute::ToText(found.columns[i].type),
                             maxcompute::ToText(wanted.type)));
  }
  return std::nullopt;
}

}  // namespace mms::migration
