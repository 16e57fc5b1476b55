#include "migration/plan/table_kind.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "migration/plan/names.h"

namespace mms::migration {
namespace {

constexpr std::string_view kStagingSuffix = "__mms_stage";
constexpr int kStagingLifecycleDays = 7;  // longer than any load; the run itself drops it

Error Wrong(std::string message) {
  return Error(ErrorKind::kInvalidInput, "TABLE_SETTINGS", std::move(message));
}

/// The data column of this source or target name.
Result<ColumnPlan*> FindColumn(TablePlan* plan, std::string_view setting, const std::string& name) {
  for (ColumnPlan& column : plan->columns) {
    const bool same_source = LowerAscii(column.source_name) == LowerAscii(name);
    if (same_source || column.target.name == LowerAscii(name)) return &column;
  }
  const auto same = [&](const ColumnPlan& column) {
    return LowerAscii(column.source_name) == LowerAscii(name) ||
           column.target.name == LowerAscii(name);
  };
  const auto& partitions = plan->partition_columns;
  if (std::any_of(partitions.begin(), partitions.end(), same)) {
    return Wrong(
        fmt::format("{} names {}, which is a partition column: leave it out there", setting, name));
  }
  return Wrong(fmt::format("{} names {}, which is no column of the table", setting, name));
}

Status TakeNames(TablePlan* plan, std::string_view setting, std::vector<std::string>* names) {
  for (std::string& name : *names) {
    TRY(const ColumnPlan* column, FindColumn(plan, setting, name));
    name = column->target.name;
  }
  return OkStatus();
}

Status SettleKey(TablePlan* plan) {
  TableSettings& settings = plan->settings;
  if (settings.kind != TableKind::kPkDelta) {
    if (settings.primary_key.empty()) return OkStatus();
    return Wrong(
        fmt::format("primary_key is given, but the table's kind is {}; write kind: pk_delta",
                    KindText(settings.kind)));
  }
  if (settings.primary_key.empty()) {
    return Wrong("kind is pk_delta and no primary_key is given; add primary_key: [column, ...]");
  }
  if (!settings.cluster.by.empty() || settings.cluster.range) {
    return Wrong("a pk_delta table is clustered by its key; of `cluster` it takes only buckets");
  }
  for (std::string& name : settings.primary_key) {
    TRY(ColumnPlan * column, FindColumn(plan, "primary_key", name));
    if (!column->target.type.arguments.empty()) {
      return Wrong(fmt::format("primary_key names {} of type {}; a key takes plain types", name,
                               column->source_type));
    }
    column->target.nullable = false;
    name = column->target.name;
  }
  const std::string staging = StagingTable(*plan);
  if (staging.size() <= kNameMaxBytes) return OkStatus();
  return Error(
      ErrorKind::kUnsupported, "NAME_INVALID",
      fmt::format("its staging table {} would have a name of {} bytes, MaxCompute takes {}; "
                  "name the table shorter with `as`",
                  staging, staging.size(), kNameMaxBytes));
}

Status SettleClustering(TablePlan* plan) {
  Clustering& cluster = plan->settings.cluster;
  TRY_VOID(TakeNames(plan, "cluster.by", &cluster.by));
  TRY_VOID(TakeNames(plan, "cluster.sort", &cluster.sort));
  const bool pk = plan->settings.kind == TableKind::kPkDelta;
  const bool nothing = cluster.sort.empty() && !cluster.range && (cluster.buckets == 0 || pk);
  if (cluster.by.empty() && !nothing) return Wrong("cluster has no `by`; add by: [column, ...]");
  if (!cluster.by.empty() && !cluster.range && cluster.buckets == 0) {
    return Wrong("cluster has no `buckets`, which hash clustering needs; add buckets: 64");
  }
  return OkStatus();
}

/// A table of another kind takes other loads than the plan's, or none.
Status CheckKind(const maxcompute::TableInfo& found, const TablePlan& plan) {
  if (found.type.empty() || found.type == "MANAGED_TABLE") return OkStatus();
  return Error(ErrorKind::kConflict, "TARGET_KIND_DIFFERS",
               fmt::format("it is there already as {}, needed is a {} table; drop it, or move the "
                           "table under another name with `as`",
                           found.type, KindText(plan.settings.kind)))
      .At("target table " + plan.target_table);
}

}  // namespace

std::string StagingTable(const TablePlan& plan) {
  if (plan.settings.kind != TableKind::kPkDelta) return "";
  return plan.target_table + std::string(kStagingSuffix);
}

TablePlan StagingPlan(const TablePlan& plan) {
  TablePlan staging = plan;
  staging.target_table = StagingTable(plan);
  staging.comment = "staging of " + plan.target_table + ", dropped when it is done";
  staging.settings = {};
  staging.settings.lifecycle_days = kStagingLifecycleDays;
  for (ColumnPlan& column : staging.columns) {
    column.target.nullable = true;  // NULL keys are looked for here
    column.target.comment.clear();
  }
  return staging;
}

Status SettleKind(const std::optional<maxcompute::TableInfo>& at_target, TablePlan* plan) {
  if (at_target) TRY_VOID(CheckKind(*at_target, *plan));
  TRY_VOID(SettleKey(plan));
  return SettleClustering(plan);
}

}  // namespace mms::migration
