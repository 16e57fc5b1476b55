#include "terminal/source_config.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <utility>

#include "terminal/config.h"

namespace mms::terminal {
namespace {

/// A file whose `source:` has these lines.
std::string File(const std::string& source) {
  return "source:\n" + source +
         "target: {project: dw, endpoint: 'https://odps', access_key_id: id, "
         "access_key_secret: 'env:K'}\n"
         "tables: [{location: 'file:///lake/t'}]\n"
         "state: ./state\n";
}

Result<Config> Parse(const std::string& source) {
  return ParseConfig(File(source), "mms.yaml", SecretUse::kIgnore);
}

TEST(SourceConfig, ReadsEveryKey) {
  const auto config = Parse(
      "  workspace: adb-1234567890123456.7.azuredatabricks.net/?o=1\n"
      "  catalog: main\n"
      "  cluster: 0101-120000-abcdefgh\n"
      "  token: env:DATABRICKS_TOKEN\n"
      "  schema_whitelist: sales, hr\n"
      "  schema_blacklist: [tmp, old]\n"
      "  table_whitelist: [\"sales.orders, staff\", \"*.roles\"]\n"
      "  table_blacklist: sales.secret\n"
      "  metastore_concurrency: 4\n");
  ASSERT_TRUE(config) << config.error().ToString();
  const migration::SourceOptions& source = config->options.source;
  EXPECT_EQ(source.workspace, "https://adb-1234567890123456.7.azuredatabricks.net");
  EXPECT_EQ(source.catalog, "main");
  EXPECT_EQ(source.cluster, "0101-120000-abcdefgh");
  EXPECT_EQ(source.warehouse, "");
  using Names = std::vector<std::string>;
  EXPECT_EQ(source.filter.schema_whitelist, (Names{"sales", "hr"}));
  EXPECT_EQ(source.filter.schema_blacklist, (Names{"tmp", "old"}));
  EXPECT_EQ(source.filter.table_whitelist, (Names{"sales.orders", "staff", "*.roles"}));
  EXPECT_EQ(source.filter.table_blacklist, Names{"sales.secret"});
  EXPECT_EQ(source.metastore_concurrency, 4);
}

TEST(SourceConfig, LeavesOutWhatIsNotSaid) {
  const auto config = Parse("  warehouse: 00aa11bb22cc33dd\n");
  ASSERT_TRUE(config) << config.error().ToString();
  EXPECT_EQ(config->options.source.workspace, "");
  EXPECT_EQ(config->options.source.warehouse, "00aa11bb22cc33dd");
  EXPECT_TRUE(config->options.source.filter.Empty());
  EXPECT_EQ(config->options.source.metastore_concurrency, 10);
}

TEST(SourceConfig, SqlReadsAllTablesWhereItHasAPlaceToRun) {
  const auto by_cluster = Parse("  cluster: 0101-120000-abcdefgh\n  jdbc: true\n");
  ASSERT_TRUE(by_cluster) << by_cluster.error().ToString();
  EXPECT_TRUE(by_cluster->options.source.jdbc);
  EXPECT_TRUE(by_cluster->options.source.jdbc_url.empty());
  const std::string url = "jdbc:databricks://h:443/default;httpPath=/sql/1.0/warehouses/00aa";
  const auto by_url = Parse("  jdbc: true\n  jdbc_url: \"" + url + "\"\n");
  ASSERT_TRUE(by_url) << by_url.error().ToString();
  EXPECT_EQ(by_url->options.source.jdbc_url.Reveal(), url);
  const auto without = Parse("  cluster: 0101-120000-abcdefgh\n");
  ASSERT_TRUE(without) << without.error().ToString();
  EXPECT_FALSE(without->options.source.jdbc);
}

TEST(SourceConfig, AJdbcUrlWithAnyCredentialIsGivenByReference) {
  const std::string url = "jdbc:databricks://h;httpPath=/p;";
  for (const char* credential :
       {"PWD=dapiCANARY", "AuthMech=11;Auth_AccessToken=dapiCANARY",
        "AuthMech=11;Auth_Flow=1;OAuth2ClientId=app;OAuth2Secret=dapiCANARY"}) {
    const auto config = Parse("  jdbc_url: \"" + url + credential + "\"\n");
    ASSERT_FALSE(config) << credential;
    const std::string text = config.error().ToString();
    EXPECT_NE(text.find("source.jdbc_url holds a credential"), std::string::npos) << text;
    EXPECT_EQ(text.find("CANARY"), std::string::npos) << text;
  }
  ::setenv("MMS_TEST_JDBC", (url + "PWD=dapiCANARY").c_str(), 1);
  ::setenv("MMS_TEST_KEY", "key", 1);
  std::string file = File("  jdbc_url: env:MMS_TEST_JDBC\n");
  file.replace(file.find("env:K"), 5, "env:MMS_TEST_KEY");
  const auto referred = ParseConfig(file, "mms.yaml", SecretUse::kResolve);
  ASSERT_TRUE(referred) << referred.error().ToString();
  EXPECT_EQ(referred->options.source.jdbc_url.Reveal(), url + "PWD=dapiCANARY");
  ::setenv("MMS_TEST_JDBC", (url + "AuthMech=7;PWD=dapiCANARY").c_str(), 1);
  const auto wrong = ParseConfig(file, "mms.yaml", SecretUse::kResolve);
  ASSERT_FALSE(wrong) << "what a reference leads to is looked at too";
  EXPECT_EQ(wrong.error().code(), "JDBC_KEY");
  EXPECT_EQ(wrong.error().ToString().find("CANARY"), std::string::npos);
}

TEST(SourceConfig, AJdbcUrlsKeysThatCannotBeFollowedAreNamed) {
  ::setenv("MMS_TEST_KEY", "key", 1);
  const std::pair<const char*, const char*> wrong[] = {
      {"AuthMech=11;Auth_Flow=1;OAuth2ClientId=app;OAuth2Secret=s", "set source.oauth"},
      {"UseProxy=1;ProxyHost=p;ProxyPort=1", "UseProxy in the JDBC URL"},
      {"UseCFProxy=1;CFProxyHost=p;CFProxyPort=1", "UseCFProxy in the JDBC URL"},
      {"UseSystemProxy=1", "UseSystemProxy in the JDBC URL"},
      {"ssl=0", "ssl in the JDBC URL"},
      {"SSLTrustStore=/keys", "SSLTrustStore in the JDBC URL"},
      {"transportMode=binary", "transportMode in the JDBC URL"},
  };
  for (const auto& [keys, says] : wrong) {
    ::setenv("MMS_TEST_JDBC", (std::string("jdbc:databricks://h;httpPath=/p;") + keys).c_str(), 1);
    std::string file = File("  jdbc_url: env:MMS_TEST_JDBC\n");
    file.replace(file.find("env:K"), 5, "env:MMS_TEST_KEY");
    const auto config = ParseConfig(file, "mms.yaml", SecretUse::kResolve);
    ASSERT_FALSE(config) << keys;
    EXPECT_EQ(config.error().code(), "JDBC_KEY");
    EXPECT_NE(config.error().ToString().find(says), std::string::npos) << config.error().ToString();
  }
}

TEST(SourceConfig, NamesFileLineAndKeyOfAWrongValueAndWhatIsRight) {
  const std::pair<const char*, const char*> wrong[] = {
      {"  catalog: main\n  workspace: https://accounts.azuredatabricks.net\n",
       "mms.yaml, line 3: source.workspace must name one workspace"},
      {"  catalog: main.sales\n",
       "mms.yaml, line 2: source.catalog must be the name of one catalog"},
      {"  cluster: my cluster\n", "source.cluster must be the id of a cluster"},
      {"  cluster: 00aa11bb22cc33dd\n", "source.warehouse"},
      {"  warehouse: big\n", "source.warehouse must be the id of a SQL warehouse"},
      {"  cluster: 0101-120000-abc\n  warehouse: 00aa11bb22cc33dd\n", "both set"},
      {"  schema_whitelist: main.sales\n", "source.schema_whitelist has the entry \"main.sales\""},
      {"  schema_blacklist: [a, \"b,,c\"]\n", "remove the comma"},
      {"  table_whitelist: sales.*\n", "patterns go to tables[].include"},
      {"  table_blacklist: main.sales.orders\n", "without the catalog"},
      {"  metastore_concurrency: 0\n", "source.metastore_concurrency"},
      {"  schema_whitelst: a\n", "schema_whitelist"},
      {"  jdbc: true\n", "set source.cluster, source.warehouse or source.jdbc_url"},
      {"  jdbc: maybe\n", "source.jdbc must be one of false, true"},
      {"  jdbc_url: \"jdbc:mysql://h\"\n", "source.jdbc_url"},
      {"  jdbc_url: \"jdbc:databricks://h:443\"\n", "has no httpPath"},
  };
  for (const auto& [source, says] : wrong) {
    const auto config = Parse(source);
    ASSERT_FALSE(config) << source;
    EXPECT_EQ(config.error().kind(), ErrorKind::kInvalidInput);
    EXPECT_NE(config.error().ToString().find(says), std::string::npos) << config.error().ToString();
  }
}

}  // namespace
}  // namespace mms::terminal
