#include "terminal/network_config.h"

#include <gtest/gtest.h>

#include <cstdlib>

#include "terminal/config.h"

namespace mms::terminal {
namespace {

constexpr const char* kRest = R"(
tables: [{location: "file:///t"}]
state: state
)";
constexpr const char* kTarget =
    "project: dw, endpoint: \"https://t.example.com\", bearer_token: \"env:MMS_TEST_BEARER\"";

class NetworkConfig : public testing::Test {
 protected:
  void SetUp() override {
    ::setenv("MMS_TEST_BEARER", "bearer-value", 1);
    ::setenv("MMS_TEST_PROXY_PASSWORD", "proxy-value", 1);
    ::setenv("MMS_TEST_SAS", "sv=1&sp=rl&sig=abcdefgh", 1);
    ::setenv("MMS_TEST_CLIENT_SECRET", "client-value", 1);
  }

  /// `source` and `target` are what stands in their braces.
  static Result<Config> Parse(const std::string& networks, const std::string& source,
                              const std::string& target = "") {
    const std::string text = networks + "\nsource: {" + source + "}\ntarget: {" + kTarget +
                             (target.empty() ? "" : ", " + target) + "}" + kRest;
    return ParseConfig(text, "/etc/mms/mms.yaml", SecretUse::kResolve);
  }
};

constexpr const char* kNetworks = R"(
networks:
  office:
    proxy: socks5h://10.0.0.1:1080
    proxy_user: mms
    proxy_password: env:MMS_TEST_PROXY_PASSWORD
    ca_file: ca.pem
    addresses: {lake.blob.core.windows.net: 10.1.2.3, login.microsoftonline.com: "[fd00::1]:8443"}
    bandwidth_mb: 50
    bandwidth_times: "08:00-18:00 20"
  plain: {}
)";

TEST_F(NetworkConfig, ASideGetsTheProfileItNames) {
  const Result<Config> config = Parse(kNetworks, "network: office", "network: plain");
  ASSERT_TRUE(config) << config.error().ToString();
  const HttpClient::Options& http = config->options.source.http;
  EXPECT_EQ(http.proxy, "socks5h://10.0.0.1:1080");
  EXPECT_EQ(http.proxy_user, "mms");
  EXPECT_EQ(http.proxy_password.Reveal(), "proxy-value");
  EXPECT_EQ(http.ca_file, "/etc/mms/ca.pem");
  EXPECT_EQ(http.addresses,
            (std::map<std::string, std::string>{{"lake.blob.core.windows.net", "10.1.2.3"},
                                                {"login.microsoftonline.com", "[fd00::1]:8443"}}));
  EXPECT_EQ(http.bandwidth, (Bandwidth{50'000'000, {{480, 1080, 20'000'000}}}));
  EXPECT_EQ(config->options.target_http.proxy, "");
}

TEST_F(NetworkConfig, TheTargetsOwnKeysAreAProfileInShort) {
  const Result<Config> config = Parse("", "", "proxy: \"http://p:8080\", bandwidth_mb: 7");
  ASSERT_TRUE(config) << config.error().ToString();
  EXPECT_EQ(config->options.target_http.proxy, "http://p:8080");
  EXPECT_EQ(config->options.target_http.bandwidth.bytes_per_second, 7'000'000);
  EXPECT_EQ(config->options.source.http.proxy, "");
}

TEST_F(NetworkConfig, WhatIsWrongIsNamed) {
  const auto says = [](const Result<Config>& config) {
    return config ? "taken" : config.error().code() + " " + config.error().ToString();
  };
  const auto expect = [&](const Result<Config>& config, const std::string& text) {
    EXPECT_NE(says(config).find(text), std::string::npos) << text << "\n" << says(config);
  };
  expect(Parse(kNetworks, "network: ofice"), "did you mean office?");
  expect(Parse("", "network: office"), "source.network is not a profile of networks");
  expect(Parse(kNetworks, "", "network: office, proxy: \"http://p\""),
         "target.proxy and target.network both say");
  expect(Parse("networks: {a: {proxi: x}}", ""), "networks.a.proxi is not a known key");
  expect(Parse("networks: {a: {}, a: {}}", ""), "networks.a stands twice");
  expect(Parse("networks: [a]", ""), "networks must be a mapping");
  expect(Parse("networks: {a: {proxy: \"http://u:p@h\"}}", ""), "networks.a.proxy must not carry");
  expect(Parse("networks: {a: {bandwidth_times: \"8-18 20\"}}", ""), "networks.a.bandwidth_times");
  for (const char* address :
       {"host", "10.0.0.1:0", "10.0.0.1:x", "[10.0.0.1", "fd00::1:443:x", ""}) {
    expect(Parse("networks: {a: {addresses: {h: \"" + std::string(address) + "\"}}}", ""),
           "networks.a.addresses");
  }
}

TEST_F(NetworkConfig, TheKeysThatAreThereSayHowTheStorageIsRead) {
  const auto storage = [](const std::string& keys) { return Parse("", "storage: {" + keys + "}"); };
  using azure::StorageAuth;
  Result<Config> config = storage("sas: \"env:MMS_TEST_SAS\"");
  ASSERT_TRUE(config) << config.error().ToString();
  EXPECT_EQ(config->options.source.storage.auth, StorageAuth::kSas);
  EXPECT_EQ(config->options.source.storage.sas_file, "");
  config = storage("tenant_id: t, client_id: c, client_secret: \"env:MMS_TEST_CLIENT_SECRET\"");
  ASSERT_TRUE(config) << config.error().ToString();
  EXPECT_EQ(config->options.source.storage.auth, StorageAuth::kServicePrincipal);
  EXPECT_EQ(config->options.source.storage.principal.tenant_id, "t");
  EXPECT_EQ(config->options.source.storage.principal.client_secret.Reveal(), "client-value");
  config = storage("auth: vended");
  ASSERT_TRUE(config) << config.error().ToString();
  EXPECT_EQ(config->options.source.storage.auth, StorageAuth::kVended);
}

TEST_F(NetworkConfig, TwoWaysToReadTheStorageAreRefused) {
  const auto message = [](const std::string& keys) {
    const Result<Config> config = Parse("", "storage: {" + keys + "}");
    return config ? "taken" : config.error().ToString();
  };
  const std::string principal =
      "tenant_id: t, client_id: c, client_secret: \"env:MMS_TEST_CLIENT_SECRET\"";
  const std::string sas = "sas: \"env:MMS_TEST_SAS\"";
  const std::pair<std::string, std::string> cases[] = {
      {sas + ", " + principal, "source.storage.client_secret is not used with a SAS"},
      {sas + ", auth: service_principal, " + principal,
       "source.storage.sas is not used with a service principal"},
      {sas + ", auth: vended", "source.storage.sas is not used with vended credentials"},
      {"auth: service_principal, client_id: c", "source.storage.tenant_id is missing"},
      {"auth: vendd", "did you mean vended?"},
      {principal + ", authority: \"http://login.example.com\"", "must begin with https://"},
  };
  for (const auto& [keys, text] : cases) {
    EXPECT_NE(message(keys).find(text), std::string::npos) << keys << "\n" << message(keys);
  }
}

}  // namespace
}  // namespace mms::terminal
