// The part of the migration file that says how a side is reached: `networks:`, named profiles that
// source.network and target.network choose, and the same keys in short below `target:`.
// docs/cli.md describes both. What the keys take is network_profile.h's to say. Errors: those of
// yaml_map.h and of network_profile.h.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/http_client.h"
#include "base/result.h"
#include "terminal/yaml_map.h"

namespace mms::terminal {

/// What a profile needs of the file around it.
struct NetworkReader {
  std::function<Result<Secret>(const YamlMap& map, std::string_view key)> secret;
  std::function<std::string(const std::string& path)> absolute;
};

/// Keys of a profile.
std::vector<std::string_view> NetworkKeys();

/// The profile in `map`, which may have other keys too.
Result<HttpClient::Options> ReadNetwork(const YamlMap& map, const NetworkReader& reader);

using Networks = std::map<std::string, HttpClient::Options>;
Result<Networks> ReadNetworks(const YamlMap& root, const NetworkReader& reader);

/// The profile that `side` names by `network`; without it the keys of a profile that stand in
/// `side` itself. Errors: CONFIG_VALUE for a name that `networks` lacks, and for both at once.
Result<HttpClient::Options> ChooseNetwork(const YamlMap& side, const Networks& networks,
                                          const NetworkReader& reader);

}  // namespace mms::terminal
