#include "migration/workflow/staged_unit.h"

#include <fmt/format.h>

#include <charconv>
#include <string>
#include <vector>

#include "migration/plan/staging_sql.h"
#include "migration/workflow/target_table.h"

namespace mms::migration {
namespace {

struct KeyCounts {
  int64_t rows = 0;
  int64_t repeated = 0;
  int64_t nulls = 0;
};

/// SUM over no rows is NULL.
Result<int64_t> Number(const std::optional<std::string>& text) {
  if (!text) return int64_t{0};
  int64_t number = 0;
  const auto parsed = std::from_chars(text->data(), text->data() + text->size(), number);
  if (parsed.ec == std::errc() && parsed.ptr == text->data() + text->size()) return number;
  return Error(ErrorKind::kCorrupt, "COUNT_UNREADABLE", "a count reads \"" + *text + "\"");
}

class StagedUnit {
 public:
  StagedUnit(const TableContext& table, const UnitPlan& unit)
      : table_(table), place_{table.load_name, table.target_name, unit.target_partition} {}

  Status Move(int64_t rows) {
    TRY(const KeyCounts counts, Count());
    if (counts.rows != rows) {
      return Error(ErrorKind::kConflict, "STAGING_GONE",
                   fmt::format("{} rows were staged and {} are there; they are loaded again", rows,
                               counts.rows))
          .At("staging table " + table_.load_name);
    }
    if (counts.nulls > 0) return KeyError(counts.nulls, true);
    if (counts.repeated > 0) return KeyError(counts.repeated, false);
    return RunDdl(table_, {MoveSql(table_.plan, place_), {}});
  }

 private:
  Result<maxcompute::SqlResult> Query(const std::string& sql) const {
    maxcompute::Client& client = *table_.engine->client;
    maxcompute::SqlOptions options;
    options.on_submitted = NoteInstance(table_);
    auto result = Retry(client.options().retry, [&] { return client.RunSql(sql, options); });
    if (!result) return std::move(result).error().At("staging table " + table_.load_name);
    return result;
  }

  Result<KeyCounts> Count() const {
    TRY(const maxcompute::SqlResult result, Query(KeyCountsSql(table_.plan, place_)));
    if (result.rows.size() != 1 || result.rows[0].size() != 3) {
      return Error(ErrorKind::kCorrupt, "COUNT_UNREADABLE", "the counts of keys are not one row")
          .At("staging table " + table_.load_name);
    }
    KeyCounts counts;
    TRY(counts.rows, Number(result.rows[0][0]));
    TRY(counts.repeated, Number(result.rows[0][1]));
    TRY(counts.nulls, Number(result.rows[0][2]));
    return counts;
  }

  /// "id=7, day=2024-01-01 (2 rows); ..."
  Result<std::string> Sample(bool nulls) const {
    TRY(const maxcompute::SqlResult result,
        Query(KeySampleSql(table_.plan, place_, {.nulls = nulls})));
    const std::vector<std::string>& names = table_.plan.settings.primary_key;
    std::string text;
    for (const auto& row : result.rows) {
      if (row.size() != names.size() + 1) continue;
      std::string key;
      for (size_t i = 0; i < names.size(); ++i) {
        key += fmt::format("{}{}={}", key.empty() ? "" : ", ", names[i], row[i].value_or("NULL"));
      }
      text +=
          fmt::format("{}{} ({} rows)", text.empty() ? "" : "; ", key, row.back().value_or("?"));
    }
    return text;
  }

  Error KeyError(int64_t count, bool nulls) const {
    auto sample = Sample(nulls);
    if (!sample) return std::move(sample).error();
    const std::string what =
        nulls ? fmt::format("{} rows have a NULL in their primary key", count)
              : fmt::format("{} keys stand in several rows, of which a PK table keeps one", count);
    return Error(
               ErrorKind::kInvalidInput, nulls ? "KEY_NULL" : "KEY_DUPLICATE",
               fmt::format("{}: {}. Nothing of it was written; mend the rows at the source, choose "
                           "another primary_key, or another kind",
                           what, *sample))
        .At("target table " + table_.target_name);
  }

  const TableContext& table_;
  StagedPartition place_;
};

}  // namespace

Status MoveStagedUnit(const TableContext& table, const UnitPlan& unit, int64_t rows) {
  return StagedUnit(table, unit).Move(rows);
}

bool IsKeyError(const Error& error) {
  return error.code() == "KEY_DUPLICATE" || error.code() == "KEY_NULL";
}

}  // namespace mms::migration
