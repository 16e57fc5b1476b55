// The values of a data source's settings: checked, kept, and turned into what a scan needs. Pure.
//
// Only what was given is kept; for the rest the defaults of config_items.h hold. Errors:
// kInvalidInput CONFIG_UNKNOWN_KEY, CONFIG_MISSING, CONFIG_VALUE, CONFIG_FIXED; each names the key.
#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <string>

#include "base/result.h"
#include "base/secret.h"
#include "migration/inspect/inspect.h"
#include "migration/inspect/source_settings.h"

namespace mms::service {

/// What a kept secret reads as, and what it means in a change: leave it.
inline constexpr const char* kMasked = "********";

struct SourceConfig {
  std::map<std::string, std::string> values;  ///< in their normal form
  /// Items of type password. Empty where only their presence is known (Store::GetSource).
  std::map<std::string, Secret> secrets;

  /// The value, or the default.
  std::string Get(const std::string& key) const;
  bool Has(const std::string& key) const { return values.contains(key) || secrets.contains(key); }
};

/// `before` with `changes`, an object of keys and values: null or "" takes a value away. Whether it
/// is whole is CheckWhole's to say. `fixed`: the source exists, so what cannot be changed may only
/// be given as it is.
Result<SourceConfig> ApplyChanges(const SourceConfig& before, const nlohmann::json& changes,
                                  bool fixed);
/// All that is required is there, and goes together.
Status CheckWhole(const SourceConfig& config);

struct ZonedTimer {
  migration::MetaTimer timer;
  std::string zone;
  bool operator==(const ZonedTimer&) const = default;
};
Result<ZonedTimer> TimerOf(const SourceConfig& config);

/// Where its jobs may go: the default project first.
std::vector<std::string> ProjectsOf(const SourceConfig& config);
/// One of them; "" = the default project. Errors: kInvalidInput JOB_CONFIG.
Result<std::string> ProjectOf(const SourceConfig& config, const std::string& wanted);
/// Of the times of day in the timer's zone.
Result<migration::TimeWindow> WindowOf(const SourceConfig& config);
/// Settings of MaxCompute's statements, by name.
std::map<std::string, std::string> SqlHintsOf(const SourceConfig& config);

/// Its white- and blacklists.
Result<migration::SourceFilter> FilterOf(const SourceConfig& config);
/// Without the network, which is the source's networklink.
Result<migration::SourceOptions> SourceOptionsOf(const SourceConfig& config);

}  // namespace mms::service
