#include "migration/plan/policy.h"

#include <fmt/format.h>

#include <array>
#include <nlohmann/json.hpp>

#define XXH_INLINE_ALL
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wconversion"
#include <xxhash.h>
#pragma GCC diagnostic pop

namespace mms::migration {
namespace {

using nlohmann::json;

struct ChangeWords {
  std::string_view name;
  std::string_view text;
};

/// In the order of Change.
constexpr std::array<ChangeWords, kChangeKinds> kChanges = {{
    {"cut", "cut to the length that fits (on_long_value: truncate)"},
    {"null_too_long", "too long, NULL instead (on_long_value: null)"},
    {"utf8_replaced", "bytes that are no UTF-8 became U+FFFD (on_bad_utf8: replace)"},
    {"null_bad_utf8", "not UTF-8, NULL instead (on_bad_utf8: null)"},
    {"null_timestamp_range",
     "outside 1677-09-21 to 2262-04-11, NULL instead (on_timestamp_range: null)"},
    {"null_date_range",
     "outside 0001-01-01 to 9999-12-31, NULL instead (on_timestamp_range: null)"},
}};

/// The order of two pairs may decide what becomes of a name.
json CharactersJson(const CharacterMap& map) {
  if (map.size() > 1) return map;
  json pairs = json::object();
  for (const auto& [from, to] : map) pairs[from] = to;
  return pairs;
}

template <class Enum>
Enum EnumAt(const json& document, const char* name) {
  return static_cast<Enum>(document.at(name).get<int>());
}

}  // namespace

std::string_view ChangeName(Change change) { return kChanges[static_cast<size_t>(change)].name; }
std::string_view ChangeText(Change change) { return kChanges[static_cast<size_t>(change)].text; }

std::optional<Change> ParseChange(std::string_view name) {
  for (size_t i = 0; i < kChanges.size(); ++i) {
    if (kChanges[i].name == name) return static_cast<Change>(i);
  }
  return std::nullopt;
}

json ToJson(const ValuePolicy& policy) {
  return {{"long_value", static_cast<int>(policy.on_long_value)},
          {"bad_utf8", static_cast<int>(policy.on_bad_utf8)},
          {"timestamp_range", static_cast<int>(policy.on_timestamp_range)}};
}

ValuePolicy ValuePolicyFromJson(const json& document) {
  ValuePolicy policy;
  policy.on_long_value = EnumAt<LongValue>(document, "long_value");
  policy.on_bad_utf8 = EnumAt<BadUtf8>(document, "bad_utf8");
  policy.on_timestamp_range = EnumAt<FarTimestamp>(document, "timestamp_range");
  return policy;
}

json ToJson(const TableSettings& settings) {
  json document = {{"kind", static_cast<int>(settings.kind)},
                   {"primary_key", settings.primary_key},
                   {"cluster",
                    {{"by", settings.cluster.by},
                     {"sort", settings.cluster.sort},
                     {"buckets", settings.cluster.buckets},
                     {"range", settings.cluster.range}}},
                   {"lifecycle_days", settings.lifecycle_days},
                   {"properties", settings.properties},
                   {"partitions", settings.partitions},
                   {"selection", settings.selection},
                   {"column_names", settings.column_names}};
  if (settings.partition_levels) document["partition_levels"] = *settings.partition_levels;
  return document;
}

TableSettings TableSettingsFromJson(const json& document) {
  TableSettings settings;
  settings.kind = EnumAt<TableKind>(document, "kind");
  document.at("primary_key").get_to(settings.primary_key);
  const json& cluster = document.at("cluster");
  cluster.at("by").get_to(settings.cluster.by);
  cluster.at("sort").get_to(settings.cluster.sort);
  cluster.at("buckets").get_to(settings.cluster.buckets);
  cluster.at("range").get_to(settings.cluster.range);
  document.at("lifecycle_days").get_to(settings.lifecycle_days);
  document.at("properties").get_to(settings.properties);
  settings.partitions = document.value("partitions", "");
  settings.selection = document.value("selection", "");
  settings.column_names = document.value("column_names", settings.column_names);
  if (document.contains("partition_levels")) {
    settings.partition_levels = document["partition_levels"].get<int>();
  }
  return settings;
}

std::string ChoicesId(const Policy& policy, const TableSettings& settings) {
  json document = {{"extra", static_cast<int>(policy.on_extra_column)},
                   {"missing", static_cast<int>(policy.on_missing_column)},
                   {"values", ToJson(policy.values)},
                   {"decimal", policy.extended_decimal},
                   {"varchar", policy.keep_varchar},
                   {"not_null", policy.keep_not_null},
                   {"fallback", policy.standard_if_refused},
                   {"levels", policy.max_partition_levels.value_or(0)},
                   {"null_partition", policy.null_partition},
                   {"value_map", CharactersJson(policy.partition_value_map)},
                   {"column_map", CharactersJson(policy.column_name_map)},
                   {"table_map", CharactersJson(policy.table_name_map)},
                   {"settings", ToJson(settings)}};
  if (policy.on_dropped_partition != DroppedPartition::kReport) {
    document["dropped"] = DroppedText(policy.on_dropped_partition);
  }
  // Apart: 0 above is that of a policy without.
  if (policy.max_partition_levels == 0) document["no_levels"] = true;
  if (!policy.partition_zone.empty()) document["partition_zone"] = policy.partition_zone;
  const std::string text = document.dump(-1, ' ', false, json::error_handler_t::replace);
  return fmt::format("{:016x}", XXH3_64bits(text.data(), text.size()));
}

}  // namespace mms::migration
