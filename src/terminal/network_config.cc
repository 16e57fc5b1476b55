#include "terminal/network_config.h"

#include <nlohmann/json.hpp>
#include <utility>

#include "service/network_profile.h"
#include "terminal/source_config.h"

namespace mms::terminal {
namespace {

using service::ConfigItem;
using service::ConfigType;

/// The value as the profile's own text; "" when absent.
Result<std::string> ReadText(const YamlMap& map, const ConfigItem& item,
                             const NetworkReader& reader) {
  if (item.type == ConfigType::kMap) {
    TRY(const auto pairs, map.Pairs(item.key));
    if (pairs.empty()) return std::string();
    return nlohmann::json(pairs).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  }
  TRY(std::string text, map.Text(item.key));
  if (text.empty() || std::string_view(item.key) != "ca_file") return text;
  return reader.absolute(text);
}

}  // namespace

std::vector<std::string_view> NetworkKeys() {
  std::vector<std::string_view> keys;
  for (const ConfigItem& item : service::NetworkItems()) keys.emplace_back(item.key);
  return keys;
}

Result<HttpClient::Options> ReadNetwork(const YamlMap& map, const NetworkReader& reader) {
  service::NetworkProfile profile;
  for (const ConfigItem& item : service::NetworkItems()) {
    if (item.type == ConfigType::kPassword) {
      TRY(profile.secrets[item.key], reader.secret(map, item.key));
      continue;
    }
    TRY(const std::string text, ReadText(map, item, reader));
    if (text.empty()) continue;
    const Result<std::string> normal = item.normal(text);
    if (!normal) return AtKey(map, item.key, normal.error());
    profile.values[item.key] = *normal;
  }
  return service::HttpOptionsOf(profile);
}

Result<Networks> ReadNetworks(const YamlMap& root, const NetworkReader& reader) {
  Networks networks;
  TRY_VOID(root.EachNamed("networks", NetworkKeys(),
                          [&](const std::string& name, const YamlMap& profile) -> Status {
                            TRY(networks[name], ReadNetwork(profile, reader));
                            return OkStatus();
                          }));
  return networks;
}

Result<HttpClient::Options> ChooseNetwork(const YamlMap& side, const Networks& networks,
                                          const NetworkReader& reader) {
  TRY(const std::string name, side.Text("network"));
  if (name.empty()) return ReadNetwork(side, reader);
  for (const std::string_view key : NetworkKeys()) {
    if (!side.Has(key)) continue;
    return side.Fail("CONFIG_VALUE", key,
                     side.NameOf(key) + " and " + side.NameOf("network") +
                         " both say how to get there; keep one of them");
  }
  const auto found = networks.find(name);
  if (found != networks.end()) return found->second;
  std::vector<std::string_view> known;
  for (const auto& network : networks) known.push_back(network.first);
  const std::string_view nearest = NearestOf(name, known);
  return side.Fail(
      "CONFIG_VALUE", "network",
      side.NameOf("network") + " is not a profile of networks" +
          (nearest.empty() ? "; add it there" : "; did you mean " + std::string(nearest) + "?"));
}

}  // namespace mms::terminal
