// Settings under a name: values by key, each of the form that its item asks for, secrets apart.
// Networks and the target are kept so. Pure.
#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/secret.h"
#include "service/config_items.h"

namespace mms::service {

struct Profile {
  std::string name;
  std::map<std::string, std::string> values;  ///< in their normal form
  /// Items of type password. Empty where only their presence is known (Store::GetNetwork).
  std::map<std::string, Secret> secrets;

  /// "" = not set.
  std::string Get(const std::string& key) const;
  Secret GetSecret(const std::string& key) const;
};

struct ProfileKind {
  const ConfigItem* (*find)(std::string_view key);
  const char* noun;  ///< "network"
  const char* verb;  ///< whose `items` lists the keys: "mms source network"
};

/// `before` with `changes`, an object of keys and values: null or "" takes a value away, and a
/// masked secret leaves it. Errors: kInvalidInput CONFIG_UNKNOWN_KEY, CONFIG_VALUE and those of the
/// items; each names the key.
Result<Profile> ApplyProfileChanges(const Profile& before, const nlohmann::json& changes,
                                    const ProfileKind& kind);

}  // namespace mms::service
