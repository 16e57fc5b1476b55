#include "migration/inspect/reading_choice.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>

namespace mms::migration {
namespace {

/// The refusal, with what else the user can do.
void AddWayOut(std::string_view way, SourceTable* source) {
  const Error& refusal = *source->refusal;
  source->refusal =
      Error(refusal.kind(), refusal.code(), fmt::format("{}; or {}", refusal.message(), way))
          .At(refusal.where());
}

}  // namespace

void ChooseReading(const databricks::Table& table, const ReadingChoice& choice,
                   SourceTable* source) {
  // Nobody reads what may only be browsed, and a metric view's columns are no columns.
  if (table.browse_only || table.table_type == "METRIC_VIEW") return;
  if (!source->refusal && !choice.everything) return;
  if (table.table_type == "VIEW" && !choice.views) {
    return AddWayOut(
        "ask for its rows, which are read by SQL: with `views: true` in its entry of tables, of a "
        "job with --views",
        source);
  }
  if (!choice.sql) {
    return AddWayOut(
        "set source.cluster or source.warehouse (of a data source db.cluster.id or "
        "db.warehouse.id), and it is read by SQL",
        source);
  }
  source->refusal.reset();
  source->by_sql = true;
  if (table.row_filtered) {
    source->warnings.push_back(
        "it has a row filter: the rows that the token's user may see are copied, and no others");
  }
  const bool masked = std::any_of(table.columns.begin(), table.columns.end(),
                                  [](const databricks::Column& column) { return column.masked; });
  if (masked) {
    source->warnings.push_back(
        "it has a column mask: values are copied as the token's user sees them");
  }
}

}  // namespace mms::migration
