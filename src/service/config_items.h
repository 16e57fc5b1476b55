// The settings of a Databricks data source: their keys, names, forms and defaults
// (ListMmsDataSourceConfigItems). Pure.
//
// The keys are those of the MMS API's `config` map. What is ours beyond the seed: db.warehouse.id,
// azure.auth.type=Vended, azure.authority, azure.storage.account, azure.storage.endpoint, and the
// zone of meta.timer.
#pragma once

#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"

namespace mms::service {

enum class ConfigType { kString, kPassword, kBoolean, kInt, kMap };
/// "string", "password", "boolean", "int", "map".
std::string_view TypeName(ConfigType type);

struct ConfigItem {
  const char* key;
  ConfigType type;
  const char* group;
  const char* name;     ///< English
  const char* name_zh;  ///< Chinese
  const char* value;    ///< default; "" = none
  /// A value's text as it is kept. Errors go on after the key ("must be ...").
  Result<std::string> (*normal)(const std::string& text);
  bool required = false;
  bool fixed = false;  ///< cannot be changed later
};

std::span<const ConfigItem> ConfigItems();
/// nullptr when there is none.
const ConfigItem* FindConfigItem(std::string_view key);

/// The text of a value as the API or a person gives it: a text, a number, a flag, a list (joined
/// by commas), a map (its JSON). null = "". Errors: kInvalidInput CONFIG_VALUE.
Result<std::string> TextOfValue(const ConfigItem& item, const nlohmann::json& value);

}  // namespace mms::service
