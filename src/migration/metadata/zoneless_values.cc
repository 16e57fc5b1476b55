#include "migration/metadata/zoneless_values.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "migration/inspect/partition_timestamp.h"

namespace mms::migration {

ZonelessValues::ZonelessValues(const delta::TableInfo& info,
                               const std::vector<std::string>& physical_names) {
  const auto schema = nlohmann::json::parse(info.schema_json, nullptr, false);
  if (!schema.is_object() || !schema.contains("fields")) return;  // a plan refuses it by name
  for (const auto& field : schema["fields"]) {
    const auto type = field.find("type");
    if (type == field.end() || *type != "timestamp") continue;
    const auto name = field.value("name", "");
    const auto found =
        std::find(info.partition_columns.begin(), info.partition_columns.end(), name);
    if (found == info.partition_columns.end()) continue;
    columns_.emplace_back(name, physical_names[found - info.partition_columns.begin()]);
  }
}

void ZonelessValues::Look(const delta::File& file) {
  if (!warning_.empty()) return;
  for (const auto& [name, physical_name] : columns_) {
    const auto found = file.partition_values.find(physical_name);
    const bool null =
        found == file.partition_values.end() || !found->second || found->second->empty();
    if (null || HasZone(*found->second)) continue;
    warning_ = ZonelessText(name, *found->second);
    return;
  }
}

}  // namespace mms::migration
