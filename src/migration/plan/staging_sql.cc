#include "migration/plan/staging_sql.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <vector>

namespace mms::migration {
namespace {

using maxcompute::QuoteLiteral;
using maxcompute::QuoteName;

std::vector<std::string> QuotedKeys(const TablePlan& plan) {
  std::vector<std::string> keys;
  for (const std::string& name : plan.settings.primary_key) keys.push_back(QuoteName(name));
  return keys;
}

/// "`p`='v' AND `q`='w'"; "" for a table without partitions.
std::string Predicate(const StagedPartition& unit) {
  std::vector<std::string> terms;
  for (const auto& [name, value] : unit.partition) {
    terms.push_back(QuoteName(name) + "=" + QuoteLiteral(value));
  }
  return fmt::format("{}", fmt::join(terms, " AND "));
}

/// "`a` IS NULL OR `b` IS NULL".
std::string HasNull(const std::vector<std::string>& keys) {
  return fmt::format("{} IS NULL", fmt::join(keys, " IS NULL OR "));
}

std::string Where(const std::string& predicate) {
  return predicate.empty() ? "" : " WHERE " + predicate;
}

}  // namespace

std::string KeyCountsSql(const TablePlan& plan, const StagedPartition& unit) {
  const std::vector<std::string> keys = QuotedKeys(plan);
  const std::string null = HasNull(keys);
  return fmt::format(
      "SELECT SUM(rows_of_key) AS rows_staged, "
      "SUM(CASE WHEN rows_of_key > 1 AND key_is_null = 0 THEN 1 ELSE 0 END) AS keys_repeated, "
      "SUM(CASE WHEN key_is_null = 1 THEN rows_of_key ELSE 0 END) AS rows_without_key "
      "FROM (SELECT COUNT(*) AS rows_of_key, MAX(CASE WHEN {} THEN 1 ELSE 0 END) AS key_is_null "
      "FROM {}{} GROUP BY {}) keys_of_unit;",
      null, unit.staging, Where(Predicate(unit)), fmt::join(keys, ", "));
}

std::string KeySampleSql(const TablePlan& plan, const StagedPartition& unit, KeySample sample) {
  const std::vector<std::string> keys = QuotedKeys(plan);
  const std::string list = fmt::format("{}", fmt::join(keys, ", "));
  std::string condition = Predicate(unit);
  if (!condition.empty()) condition += " AND ";
  condition += fmt::format("{}({})", sample.nulls ? "" : "NOT ", HasNull(keys));
  return fmt::format(
      "SELECT {}, COUNT(*) AS rows_of_key FROM {} WHERE {} GROUP BY {}{} "
      "ORDER BY rows_of_key DESC LIMIT {};",
      list, unit.staging, condition, list, sample.nulls ? "" : " HAVING COUNT(*) > 1",
      sample.rows_max);
}

std::string MoveSql(const TablePlan& plan, const StagedPartition& unit) {
  std::vector<std::string> columns;
  for (const ColumnPlan& column : plan.columns) columns.push_back(QuoteName(column.target.name));
  std::vector<std::string> levels;
  for (const auto& [name, value] : unit.partition) {
    levels.push_back(QuoteName(name) + "=" + QuoteLiteral(value));
  }
  const std::string partition =
      levels.empty() ? "" : fmt::format(" PARTITION ({})", fmt::join(levels, ", "));
  return fmt::format("INSERT OVERWRITE TABLE {}{} SELECT {} FROM {}{};", unit.target, partition,
                     fmt::join(columns, ", "), unit.staging, Where(Predicate(unit)));
}

}  // namespace mms::migration
