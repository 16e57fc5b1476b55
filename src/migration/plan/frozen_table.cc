#include "migration/plan/frozen_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/lower_ascii.h"
#include "base/sha256.h"

namespace mms::migration {
namespace {

using nlohmann::ordered_json;

std::string ColumnText(const ColumnPlan& column, std::string_view mark) {
  const std::string source = column.origin == Origin::kNull
                                 ? "NULL"
                                 : fmt::format("{} {}", column.source_name, column.source_type);
  return fmt::format("{}{} -> {} {}{}", mark, source, column.target.name,
                     maxcompute::ToText(column.target.type),
                     column.target.nullable ? "" : " NOT NULL");
}

std::string VersionText(const std::optional<int64_t>& version) {
  return version ? fmt::format("version {}", *version) : "no version";
}

/// The first column that is not the same.
std::string ColumnDifference(const FrozenTable& frozen, const FrozenTable& now) {
  const auto text = [](const FrozenTable& table, size_t i) {
    return i < table.columns.size() ? fmt::format("\"{}\"", table.columns[i]) : "none";
  };
  const size_t count = std::max(frozen.columns.size(), now.columns.size());
  for (size_t i = 0; i < count; ++i) {
    if (text(frozen, i) == text(now, i)) continue;
    return fmt::format("column {} is {}, the plan has {}", i + 1, text(now, i), text(frozen, i));
  }
  return "";
}

std::string TargetDifference(const FrozenTable& frozen, const FrozenTable& now) {
  if (frozen.target_id == now.target_id) return "";
  if (frozen.target_id.empty()) return "its target table is there now, and was not";
  if (now.target_id.empty()) return "its target table is no longer there";
  return "its target table has other columns than it had";
}

}  // namespace

FrozenTable FreezeTable(const TablePlan& plan) {
  FrozenTable table;
  table.source_name = plan.source_name;
  if (plan.version != kNoVersion) table.version = plan.version;
  table.table_id = plan.table_id;
  table.target_table = plan.target_table;
  table.kind = KindText(plan.settings.kind);
  table.choices = plan.choices;
  table.target_id = plan.target_id;
  for (const ColumnPlan& column : plan.columns) table.columns.push_back(ColumnText(column, ""));
  for (const ColumnPlan& column : plan.partition_columns) {
    table.columns.push_back(ColumnText(column, "partition "));
  }
  return table;
}

std::string TargetId(const std::optional<maxcompute::TableInfo>& at_target) {
  if (!at_target) return "";
  Sha256 hash;
  const auto add = [&](std::string_view text) {
    hash.Update(text);
    hash.Update(std::string_view("\0", 1));
  };
  add(LowerAscii(at_target->name));
  add(at_target->type);
  for (const auto* columns : {&at_target->schema.columns, &at_target->schema.partition_columns}) {
    for (const maxcompute::Column& column : *columns) {
      add(LowerAscii(column.name));
      add(LowerAscii(maxcompute::ToText(column.type)));
      add(column.nullable ? "null" : "not null");
    }
    add("");
  }
  return hash.Finish();
}

std::vector<std::string> Differences(const FrozenTable& frozen, const FrozenTable& now,
                                     bool begun) {
  std::vector<std::string> lines;
  const auto add = [&](bool differs, std::string line) {
    if (differs) lines.push_back(std::move(line));
  };
  add(frozen.table_id != now.table_id,
      frozen.version
          ? fmt::format("it is another table of that name (its id is {}, the plan has {})",
                        now.table_id, frozen.table_id)
          : "its files or its columns in the catalog are others");
  add(frozen.version != now.version,
      fmt::format("it is at {}, the plan has {}", VersionText(now.version),
                  VersionText(frozen.version)));
  add(frozen.target_table != now.target_table,
      fmt::format("it would go into {}, by the plan into {}", now.target_table,
                  frozen.target_table));
  add(frozen.kind != now.kind,
      fmt::format("its kind is {}, the plan has {}", now.kind, frozen.kind));
  add(frozen.choices != now.choices, "the migration file's policy or the table's settings differ");
  const std::string column = ColumnDifference(frozen, now);
  add(!column.empty(), column);
  add(frozen.units != now.units,
      fmt::format("it has {} partitions, the plan has {}", now.units, frozen.units));
  add(frozen.units == now.units && frozen.units_digest != now.units_digest,
      "partitions, or the files in them, are others");
  add(now.units_committed < frozen.units_committed,
      fmt::format(
          "{} of its partitions are copied by this state folder, {} were when it was planned",
          now.units_committed, frozen.units_committed));
  add(frozen.appends != now.appends,
      now.appends ? "new rows would be appended, by the plan all is copied"
                  : "all would be copied, by the plan new rows are appended");
  const bool others = frozen.dropped == now.dropped && frozen.dropped_digest != now.dropped_digest;
  add(!begun && frozen.dropped != now.dropped,
      fmt::format("{} partitions at the target would be dropped, by the plan {}", now.dropped,
                  frozen.dropped));
  add(!begun && others, "other partitions at the target would be dropped");
  add(begun && now.dropped > frozen.dropped,
      fmt::format("{} partitions are still to be dropped, by the plan {} in all", now.dropped,
                  frozen.dropped));
  const std::string target = begun ? "" : TargetDifference(frozen, now);
  add(!target.empty(), target);
  return lines;
}

ordered_json ToJson(const FrozenTable& table) {
  return {{"source", table.source_name},
          {"version", table.version ? ordered_json(*table.version) : ordered_json(nullptr)},
          {"table_id", table.table_id},
          {"target_table", table.target_table},
          {"kind", table.kind},
          {"choices", table.choices},
          {"target_id",
           table.target_id.empty() ? ordered_json(nullptr) : ordered_json(table.target_id)},
          {"columns", table.columns},
          {"units", table.units},
          {"units_digest", table.units_digest},
          {"units_committed", table.units_committed},
          {"appends", table.appends},
          {"dropped", table.dropped},
          {"dropped_digest", table.dropped_digest}};
}

FrozenTable FrozenTableFromJson(const ordered_json& document) {
  FrozenTable table;
  document.at("source").get_to(table.source_name);
  if (!document.at("version").is_null()) table.version = document["version"].get<int64_t>();
  document.at("table_id").get_to(table.table_id);
  document.at("target_table").get_to(table.target_table);
  document.at("kind").get_to(table.kind);
  document.at("choices").get_to(table.choices);
  if (!document.at("target_id").is_null()) document["target_id"].get_to(table.target_id);
  document.at("columns").get_to(table.columns);
  document.at("units").get_to(table.units);
  document.at("units_digest").get_to(table.units_digest);
  document.at("units_committed").get_to(table.units_committed);
  document.at("appends").get_to(table.appends);
  document.at("dropped").get_to(table.dropped);
  document.at("dropped_digest").get_to(table.dropped_digest);
  return table;
}

}  // namespace mms::migration
