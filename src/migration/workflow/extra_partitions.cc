#include "migration/workflow/extra_partitions.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

namespace mms::migration {
namespace {

constexpr size_t kPageUnits = 1000;  // of one transaction

UnitRecord MadeAtTarget(const maxcompute::PartitionSpec& partition, std::string name,
                        int64_t task) {
  UnitPlan plan;
  plan.target_partition = partition;
  plan.rows = 0;
  plan.fingerprint = kFingerprintMade;
  UnitRecord unit;
  unit.difference = "partition " + name +
                    ": at the target, neither the source nor the plan has it: made there, or by an "
                    "earlier plan that never loaded it; it is left alone, so drop it there if "
                    "nobody needs it";
  unit.partition = std::move(name);
  unit.fingerprint = plan.fingerprint;
  unit.plan_json = ToJson(plan).dump();
  unit.task = task;
  return unit;
}

}  // namespace

uint64_t NameHash(std::string_view partition) {
  return XXH3_64bits(partition.data(), partition.size());
}

Status FindExtraPartitions(const TableContext& table, int64_t task) {
  const TablePlan& plan = table.plan;
  if (plan.partition_columns.empty() || !plan.not_loaded) return OkStatus();
  Ledger& ledger = *table.engine->ledger;
  std::unordered_map<std::string, int64_t> gone;  // until the list has them
  TRY_VOID(ledger.ListUnits(table.record.id, std::nullopt, [&](const UnitRecord& unit) -> Status {
    if (unit.verdict == Verdict::kExtra) gone.emplace(unit.partition, unit.id);
    return OkStatus();
  }));
  std::vector<UnitRecord> page;
  const auto add = [&]() -> Status {
    return page.empty() ? OkStatus() : ledger.AddExtra(table.record.id, std::exchange(page, {}));
  };
  const Status listed = table.engine->client->ListPartitions(
      plan.target_table, [&](const maxcompute::PartitionSpec& partition) -> Status {
        std::string name = PartitionName(partition);
        if (gone.erase(name) > 0) return OkStatus();
        const uint64_t hash = NameHash(name);
        if (std::binary_search(plan.not_loaded->begin(), plan.not_loaded->end(), hash)) {
          return OkStatus();
        }
        page.push_back(MadeAtTarget(partition, std::move(name), task));
        return page.size() < kPageUnits ? OkStatus() : add();
      });
  const bool no_table = !listed && listed.error().code() == "ODPS_TABLE_NOT_FOUND";
  if (!listed && !no_table) return listed;  // of a table that is gone nothing is extra
  TRY_VOID(add());
  for (const auto& [name, unit] : gone) TRY_VOID(ledger.RemoveUnit(unit));
  return OkStatus();
}

}  // namespace mms::migration
