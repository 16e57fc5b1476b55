#include "service/job_order.h"

#include <utility>

namespace mms::service {
namespace {

migration::VerifyLevel LevelOf(VerificationMethod method) {
  switch (method) {
    case VerificationMethod::kChecksum: return migration::VerifyLevel::kChecksum;
    case VerificationMethod::kCount: return migration::VerifyLevel::kCount;
    case VerificationMethod::kCountBoth: return migration::VerifyLevel::kCountBoth;
  }
  return migration::VerifyLevel::kChecksum;
}

}  // namespace

Result<migration::VerifyLevel> VerifyLevelOf(const JobConfig& config, bool compare_alone) {
  TRY(const VerificationMethod method, MethodOf(config, compare_alone));
  return config.verification || compare_alone ? LevelOf(method) : migration::VerifyLevel::kNone;
}

Result<migration::PartitionSelection> SelectionOf(const JobTask& task, const JobConfig& config,
                                                  const std::string& id) {
  migration::PartitionSelection selection;
  selection.id = id;
  selection.planning_task = task.id;
  selection.definition_only = !config.data_migration;
  selection.all_again = !config.increment;
  TRY(selection.adds_columns, AddsColumns(config));
  if (MeansWholeTables(config)) {
    selection.dropped_task = task.id;
    TRY(selection.on_dropped, DroppedOf(config));
  }
  if (task.whole_table || task.compare_alone) selection.whole_task = task.id;
  return selection;
}

Result<migration::JobTaskOrder> OrderOf(
    const JobTask& task, const JobConfig& config,
    std::shared_ptr<const migration::PartitionSelection> selection) {
  migration::JobTaskOrder order;
  order.task = task.id;
  order.schema = task.src_db;
  order.table = task.src_table;
  TRY(order.views, WantsViews(config));
  order.column_names = config.column_mapping;
  TRY(order.partition_levels, LevelsOf(config));
  for (const auto& [source, target] : config.table_mapping) {
    if (!NamesTable(source, task.src_db, task.src_table)) continue;
    order.target_as = target;  // as the choice of the job has it: the first
    break;
  }
  order.selection = std::move(selection);
  order.plan_anew = task.retried > 0 && task.attempts <= 1;
  order.make_table = config.schema_migration;
  order.copy = config.data_migration;
  order.compare_alone = task.compare_alone;
  TRY(order.verify, VerifyLevelOf(config, task.compare_alone));
  return order;
}

}  // namespace mms::service
