#include "service/target_profile.h"

#include <algorithm>
#include <array>
#include <charconv>

namespace mms::service {
namespace {

using Text = Result<std::string>;
using enum ConfigType;

Error Invalid(std::string message) {
  return Error(ErrorKind::kInvalidInput, "CONFIG_VALUE", std::move(message));
}

Text AsIs(const std::string& text) { return text; }

Text Address(const std::string& text) {
  const bool http = text.starts_with("http://") || text.starts_with("https://");
  if (http && text.find_first_of(" \t@") == text.npos) return text;
  return Invalid(
      "must be an address, such as https://service.cn-shanghai.maxcompute.aliyun.com/api");
}

Text CodecName(const std::string& text) {
  if (text == "auto" || maxcompute::ParseCodec(text)) return text;
  return Invalid("must be auto, raw, lz4, zstd, snappy or deflate");
}

Text Percent(const std::string& text) {
  int number = 0;
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  const bool whole = error == std::errc() && stop == text.data() + text.size();
  if (whole && number >= 1 && number <= 100) return text;
  return Invalid("must be a whole number from 1 to 100");
}

constexpr const char* kPlace = "Endpoint";
constexpr const char* kKey = "Access Key";
constexpr const char* kTransport = "Transport";

constexpr auto kItems = std::to_array<ConfigItem>({
    {"endpoint", kString, kPlace, "MaxCompute Endpoint", "MaxCompute Endpoint", "", Address, true},
    {"same_service_as", kString, kPlace, "Another Endpoint of the Same Service",
     "同一服务的另一个 Endpoint", "", Address},
    {"tunnel_endpoint", kString, kPlace, "Tunnel Endpoint", "Tunnel Endpoint", "", Address},
    {"logview", kString, kPlace, "LogView Host", "LogView 地址", "", Address},
    {"region", kString, kPlace, "Region", "地域", "", AsIs},
    {"network", kString, kPlace, "Network", "网络", "", AsIs},
    {"access_key_id", kString, kKey, "AccessKey ID", "AccessKey ID", "", AsIs, true},
    {"access_key_secret", kPassword, kKey, "AccessKey Secret", "AccessKey Secret", "", AsIs, true},
    {"security_token", kPassword, kKey, "STS Token", "STS Token", "", AsIs},
    {"quota", kString, kTransport, "Tunnel Quota", "Tunnel 配额", "", AsIs},
    {"codec", kString, kTransport, "Compression of Blocks", "数据块压缩", "auto", CodecName},
    {"limit_window_percent", kInt, kTransport, "Percent of the Rate Limits' Windows",
     "限流窗口百分比", "100", Percent},
});

}  // namespace

std::span<const ConfigItem> TargetItems() { return kItems; }

const ConfigItem* FindTargetItem(std::string_view key) {
  const auto* const found = std::find_if(kItems.begin(), kItems.end(),
                                         [&](const ConfigItem& item) { return item.key == key; });
  return found == kItems.end() ? nullptr : &*found;
}

Result<Profile> ApplyTargetChanges(const Profile& before, const nlohmann::json& changes) {
  TRY(const Profile target,
      ApplyProfileChanges(before, changes, {FindTargetItem, "target", "mms source target"}));
  for (const ConfigItem& item : kItems) {
    const bool there = target.values.contains(item.key) || target.secrets.contains(item.key);
    if (!item.required || there) continue;
    return Error(ErrorKind::kInvalidInput, "CONFIG_MISSING",
                 std::string(item.key) + " is missing (" + item.name + ")");
  }
  return target;
}

maxcompute::Options TargetOptionsOf(const Profile& target) {
  maxcompute::Options out;
  out.endpoint = target.Get("endpoint");
  out.tunnel_endpoint = target.Get("tunnel_endpoint");
  out.logview_host = target.Get("logview");
  out.quota_name = target.Get("quota");
  out.credentials.region = target.Get("region");
  out.credentials.access_key_id = target.Get("access_key_id");
  out.credentials.access_key_secret = target.GetSecret("access_key_secret");
  out.credentials.security_token = target.GetSecret("security_token");
  return out;
}

std::optional<maxcompute::Codec> CodecOf(const Profile& target) {
  return maxcompute::ParseCodec(target.Get("codec"));
}

double LimitScaleOf(const Profile& target) {
  const std::string percent = target.Get("limit_window_percent");
  return percent.empty() ? 1 : std::stod(percent) / 100;
}

}  // namespace mms::service
