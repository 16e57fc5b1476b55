#include "service/network_profile.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include "migration/inspect/source_settings.h"

namespace mms::service {
namespace {

using nlohmann::json;
using Text = Result<std::string>;

constexpr std::string_view kHere = ":local";

Error Invalid(std::string message) {
  return Error(ErrorKind::kInvalidInput, "CONFIG_VALUE", std::move(message));
}

bool IsAddress(const std::string& text) {
  unsigned char bytes[16];
  return inet_pton(AF_INET, text.c_str(), bytes) == 1 ||
         inet_pton(AF_INET6, text.c_str(), bytes) == 1;
}

/// Nothing but digits, for a number from 1.
bool IsNumber(std::string_view text, int most) {
  int number = 0;
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && stop == text.data() + text.size() && number > 0 && number <= most;
}

/// "ip", "ip:port", "[ip]:port".
bool IsTarget(const std::string& text) {
  if (IsAddress(text)) return true;
  const size_t colon = text.rfind(':');
  if (colon == text.npos || !IsNumber(std::string_view(text).substr(colon + 1), 65535)) {
    return false;
  }
  std::string host = text.substr(0, colon);
  const bool bracketed = host.starts_with('[') && host.ends_with(']');
  if (bracketed) host = host.substr(1, host.size() - 2);
  return IsAddress(host) && (bracketed || host.find(':') == host.npos);
}

Text AsIs(const std::string& text) { return text; }

Text Proxy(const std::string& text) {
  if (text.find('@') == text.npos) return text;
  return Invalid("must not carry a user or password; use proxy_user and proxy_password");
}

Text Addresses(const std::string& text) {
  const json map = json::parse(text, nullptr, false);
  const char* form = R"(hosts' names, each with an IP address with or without a port: )"
                     R"({"lake.blob.core.windows.net": "10.1.2.3:443"})";
  if (!map.is_object()) return Invalid(std::string("must be a map of ") + form);
  for (const auto& [host, address] : map.items()) {
    const bool named = !host.empty() && host.find_first_of("/:@ ") == host.npos;
    if (named && address.is_string() && IsTarget(address.get<std::string>())) continue;
    return Invalid("must be " + (std::string(form) + "; " + host + " has none"));
  }
  return map.dump();
}

Text Megabytes(const std::string& text) {
  if (IsNumber(text, 100'000)) return text;
  return Invalid("must be a whole number from 1 to 100000");
}

Text Times(const std::string& text) {
  const auto spans = ParseBandwidthTimes(text);
  if (spans) return text;
  return Error(spans.error().kind(), spans.error().code(),
               "has a part that is no span: " + spans.error().message());
}

using enum ConfigType;
constexpr const char* kProxy = "Proxy";
constexpr const char* kBandwidth = "Bandwidth";

constexpr auto kItems = std::to_array<ConfigItem>({
    {"proxy", kString, kProxy, "Proxy", "代理", "", Proxy},
    {"proxy_user", kString, kProxy, "Proxy User", "代理用户", "", AsIs},
    {"proxy_password", kPassword, kProxy, "Proxy Password", "代理密码", "", AsIs},
    {"ca_file", kString, "TLS", "CA Bundle", "CA 证书文件", "", AsIs},
    {"addresses", kMap, "Addresses", "Addresses of Hosts", "主机地址", "", Addresses},
    {"bandwidth_mb", kInt, kBandwidth, "MB a Second", "每秒 MB 数", "", Megabytes},
    {"bandwidth_times", kString, kBandwidth, "MB a Second by Time of Day", "分时段每秒 MB 数", "",
     Times},
});

}  // namespace

std::span<const ConfigItem> NetworkItems() { return kItems; }

const ConfigItem* FindNetworkItem(std::string_view key) {
  const auto* const found = std::find_if(kItems.begin(), kItems.end(),
                                         [&](const ConfigItem& item) { return item.key == key; });
  return found == kItems.end() ? nullptr : &*found;
}

Status CheckNetworkName(std::string_view name) {
  TRY_VOID(migration::CheckSourceName(name));
  if (name != NetworkNameOf(kDirectLink)) return OkStatus();
  return Invalid("is the network of this machine; choose another name");
}

Result<std::string> ParseNetworkLink(const std::string& text) {
  const std::string name = NetworkNameOf(text);
  const Status checked = migration::CheckSourceName(name);
  if (checked) return name + std::string(kHere);
  return Invalid(
      "networklink must be the name of a network profile, alone or as NAME:local "
      "(mms source network list); direct:local is the network of this machine");
}

std::string NetworkNameOf(const std::string& networklink) {
  if (!networklink.ends_with(kHere)) return networklink;
  return networklink.substr(0, networklink.size() - kHere.size());
}

Result<NetworkProfile> ApplyNetworkChanges(const NetworkProfile& before, const json& changes) {
  return ApplyProfileChanges(before, changes, {FindNetworkItem, "network", "mms source network"});
}

HttpClient::Options HttpOptionsOf(const NetworkProfile& profile) {
  const auto text = [&](const char* key) {
    const auto found = profile.values.find(key);
    return found == profile.values.end() ? std::string() : found->second;
  };
  HttpClient::Options http;
  http.proxy = text("proxy");
  http.proxy_user = text("proxy_user");
  const auto password = profile.secrets.find("proxy_password");
  if (password != profile.secrets.end()) http.proxy_password = password->second;
  http.ca_file = text("ca_file");
  const std::string addresses = text("addresses");
  if (!addresses.empty()) {
    http.addresses = json::parse(addresses).get<std::map<std::string, std::string>>();
  }
  const std::string megabytes = text("bandwidth_mb");
  if (!megabytes.empty()) http.bandwidth.bytes_per_second = std::stoll(megabytes) * 1'000'000;
  const std::string times = text("bandwidth_times");
  if (!times.empty()) {
    auto spans = ParseBandwidthTimes(times);
    CHECK(spans);
    http.bandwidth.spans = *std::move(spans);
  }
  return http;
}

}  // namespace mms::service
