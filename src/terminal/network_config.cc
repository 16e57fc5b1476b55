#include "terminal/network_config.h"

#include <arpa/inet.h>

#include <charconv>
#include <utility>

namespace mms::terminal {
namespace {

bool IsAddress(const std::string& text) {
  unsigned char bytes[16];
  return inet_pton(AF_INET, text.c_str(), bytes) == 1 ||
         inet_pton(AF_INET6, text.c_str(), bytes) == 1;
}

bool IsPort(std::string_view text) {
  int port = 0;
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  return error == std::errc() && stop == text.data() + text.size() && port > 0 && port < 65536;
}

/// "ip", "ip:port", "[ip]:port".
bool IsTarget(const std::string& text) {
  if (IsAddress(text)) return true;
  const size_t colon = text.rfind(':');
  if (colon == text.npos || !IsPort(std::string_view(text).substr(colon + 1))) return false;
  std::string host = text.substr(0, colon);
  const bool bracketed = host.starts_with('[') && host.ends_with(']');
  if (bracketed) host = host.substr(1, host.size() - 2);
  return IsAddress(host) && (bracketed || host.find(':') == host.npos);
}

Result<std::map<std::string, std::string>> ReadAddresses(const YamlMap& map) {
  TRY(auto addresses, map.Pairs("addresses"));
  for (const auto& [host, address] : addresses) {
    if (host.find_first_of("/:@ ") != host.npos || !IsTarget(address)) {
      return map.Fail("CONFIG_VALUE", "addresses",
                      map.NameOf("addresses") + "." + host +
                          " must be a host's name and an IP address with or without a port: "
                          "{lake.blob.core.windows.net: \"10.1.2.3:443\"}");
    }
  }
  return addresses;
}

Result<Bandwidth> ReadBandwidth(const YamlMap& map) {
  Bandwidth bandwidth;
  TRY(const int64_t megabytes, map.Number("bandwidth_mb", 0, {1, 100'000}));
  bandwidth.bytes_per_second = megabytes * 1'000'000;
  TRY(const std::string times, map.Text("bandwidth_times"));
  if (times.empty()) return bandwidth;
  auto spans = ParseBandwidthTimes(times);
  if (!spans) {
    return map.Fail(spans.error().code(), "bandwidth_times",
                    map.NameOf("bandwidth_times") + ": " + spans.error().message());
  }
  bandwidth.spans = *std::move(spans);
  return bandwidth;
}

}  // namespace

std::vector<std::string_view> NetworkKeys() {
  return {"proxy",     "proxy_user",   "proxy_password", "ca_file",
          "addresses", "bandwidth_mb", "bandwidth_times"};
}

Result<HttpClient::Options> ReadNetwork(const YamlMap& map, const NetworkReader& reader) {
  HttpClient::Options http;
  TRY(http.proxy, map.Text("proxy"));
  if (http.proxy.find('@') != std::string::npos) {
    return map.Fail("CONFIG_VALUE", "proxy",
                    map.NameOf("proxy") +
                        " must not carry a user or password; use proxy_user and proxy_password");
  }
  TRY(http.proxy_user, map.Text("proxy_user"));
  TRY(http.proxy_password, reader.secret(map, "proxy_password"));
  TRY(http.ca_file, map.Text("ca_file"));
  if (!http.ca_file.empty()) http.ca_file = reader.absolute(http.ca_file);
  TRY(http.addresses, ReadAddresses(map));
  TRY(http.bandwidth, ReadBandwidth(map));
  return http;
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
