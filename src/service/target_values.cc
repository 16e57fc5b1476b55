#include "service/target_values.h"

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "base/lower_ascii.h"
#include "base/sha256.h"
#include "migration/inspect/partition_selection.h"
#include "migration/plan/names.h"

namespace mms::service {
namespace {

using nlohmann::json;

json ListOf(const std::string& text) {
  json list = json::parse(text, nullptr, false);
  return list.is_array() ? list : json::array();
}

/// A type of the catalog as the Delta schema has it, as far as values depend on it.
std::string DeltaType(const std::string& type) {
  if (type == "tinyint") return "byte";
  if (type == "smallint") return "short";
  if (type == "int") return "integer";
  return type == "bigint" ? "long" : type;
}

}  // namespace

std::vector<migration::PartitionColumn> PartitionColumnsOf(const migration::TableEntry& table) {
  std::map<std::string, std::string> types;
  for (const json& column : ListOf(table.listed.columns_json)) {
    types.emplace(column.value("name", ""), LowerAscii(column.value("type", "")));
  }
  std::vector<migration::PartitionColumn> columns;
  for (const json& name : ListOf(table.partition_columns)) {
    migration::PartitionColumn column;
    column.source_name = name.get<std::string>();
    column.delta_type = DeltaType(types[column.source_name]);
    columns.push_back(std::move(column));
  }
  return columns;
}

std::vector<std::string> PartitionColumnNamesOf(const migration::TableEntry& table) {
  std::vector<std::string> names;
  for (const json& name : ListOf(table.partition_columns)) names.push_back(name.get<std::string>());
  return names;
}

TargetValues MapValues(const std::vector<migration::PartitionColumn>& columns,
                       const std::string& values, const migration::Policy& policy) {
  TargetValues mapped;
  const json at_source = ListOf(values);
  for (size_t level = 0; level < columns.size() && level < at_source.size(); ++level) {
    std::optional<std::string> value;
    if (at_source[level].is_string()) value = at_source[level].get<std::string>();
    auto target = migration::MapPartitionValue(columns[level], value, policy);
    mapped.push_back(target ? std::optional(*std::move(target)) : std::nullopt);
  }
  return mapped;
}

std::string TargetName(const std::string& project, const std::string& schema,
                       const std::string& table) {
  return LowerAscii(project + (schema.empty() ? "" : "." + schema) + "." + table);
}

std::optional<std::string> TargetName(const std::string& table,
                                      std::vector<migration::PartitionColumn> columns,
                                      std::optional<int> levels, const std::string& values,
                                      const migration::Policy& policy) {
  if (levels) columns.resize(std::min(columns.size(), static_cast<size_t>(*levels)));
  std::vector<std::optional<std::string>> texts;
  for (const auto& value : MapValues(columns, values, policy)) {
    if (!value) return std::nullopt;
    texts.push_back(value->text);
  }
  return table + "/" + migration::PartitionText(texts);
}

std::string ColumnMark(const migration::TableEntry& table, const JobConfig& job,
                       const migration::Policy& policy) {
  constexpr size_t kDigits = 8;
  std::set<std::string> names;
  std::string all;
  for (const json& column : ListOf(table.listed.columns_json)) {
    const std::string name = column.value("name", "");
    names.insert(LowerAscii(name));
    all += name + column.value("type", "");  // which names the fields of a struct
  }
  json rules = json::array();
  for (const auto& [source, target] : job.column_mapping) {
    if (names.contains(LowerAscii(source))) {
      rules.push_back({LowerAscii(source), LowerAscii(target)});
    }
  }
  std::sort(rules.begin(), rules.end());
  for (const auto& [from, to] : policy.column_name_map) {
    if (all.find(from) != all.npos) rules.push_back({from, to});
  }
  return rules.empty() ? "" : "#" + Sha256Of(rules.dump()).substr(0, kDigits);
}

std::vector<std::string> ColumnCollisions(const migration::TableEntry& table, const JobConfig& job,
                                          const migration::Policy& policy) {
  std::map<std::string, std::string> asked;
  for (const auto& [source, target] : job.column_mapping) asked.emplace(LowerAscii(source), target);
  std::map<std::string, std::string> owners;
  std::vector<std::string> pairs;
  const migration::CharacterMap none;
  for (const json& column : ListOf(table.listed.columns_json)) {
    const std::string source = column.value("name", "");
    const auto own = asked.find(LowerAscii(source));
    const auto target = own != asked.end()
                            ? migration::MakeColumnName(own->second, {source, none})
                            : migration::MakeColumnName(source, {source, policy.column_name_map});
    if (!target) continue;
    const auto [known, added] = owners.emplace(*target, source);
    if (!added) pairs.push_back(known->second + " and " + source + " into " + *target);
  }
  return pairs;
}

}  // namespace mms::service
