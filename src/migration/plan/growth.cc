#include "migration/plan/growth.h"

#include <fmt/format.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

#include <algorithm>
#include <set>
#include <string>

namespace mms::migration {
namespace {

/// A file in one state: it never changes, but more of its rows may be deleted.
uint64_t FileHash(const FileSlice& slice) {
  std::string id = slice.path;
  if (slice.deletion_vector) {
    const delta::DeletionVector& vector = *slice.deletion_vector;
    id += '\0' + vector.storage_type + vector.path_or_inline + "@" +
          std::to_string(vector.offset.value_or(-1));
  }
  return XXH3_64bits(id.data(), id.size());
}

std::set<uint64_t> FilesOf(const UnitPlan& unit) {
  std::set<uint64_t> files;
  for (const Split& split : unit.splits) {
    for (const FileSlice& slice : split.slices) files.insert(FileHash(slice));
  }
  if (unit.base) files.insert(unit.base->files.begin(), unit.base->files.end());
  return files;
}

bool IsSameTable(const TablePlan& before, const TablePlan& plan) {
  const bool pinned = plan.format == kDeltaFormat && plan.version != kNoVersion && !plan.sql;
  const bool whole = plan.partition_columns.empty() && plan.units.size() == 1;
  return pinned && whole && !before.sql && plan.settings.kind == TableKind::kStandard &&
         before.settings.kind == TableKind::kStandard && before.table_id == plan.table_id &&
         before.version < plan.version && before.target_table == plan.target_table &&
         before.columns == plan.columns && before.left_out == plan.left_out &&
         before.values == plan.values && plan.at_target && plan.add_columns.empty() &&
         plan.taken_up.empty() && plan.settings.cluster.by.empty();
}

/// Leaves what lies in none of `files`.
void KeepOthers(const std::set<uint64_t>& files, UnitPlan* unit) {
  std::set<std::string> paths;
  unit->bytes = 0;
  for (Split& split : unit->splits) {
    std::erase_if(split.slices,
                  [&](const FileSlice& slice) { return files.contains(FileHash(slice)); });
    split.bytes = 0;
    for (const FileSlice& slice : split.slices) {
      split.bytes += slice.length;
      paths.insert(slice.path);
    }
    unit->bytes += split.bytes;
  }
  std::erase_if(unit->splits, [](const Split& split) { return split.slices.empty(); });
  unit->files = static_cast<int64_t>(paths.size());
}

}  // namespace

bool AppendGrowth(const TablePlan& before, const CopiedUnit& copied, TablePlan* plan) {
  if (!IsSameTable(before, *plan)) return false;
  UnitPlan& unit = plan->units.front();
  const std::set<uint64_t> there = FilesOf(copied.plan);
  const std::set<uint64_t> now = FilesOf(unit);
  const bool grown = now.size() > there.size() &&
                     std::includes(now.begin(), now.end(), there.begin(), there.end());
  if (there.empty() || !grown) return false;
  UnitPlan::Base base;
  base.files.assign(there.begin(), there.end());
  base.rows = copied.rows;
  base.checksum = copied.checksum;
  base.changes = copied.changes;
  KeepOthers(there, &unit);
  unit.base = std::move(base);
  plan->warnings.push_back(
      fmt::format("since version {} rows were only added: {} files are appended to the {} rows "
                  "that are there",
                  before.version, unit.files, copied.rows));
  return true;
}

}  // namespace mms::migration
