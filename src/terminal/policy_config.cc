#include "terminal/policy_config.h"

#include <map>
#include <string>
#include <utility>

namespace mms::terminal {
namespace {

using migration::Policy;
using migration::TableKind;

constexpr int64_t kLevelsMax = 6;
constexpr int64_t kBucketsMax = 4096;
constexpr int64_t kLifecycleDaysMax = 37231;

const std::vector<std::string_view> kKinds = {"standard", "append_delta", "pk_delta"};

/// The words are in the order of the enumerators; the first one is the default.
template <class Enum>
Status ReadChoiceInto(const YamlMap& map, std::string_view key,
                      const std::vector<std::string_view>& words, Enum* out) {
  TRY(const size_t index, map.Choice(key, words, 0));
  *out = static_cast<Enum>(index);
  return OkStatus();
}

Result<bool> ReadSecondOf(const YamlMap& map, std::string_view key,
                          const std::vector<std::string_view>& words) {
  TRY(const size_t index, map.Choice(key, words, 0));
  return index == 1;
}

Result<migration::CharacterMap> ReadCharacters(const YamlMap& map, std::string_view key) {
  TRY(auto pairs, map.OrderedPairs(key));
  for (const auto& [from, to] : pairs) {
    if (!from.empty()) continue;
    return map.Fail("CONFIG_VALUE", key,
                    map.NameOf(key) +
                        " maps an empty text; it takes characters and what each becomes, for "
                        "example {\"/\": \"_\"}");
  }
  return pairs;
}

Status ReadMaps(const YamlMap& map, Policy* policy) {
  TRY(policy->partition_value_map, ReadCharacters(map, "partition_value_map"));
  TRY(policy->column_name_map, ReadCharacters(map, "column_name_map"));
  TRY(policy->table_name_map, ReadCharacters(map, "table_name_map"));
  return OkStatus();
}

Result<migration::Clustering> ReadClustering(const YamlMap& entry) {
  migration::Clustering out;
  TRY(const auto cluster, entry.Map("cluster", {"by", "sort", "buckets", "range"}));
  if (!cluster) return out;
  TRY(out.by, cluster->Texts("by"));
  TRY(out.sort, cluster->Texts("sort"));
  TRY(const int64_t buckets, cluster->Number("buckets", 0, {1, kBucketsMax}));
  TRY(out.range, ReadSecondOf(*cluster, "range", {"false", "true"}));
  out.buckets = static_cast<int>(buckets);
  return out;
}

}  // namespace

std::vector<std::string_view> PolicyKeys() {
  return {"table_kind",
          "on_kind_refused",
          "on_extra_column",
          "on_missing_column",
          "on_dropped_partition",
          "on_growth",
          "on_long_value",
          "on_bad_utf8",
          "on_timestamp_range",
          "decimal_scale",
          "varchar",
          "not_null",
          "max_partition_levels",
          "null_partition",
          "partition_value_map",
          "column_name_map",
          "table_name_map"};
}

Result<PolicyMap> ReadPolicyMap(const YamlMap& map) {
  PolicyMap out;
  Policy& policy = out.policy;
  TRY_VOID(ReadChoiceInto(map, "table_kind", kKinds, &out.kind));
  TRY(policy.standard_if_refused, ReadSecondOf(map, "on_kind_refused", {"stop", "standard"}));
  TRY_VOID(
      ReadChoiceInto(map, "on_extra_column", {"stop", "add", "ignore"}, &policy.on_extra_column));
  TRY_VOID(ReadChoiceInto(map, "on_missing_column", {"stop", "null"}, &policy.on_missing_column));
  TRY_VOID(ReadChoiceInto(map, "on_dropped_partition", {"report", "empty", "drop"},
                          &policy.on_dropped_partition));
  TRY_VOID(ReadChoiceInto(map, "on_growth", {"append", "rewrite"}, &policy.on_growth));
  TRY_VOID(ReadChoiceInto(map, "on_long_value", {"fail", "null", "truncate"},
                          &policy.values.on_long_value));
  TRY_VOID(
      ReadChoiceInto(map, "on_bad_utf8", {"fail", "null", "replace"}, &policy.values.on_bad_utf8));
  TRY_VOID(ReadChoiceInto(map, "on_timestamp_range", {"record", "fail", "null"},
                          &policy.values.on_timestamp_range));
  TRY(policy.extended_decimal, ReadSecondOf(map, "decimal_scale", {"string", "extended"}));
  TRY(policy.keep_varchar, ReadSecondOf(map, "varchar", {"string", "keep"}));
  TRY(policy.keep_not_null, ReadSecondOf(map, "not_null", {"drop", "keep"}));
  TRY(const int64_t levels, map.Number("max_partition_levels", 0, {0, kLevelsMax}));
  if (map.Has("max_partition_levels")) policy.max_partition_levels = static_cast<int>(levels);
  TRY(policy.null_partition, map.Text("null_partition"));
  TRY_VOID(ReadMaps(map, &policy));
  return out;
}

std::vector<std::string_view> TableSettingsKeys() {
  return {"kind", "primary_key", "cluster", "lifecycle", "properties", "partitions"};
}

Result<migration::TableSettings> ReadTableSettings(const YamlMap& entry, TableKind fallback) {
  migration::TableSettings settings;
  TRY(const size_t kind, entry.Choice("kind", kKinds, static_cast<size_t>(fallback)));
  settings.kind = static_cast<TableKind>(kind);
  TRY(settings.primary_key, entry.Texts("primary_key"));
  TRY(settings.cluster, ReadClustering(entry));
  TRY(const int64_t days, entry.Number("lifecycle", 0, {1, kLifecycleDaysMax}));
  settings.lifecycle_days = static_cast<int>(days);
  TRY(settings.properties, entry.Pairs("properties"));
  TRY(settings.partitions, entry.Text("partitions"));
  return settings;
}

}  // namespace mms::terminal
