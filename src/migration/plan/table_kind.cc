#include "migration/plan/table_kind.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <utility>

#include "base/lower_ascii.h"
#include "migration/plan/names.h"

namespace mms::migration {
namespace {

constexpr std::string_view kStagingSuffix = "__mms_stage";
constexpr std::string_view kAppendFormatVersion = "2";  // as ddl.cc asks for it
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
                  "name the table shorter with `as`, of a job by --as",
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

/// `change` makes the plan fit the table, as far as one can; "" = nothing does.
Error Differs(const TablePlan& plan, const std::string& is, const std::string& needed,
              const std::string& change) {
  const std::string remedy = change.empty() ? "" : change + ", ";
  return Error(ErrorKind::kConflict, "TARGET_KIND_DIFFERS",
               fmt::format("it is there already as {}, needed is {}; {}drop it, or move the table "
                           "under another name with `as`, of a job by --as",
                           is, needed, remedy))
      .At("target table " + plan.target_table);
}

std::string KeyText(const std::vector<std::string>& key) {
  return fmt::format("[{}]", fmt::join(key, ", "));
}

std::string PkText(const std::vector<std::string>& key) {
  return "a pk_delta table with primary_key " + KeyText(key);
}

/// A key is a set: in whatever order it was declared, it keeps the same rows apart.
bool SameKey(std::vector<std::string> left, std::vector<std::string> right) {
  std::sort(left.begin(), left.end());
  std::sort(right.begin(), right.end());
  return left == right;
}

Status CompareKey(const maxcompute::TableTraits& found, const TablePlan& plan) {
  if (!found.primary_key) return OkStatus();
  const std::vector<std::string>& wanted = plan.settings.primary_key;
  if (SameKey(*found.primary_key, wanted)) return OkStatus();
  const std::string needed =
      wanted.empty() ? fmt::format("a {} table", KindText(plan.settings.kind)) : PkText(wanted);
  if (found.primary_key->empty()) {
    return Differs(plan, "a table without a primary key", needed, "write kind: standard");
  }
  return Differs(plan, PkText(*found.primary_key), needed,
                 "write kind: pk_delta and primary_key: " + KeyText(*found.primary_key));
}

std::string ClusteringText(const std::vector<std::string>& by, bool range) {
  return fmt::format("{}clustered by {}", range ? "range " : "", KeyText(by));
}

Status CompareClustering(const maxcompute::TableTraits& found, const TablePlan& plan,
                         std::vector<std::string>* notes) {
  const Clustering& wanted = plan.settings.cluster;
  if (!found.clustering || wanted.by.empty()) return OkStatus();
  const std::string needed = "one " + ClusteringText(wanted.by, wanted.range);
  if (found.clustering->by.empty()) {
    return Differs(plan, "a table that is not clustered", needed, "leave cluster out");
  }
  if (found.clustering->by != wanted.by || found.clustering->range != wanted.range) {
    const std::string is = ClusteringText(found.clustering->by, found.clustering->range);
    return Differs(plan, "a table " + is, needed, "write the same cluster");
  }
  const int64_t buckets = found.clustering->buckets;
  if (buckets != 0 && wanted.buckets != 0 && buckets != wanted.buckets) {
    notes->push_back(fmt::format("the table that is there has {} buckets, not {}; it keeps them",
                                 buckets, wanted.buckets));
  }
  return OkStatus();
}

/// Both are loaded alike; only what the user gets differs.
void CompareFormat(const maxcompute::TableTraits& found, const TablePlan& plan,
                   std::vector<std::string>* notes) {
  if (!found.format_version || plan.settings.kind == TableKind::kPkDelta) return;
  const bool wanted = plan.settings.kind == TableKind::kAppendDelta;
  const bool is = *found.format_version == kAppendFormatVersion;
  if (wanted == is) return;
  notes->push_back(fmt::format("the table that is there is of the kind {}, not {}; it stays so",
                               KindText(is ? TableKind::kAppendDelta : TableKind::kStandard),
                               KindText(plan.settings.kind)));
}

}  // namespace

Result<std::vector<std::string>> CompareKind(const maxcompute::TableInfo& found,
                                             const TablePlan& plan) {
  if (!found.type.empty() && found.type != "MANAGED_TABLE") {
    return Differs(plan, found.type, fmt::format("a {} table", KindText(plan.settings.kind)), "");
  }
  std::vector<std::string> notes;
  TRY_VOID(CompareKey(found.traits, plan));
  TRY_VOID(CompareClustering(found.traits, plan, &notes));
  CompareFormat(found.traits, plan, &notes);
  return notes;
}

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
  TRY_VOID(SettleKey(plan));
  TRY_VOID(SettleClustering(plan));
  if (!at_target) return OkStatus();
  TRY(const std::vector<std::string> notes, CompareKind(*at_target, *plan));
  plan->warnings.insert(plan->warnings.end(), notes.begin(), notes.end());
  return OkStatus();
}

}  // namespace mms::migration
