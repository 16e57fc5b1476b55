#include "clients/databricks/jdbc_url.h"

#include <gtest/gtest.h>

namespace mms::databricks {
namespace {

constexpr char kHost[] = "jdbc:databricks://adb-12.3.azuredatabricks.net";

JdbcUrl Parsed(const std::string& text) {
  Result<JdbcUrl> url = ParseJdbcUrl(text);
  EXPECT_TRUE(url) << url.error().ToString();
  return url ? std::move(*url) : JdbcUrl();
}

Error Refused(const std::string& text) {
  Result<JdbcUrl> url = ParseJdbcUrl(text);
  EXPECT_FALSE(url) << text;
  return url ? Error(ErrorKind::kInternal, "PARSED", "") : url.error();
}

TEST(JdbcUrl, ReadsWhatTheWorkspaceShowsForACluster) {
  const JdbcUrl url = Parsed(std::string(kHost) +
                             ":443/sales;transportMode=http;ssl=1;AuthMech=3;httpPath=sql/"
                             "protocolv1/o/12/0101-x?o=12;UID=token;PWD=dapiCANARY0");
  EXPECT_EQ(url.host, "adb-12.3.azuredatabricks.net");
  EXPECT_EQ(url.port, 443);
  EXPECT_TRUE(url.tls);
  EXPECT_EQ(url.http_path, "/sql/protocolv1/o/12/0101-x");
  EXPECT_EQ(url.schema, "sales");
  EXPECT_EQ(url.auth, JdbcAuth::kToken);
  EXPECT_EQ(url.token.Reveal(), "dapiCANARY0");
  EXPECT_TRUE(url.warnings.empty());
}

TEST(JdbcUrl, DefaultsAreTheDriversOwn) {
  const JdbcUrl url = Parsed("jdbc:spark://h");
  EXPECT_EQ(url.host, "h");
  EXPECT_EQ(url.port, 443);
  EXPECT_EQ(url.auth, JdbcAuth::kNone) << "the data source's token is used";
  EXPECT_TRUE(url.arrow && url.direct_results && url.lz4 && url.links);
  EXPECT_EQ(url.unavailable_retry_s, -1);
  EXPECT_EQ(url.schema, "");
}

TEST(JdbcUrl, TakesKeysInAnyCaseAndValuesWithEscapes) {
  const JdbcUrl url = Parsed(
      "JDBC:Databricks://h:8443/;HTTPPATH=/p; conncatalog = "
      "my%20cat;ConnSchema=s%3Bt;pwd=a%3Bbcdef;");
  EXPECT_EQ(url.port, 8443);
  EXPECT_EQ(url.http_path, "/p");
  EXPECT_EQ(url.schema, "s;t");
  EXPECT_EQ(url.token.Reveal(), "a;bcdef");
  EXPECT_EQ(url.warnings.size(), 1u) << "'conncatalog ' is another key";
}

TEST(JdbcUrl, ConnSchemaGoesBeforeThePath) {
  const JdbcUrl url = Parsed(std::string(kHost) + "/default;ConnCatalog=main;ConnSchema=sales");
  EXPECT_EQ(url.catalog, "main");
  EXPECT_EQ(url.schema, "sales");
}

TEST(JdbcUrl, ReadsOauthOfAServicePrincipal) {
  const JdbcUrl url = Parsed(std::string(kHost) +
                             ";AuthMech=11;Auth_Flow=1;OAuth2ClientId=id;OAuth2Secret=secret77;"
                             "OAuth2TokenEndpoint=https://h/oidc;Auth_Scope=all-apis");
  EXPECT_EQ(url.auth, JdbcAuth::kOauthMachine);
  EXPECT_EQ(url.oauth_client_id, "id");
  EXPECT_EQ(url.oauth_secret.Reveal(), "secret77");
  EXPECT_EQ(url.oauth_token_endpoint, "https://h/oidc");
  const JdbcUrl passed = Parsed(std::string(kHost) + ";AuthMech=11;Auth_AccessToken=eyJtoken");
  EXPECT_EQ(passed.auth, JdbcAuth::kToken);
  EXPECT_EQ(passed.token.Reveal(), "eyJtoken");
}

TEST(JdbcUrl, ReadsProxiesOnlyWhenTheyAreSwitchedOn) {
  const JdbcUrl url = Parsed(std::string(kHost) +
                             ";UseProxy=1;ProxyHost=p;ProxyPort=3128;ProxyAuth=1;ProxyUID=u;"
                             "ProxyPWD=proxyCANARY;CFProxyHost=q;CFProxyPort=1");
  EXPECT_EQ(url.proxy.host, "p");
  EXPECT_EQ(url.proxy.port, 3128);
  EXPECT_EQ(url.proxy.user, "u");
  EXPECT_EQ(url.proxy.password.Reveal(), "proxyCANARY");
  EXPECT_EQ(url.link_proxy.host, "");
}

TEST(JdbcUrl, ReadsSwitchesWaitsHeadersAndSettings) {
  const JdbcUrl url =
      Parsed(std::string(kHost) +
             ";EnableArrow=0;EnableDirectResults=0;QueryResultCompressionType=0;"
             "EnableQueryResultDownload=false;cloudFetchThreadPoolSize=8;asyncexecpollinterval=300;"
             "socketTimeout=60;TemporarilyUnavailableRetry=0;RateLimitRetryTimeout=7;"
             "UserAgentEntry=acme;http.header.X-Team=a;SSP_ansi_mode=true;spark.sql.x=1");
  EXPECT_FALSE(url.arrow || url.direct_results || url.lz4 || url.links);
  EXPECT_EQ(url.link_threads, 8);
  EXPECT_EQ(url.poll_ms, 300);
  EXPECT_EQ(url.socket_timeout_s, 60);
  EXPECT_EQ(url.unavailable_retry_s, 0);
  EXPECT_EQ(url.throttled_retry_s, 7);
  EXPECT_EQ(url.user_agent_entry, "acme");
  EXPECT_EQ(url.headers.at("X-Team"), "a");
  EXPECT_EQ(url.settings.at("ansi_mode"), "true");
  EXPECT_EQ(url.settings.at("spark.sql.x"), "1");
  EXPECT_TRUE(url.warnings.empty());
}

TEST(JdbcUrl, WarnsOfWhatChangesNothing) {
  const JdbcUrl url = Parsed(std::string(kHost) +
                             ";LogLevel=6;RowsFetchedPerBlock=10;UseThriftClient=0;"
                             "CheckCertRevocation=1");
  EXPECT_EQ(url.warnings.size(), 4u);
}

TEST(JdbcUrl, RefusesByNameWhatItCannotFollow) {
  const struct {
    const char* rest;
    const char* key;
  } kCases[] = {
      {";transportMode=binary", "transportMode"},
      {";ssl=0", "ssl"},
      {";ssl=yes", "ssl"},
      {";AuthMech=1", "AuthMech"},
      {";AuthMech=3;UID=ann;PWD=secret", "UID"},
      {";AuthMech=11;Auth_Flow=2", "Auth_Flow"},
      {";AuthMech=11;Auth_Flow=1;OAuth2ClientId=x", "OAuth2Secret"},
      {";UseProxy=1", "UseProxy"},
      {";UseProxy=1;ProxyHost=p", "ProxyPort"},
      {";UseProxy=1;ProxyHost=p;ProxyPort=1;ProxyAuth=2", "ProxyAuth"},
      {";ProxyIgnoreList=a", "ProxyIgnoreList"},
      {";SSLTrustStore=/a.jks;SSLTrustStorePwd=x", "SSLTrustStore"},
      {";SSLKeyStore=/a.jks", "SSLKeyStore"},
      {";AllowSelfSignedCerts=1", "AllowSelfSignedCerts"},
      {";socketTimeout=soon", "socketTimeout"},
      {";http.header.authorization=x", "http.header.authorization"},
      {";httpPath=/a;HttpPath=/b", "HttpPath"},
  };
  for (const auto& one : kCases) {
    const Error error = Refused(std::string(kHost) + one.rest);
    EXPECT_EQ(error.code(), "JDBC_KEY") << one.rest;
    EXPECT_EQ(error.message().find(one.key), 0u) << error.message();
  }
  EXPECT_TRUE(ParseJdbcUrl("jdbc:spark://127.0.0.1:1;ssl=0")) << "loopback needs no TLS";
}

TEST(JdbcUrl, RefusesWhatIsNoJdbcUrl) {
  for (const char* text : {"", "https://h", "jdbc:mysql://h", "jdbc:databricks://", "jdbc:spark:h",
                           "jdbc:databricks://h:x", "jdbc:databricks://h:70000",
                           "jdbc:databricks://h;novalue", "jdbc:databricks://a@b;x=1"}) {
    EXPECT_EQ(Refused(text).code(), "JDBC_URL") << text;
  }
}

TEST(JdbcUrl, NeverShowsAPassword) {
  for (const char* rest : {";PWD=secretCANARY;AuthMech=9", ";PWD=se;cretCANARY",
                           ";PWD=secretCANARY;PWD=secretCANARY", ";ProxyPWD=secretCANARY;ssl=x"}) {
    EXPECT_EQ(Refused(std::string(kHost) + rest).ToString().find("CANARY"), std::string::npos)
        << rest;
  }
}

TEST(JdbcUrl, MakesTheChannelItDescribes) {
  const TokenSource token = [](bool) -> Result<Secret> { return Secret("dapiCANARY0"); };
  const SqlChannel::Options options = ChannelOptions(
      Parsed(
          "jdbc:databricks://h:8443/s;httpPath=p;ConnCatalog=c;EnableQueryResultDownload=0;"
          "cloudFetchThreadPoolSize=8;socketTimeout=60;RateLimitRetry=0;asyncexecpollinterval=50;"
          "http.header.X-Team=a;spark.sql.x=1"),
      token);
  EXPECT_EQ(options.endpoint.url, "https://h:8443/p");
  EXPECT_EQ(options.endpoint.headers.at("X-Team"), "a");
  EXPECT_EQ(options.endpoint.token(false)->Reveal(), "dapiCANARY0");
  EXPECT_EQ(options.catalog, "c");
  EXPECT_EQ(options.schema, "s");
  EXPECT_EQ(options.settings.at("spark.sql.x"), "1");
  EXPECT_FALSE(options.links);
  EXPECT_TRUE(options.arrow);
  EXPECT_EQ(options.downloads_max, 8);
  EXPECT_EQ(options.poll_first_ms, 50);
  EXPECT_EQ(options.call_timeout_ms, 60'000);
  EXPECT_EQ(options.throttled_deadline_ms, 0);
  EXPECT_EQ(options.unavailable_deadline_ms, 900'000) << "not said";
  EXPECT_EQ(ChannelOptions(Parsed("jdbc:spark://127.0.0.1:1;ssl=0"), token).endpoint.url,
            "http://127.0.0.1:1");
}

TEST(HttpPath, IsDerivedFromClusterAndWorkspace) {
  EXPECT_EQ(ClusterPath("12", "0101-x"), "/sql/protocolv1/o/12/0101-x");
  EXPECT_EQ(ClusterPath("", "0101-x"), "/sql/protocolv1/o/0/0101-x");
  EXPECT_EQ(WarehousePath("a/b"), "/sql/1.0/warehouses/a%2Fb");
  EXPECT_EQ(OrgOfWorkspace("https://adb-12.3.azuredatabricks.net"), "12");
  EXPECT_EQ(OrgOfWorkspace("adb-12.3.azuredatabricks.net/"), "12");
  EXPECT_EQ(OrgOfWorkspace("https://x.example/?a=1&o=77"), "77");
  EXPECT_EQ(OrgOfWorkspace("https://x.example"), "");
}

}  // namespace
}  // namespace mms::databricks
