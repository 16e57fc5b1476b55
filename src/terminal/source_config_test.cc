#include "terminal/source_config.h"

#include <gtest/gtest.h>

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
