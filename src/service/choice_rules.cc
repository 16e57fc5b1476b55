#include "service/choice_rules.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <nlohmann/json.hpp>
#include <set>
#include <string>

#include "service/job_cost.h"

namespace mms::service {

using nlohmann::json;

namespace {

migration::CharacterMap MapOf(const SourceConfig& config, const char* key) {
  migration::CharacterMap map;
  // In the order in which the setting has them.
  const auto pairs = nlohmann::ordered_json::parse(config.Get(key));
  for (const auto& [from, to] : pairs.items()) map.emplace_back(from, to.get<std::string>());
  return map;
}

}  // namespace

Result<ChoiceRules> ChoiceRulesOf(const SourceConfig& source, const JobConfig& job) {
  static const std::set<std::string> kOwn = {"db.task.partition.max.num",
                                             "db.task.partition.max.size"};
  static const std::set<std::string> kJobsAlone = {
      "max_egress_gb",   "max_cost", "max_partition_level", "on_dropped_partition",
      "on_extra_column", "views",    "verification.method"};
  TRY_VOID(BudgetOf(job));
  TRY_VOID(MethodOf(job));
  TRY_VOID(DroppedOf(job));
  TRY_VOID(AddsColumns(job));
  TRY_VOID(WantsViews(job));
  json changes = json::object();
  for (const auto& [key, value] : job.others) {
    if (kJobsAlone.contains(key)) continue;
    if (!kOwn.contains(key)) {
      return Error(ErrorKind::kInvalidInput, "JOB_CONFIG",
                   fmt::format("others.{} is nothing that a job has of its own; it may have {}, {}",
                               key, fmt::join(kOwn, ", "), fmt::join(kJobsAlone, ", ")));
    }
    changes[key] = value;
  }
  TRY(const SourceConfig config, ApplyChanges(source, changes, true));
  ChoiceRules rules;
  TRY(rules.levels, LevelsOf(job));
  rules.size.partitions_max = std::stoll(config.Get("db.task.partition.max.num"));
  rules.size.gigabytes_max = std::stoll(config.Get("db.task.partition.max.size"));
  TRY(rules.filter, FilterOf(config));
  rules.policy.table_name_map = MapOf(config, "table.name.mapping");
  rules.policy.column_name_map = MapOf(config, "column.name.mapping");
  rules.policy.partition_value_map = MapOf(config, "partition.value.mapping");
  rules.policy.partition_zone = config.Get("legacy.partition.time.zone");
  return rules;
}

}  // namespace mms::service
