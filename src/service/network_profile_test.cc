#include "service/network_profile.h"

#include <gtest/gtest.h>

#include "service/source_config.h"

namespace mms::service {
namespace {

using nlohmann::json;

std::string Refusal(const json& changes) {
  const auto applied = ApplyNetworkChanges({}, changes);
  return applied ? "taken" : applied.error().code() + " " + applied.error().message();
}

TEST(NetworkProfile, EveryKeyReachesItsHttpOption) {
  const auto profile =
      ApplyNetworkChanges({}, {{"proxy", "socks5h://10.0.0.1:1080"},
                               {"proxy_user", "mms"},
                               {"proxy_password", "proxy-value"},
                               {"ca_file", "/etc/mms/ca.pem"},
                               {"addresses", {{"lake.blob.core.windows.net", "[fd00::1]:8443"}}},
                               {"bandwidth_mb", 50},
                               {"bandwidth_times", "08:00-18:00 20"}});
  ASSERT_TRUE(profile) << profile.error().ToString();
  EXPECT_EQ(profile->values.size() + profile->secrets.size(), NetworkItems().size());
  EXPECT_FALSE(profile->values.contains("proxy_password"));
  const HttpClient::Options http = HttpOptionsOf(*profile);
  EXPECT_EQ(http.proxy, "socks5h://10.0.0.1:1080");
  EXPECT_EQ(http.proxy_user, "mms");
  EXPECT_EQ(http.proxy_password.Reveal(), "proxy-value");
  EXPECT_EQ(http.ca_file, "/etc/mms/ca.pem");
  EXPECT_EQ(http.addresses.at("lake.blob.core.windows.net"), "[fd00::1]:8443");
  EXPECT_EQ(http.bandwidth, (Bandwidth{50'000'000, {{480, 1080, 20'000'000}}}));
}

TEST(NetworkProfile, AChangeKeepsTheRestAndTakesAwayWhatIsEmpty) {
  const auto before = ApplyNetworkChanges(
      {}, {{"proxy", "http://p:1"}, {"proxy_user", "u"}, {"proxy_password", "secret-value"}});
  ASSERT_TRUE(before);
  const auto after = ApplyNetworkChanges(
      *before, {{"proxy", "http://p:2"}, {"proxy_user", ""}, {"proxy_password", kMasked}});
  ASSERT_TRUE(after);
  EXPECT_EQ(after->values, (std::map<std::string, std::string>{{"proxy", "http://p:2"}}));
  EXPECT_EQ(after->secrets.at("proxy_password").Reveal(), "secret-value");
  EXPECT_TRUE(ApplyNetworkChanges(*after, {{"proxy_password", nullptr}})->secrets.empty());
}

TEST(NetworkProfile, WhatIsWrongIsRefusedByItsKey) {
  EXPECT_EQ(Refusal({{"proxi", "x"}}).find("CONFIG_UNKNOWN_KEY proxi is no setting"), 0);
  EXPECT_EQ(Refusal({{"proxy", "http://u:p@h"}}).find("CONFIG_VALUE proxy must not carry"), 0);
  EXPECT_EQ(Refusal({{"bandwidth_times", "8-18 20"}}).find("BANDWIDTH_TIMES bandwidth_times"), 0);
  for (const char* number : {"0", "-1", "1.5", "x", "100001"}) {
    EXPECT_EQ(Refusal({{"bandwidth_mb", number}}).find("CONFIG_VALUE bandwidth_mb"), 0) << number;
  }
  for (const char* address : {"host", "10.0.0.1:0", "10.0.0.1:x", "[10.0.0.1", "fd00::1:443:x"}) {
    const std::string said = Refusal({{"addresses", {{"lake", address}}}});
    EXPECT_EQ(said.find("CONFIG_VALUE addresses must be"), 0) << address << said;
    EXPECT_NE(said.find("lake has none"), said.npos) << said;
  }
  EXPECT_EQ(Refusal({{"addresses", "lake=10.0.0.1"}}).find("CONFIG_VALUE addresses must be"), 0);
  EXPECT_EQ(Refusal({{"addresses", R"({"a/b": "10.0.0.1"})"}}).find("CONFIG_VALUE"), 0);
}

TEST(NetworkProfile, ALinkIsTheNameOfANetwork) {
  EXPECT_EQ(*ParseNetworkLink("office"), "office:local");
  EXPECT_EQ(*ParseNetworkLink("office:local"), "office:local");
  EXPECT_EQ(*ParseNetworkLink("direct"), kDirectLink);
  EXPECT_EQ(NetworkNameOf("office:local"), "office");
  for (const char* link : {"", ":local", "vpc-1:cn-shanghai", "two words"}) {
    const auto parsed = ParseNetworkLink(link);
    ASSERT_FALSE(parsed) << link;
    EXPECT_EQ(parsed.error().code(), "CONFIG_VALUE") << link;
  }
  EXPECT_TRUE(CheckNetworkName("office1"));
  EXPECT_FALSE(CheckNetworkName("direct"));
  EXPECT_FALSE(CheckNetworkName("two words"));
}

}  // namespace
}  // namespace mms::service
