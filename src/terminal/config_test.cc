#include "terminal/config.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace mms::terminal {
namespace {

constexpr const char* kWhole = R"(
source:
  workspace: https://adb-1.2.azuredatabricks.net
  catalog: main
  cluster: 0101-120000-abc
  token: env:MMS_TEST_TOKEN
  storage: {account: lake, sas: file:keys/sas, endpoint: "http://127.0.0.1:10000/lake"}
target:
  project: dw
  schema: staging
  endpoint: https://service.example.com/api
  tunnel_endpoint: https://tunnel.example.com
  access_key_id: env:MMS_TEST_ID
  access_key_secret: env:MMS_TEST_SECRET
  security_token: env:MMS_TEST_STS
  region: cn-hangzhou
tables:
  - {include: ["sales.*", "hr.staff"], exclude: ["sales.tmp_*", "x"]}
  - {location: "abfss://c@lake.dfs.core.windows.net/t", as: events}
policy: {verify: count, tasks: 3, workers: 5, sessions: 48, split_mb: 128, create_partition: sql}
state: state/dw
)";

class ConfigFile : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = std::filesystem::temp_directory_path() / ("mms_config_" + std::to_string(::getpid()));
    std::filesystem::create_directories(folder_ / "keys");
    std::ofstream(folder_ / "keys" / "sas") << "sv=1&sig=abcdefgh\n";
    ::setenv("MMS_TEST_TOKEN", "token-value", 1);
    ::setenv("MMS_TEST_ID", "id-value", 1);
    ::setenv("MMS_TEST_SECRET", "secret-value", 1);
    ::setenv("MMS_TEST_STS", "sts-value", 1);
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  Result<Config> Parse(const std::string& text, SecretUse secrets = SecretUse::kResolve) {
    return ParseConfig(text, (folder_ / "mms.yaml").string(), secrets);
  }

  std::filesystem::path folder_;
};

TEST_F(ConfigFile, EveryKeyReachesItsOption) {
  const Result<Config> config = Parse(kWhole);
  ASSERT_TRUE(config) << config.error().ToString();
  const migration::RunOptions& options = config->options;
  EXPECT_EQ(options.source.workspace, "https://adb-1.2.azuredatabricks.net");
  EXPECT_EQ(options.source.catalog, "main");
  EXPECT_EQ(options.source.cluster, "0101-120000-abc");
  EXPECT_EQ(options.source.sign_in.token.Reveal(), "token-value");
  EXPECT_EQ(options.source.storage.account, "lake");
  EXPECT_EQ(options.source.storage.sas.Reveal(), "sv=1&sig=abcdefgh");
  EXPECT_EQ(options.source.storage.endpoint, "http://127.0.0.1:10000/lake");
  EXPECT_EQ(options.target.project, "dw");
  EXPECT_EQ(options.target.schema, "staging");
  EXPECT_EQ(options.target.endpoint, "https://service.example.com/api");
  EXPECT_EQ(options.target.tunnel_endpoint, "https://tunnel.example.com");
  EXPECT_EQ(options.target.credentials.access_key_id, "id-value");
  EXPECT_EQ(options.target.credentials.access_key_secret.Reveal(), "secret-value");
  EXPECT_EQ(options.target.credentials.security_token.Reveal(), "sts-value");
  EXPECT_EQ(options.target.credentials.region, "cn-hangzhou");
  ASSERT_EQ(options.tables.size(), 3u);
  EXPECT_EQ(options.tables[0].include, "sales.*");
  EXPECT_EQ(options.tables[1].include, "hr.staff");
  for (int i : {0, 1}) {
    EXPECT_EQ(options.tables[static_cast<size_t>(i)].exclude,
              (std::vector<std::string>{"sales.tmp_*", "x"}));
  }
  EXPECT_EQ(options.tables[2].location, "abfss://c@lake.dfs.core.windows.net/t");
  EXPECT_EQ(options.tables[2].as, "events");
  EXPECT_EQ(options.verify, migration::VerifyLevel::kCount);
  EXPECT_EQ(options.tasks, 3);
  EXPECT_EQ(options.workers, 5);
  EXPECT_EQ(options.sessions_max, 48);
  EXPECT_EQ(options.plan.split_bytes, 128 << 20);
  EXPECT_FALSE(options.create_partition_by_session);
  EXPECT_EQ(options.state_folder, (folder_ / "state" / "dw").string());
}

TEST_F(ConfigFile, ATokenOrAServicePrincipalSignsIn) {
  const std::string token = "  token: env:MMS_TEST_TOKEN\n";
  const auto replaced = [&](const std::string& text) {
    std::string changed = kWhole;
    return changed.replace(changed.find(token), token.size(), text);
  };
  const Result<Config> by_file = Parse(replaced("  token: file:keys/sas\n"));
  ASSERT_TRUE(by_file) << by_file.error().ToString();
  EXPECT_EQ(by_file->options.source.sign_in.token_file, (folder_ / "keys" / "sas").string());
  const std::string oauth = "  oauth: {client_id: app, client_secret: env:MMS_TEST_TOKEN}\n";
  const Result<Config> by_oauth = Parse(replaced(oauth));
  ASSERT_TRUE(by_oauth) << by_oauth.error().ToString();
  const databricks::SignIn& sign_in = by_oauth->options.source.sign_in;
  EXPECT_EQ(sign_in.client_id, "app");
  EXPECT_EQ(sign_in.client_secret.Reveal(), "token-value");
  EXPECT_TRUE(sign_in.token.empty());
  const Result<Config> both = Parse(replaced(token + oauth));
  ASSERT_FALSE(both);
  EXPECT_NE(both.error().message().find("keep one of them"), std::string::npos);
}

TEST_F(ConfigFile, ViewsAreCopiedByTheEntryThatAsksForThem) {
  std::string text = kWhole;
  const std::string entry = "\"hr.staff\"], ";
  text.replace(text.find(entry), entry.size(), entry + "views: true, ");
  const Result<Config> config = Parse(text);
  ASSERT_TRUE(config) << config.error().ToString();
  const auto& tables = config->options.tables;
  ASSERT_EQ(tables.size(), 3u);
  EXPECT_TRUE(tables[0].views && tables[1].views);
  EXPECT_FALSE(tables[2].views);
}

TEST_F(ConfigFile, ReportNeedsNoSecretButStillRefusesALiteralOne) {
  ::unsetenv("MMS_TEST_TOKEN");
  std::filesystem::remove(folder_ / "keys" / "sas");
  const Result<Config> config = Parse(kWhole, SecretUse::kIgnore);
  ASSERT_TRUE(config) << config.error().ToString();
  EXPECT_TRUE(config->options.source.sign_in.empty());

  std::string literal = kWhole;
  literal.replace(literal.find("env:MMS_TEST_TOKEN"), 18, "dapi0123456789");
  const Result<Config> refused = Parse(literal, SecretUse::kIgnore);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), "SECRET_LITERAL");
  EXPECT_EQ(refused.error().ToString().find("dapi"), std::string::npos);
}

TEST_F(ConfigFile, TheKeyIdMayBeLiteral) {
  std::string text = kWhole;
  text.replace(text.find("env:MMS_TEST_ID"), 15, "LTAI-literal");
  const Result<Config> config = Parse(text);
  ASSERT_TRUE(config) << config.error().ToString();
  EXPECT_EQ(config->options.target.credentials.access_key_id, "LTAI-literal");
}

TEST_F(ConfigFile, PartitionsMayBeMadeByTheUploadSession) {
  std::string text = kWhole;
  text.replace(text.find("create_partition: sql"), 21, "create_partition: session");
  const Result<Config> config = Parse(text);
  ASSERT_TRUE(config) << config.error().ToString();
  EXPECT_TRUE(config->options.create_partition_by_session);
}

TEST_F(ConfigFile, HowChecksumsAreReadBackMayBeChosen) {
  const Result<Config> config = Parse(kWhole);
  ASSERT_TRUE(config) << config.error().ToString();
  EXPECT_EQ(config->options.verify_by, migration::VerifyBy::kAuto);
  std::string text = kWhole;
  text.replace(text.find("verify: count"), 13, "verify_by: select");
  const Result<Config> chosen = Parse(text);
  ASSERT_TRUE(chosen) << chosen.error().ToString();
  EXPECT_EQ(chosen->options.verify_by, migration::VerifyBy::kSelect);
}

TEST_F(ConfigFile, TheCodecIsChosenByMeasuringUnlessItIsNamed) {
  EXPECT_EQ(Parse(kWhole)->options.codec, std::nullopt);
  for (const maxcompute::Codec codec : maxcompute::kCodecs) {
    std::string text = kWhole;
    text.insert(text.find("  project: dw"),
                "  codec: " + std::string(maxcompute::CodecName(codec)) + "\n");
    const Result<Config> config = Parse(text);
    ASSERT_TRUE(config) << config.error().ToString();
    EXPECT_EQ(config->options.codec, codec);
  }
}

TEST_F(ConfigFile, ATunnelQuotaIsTheSharedOneUnlessItIsNamed) {
  EXPECT_EQ(Parse(kWhole)->options.target.quota_name, "");
  std::string text = kWhole;
  text.insert(text.find("  project: dw"), "  quota: leased\n");
  const Result<Config> config = Parse(text);
  ASSERT_TRUE(config) << config.error().ToString();
  EXPECT_EQ(config->options.target.quota_name, "leased");
}

TEST_F(ConfigFile, SecretVariablesLeaveTheEnvironment) {
  const Result<Config> config = Parse(kWhole);
  ASSERT_TRUE(config);
  ForgetSecretVariables(*config);
  EXPECT_EQ(::getenv("MMS_TEST_TOKEN"), nullptr);
  EXPECT_EQ(::getenv("MMS_TEST_SECRET"), nullptr);
  EXPECT_EQ(::getenv("MMS_TEST_STS"), nullptr);
  EXPECT_NE(::getenv("PATH"), nullptr);
}

TEST_F(ConfigFile, TablesByLocationNeedNoCatalog) {
  const Result<Config> config = Parse(
      "target: {project: p, endpoint: http://h, access_key_id: a, access_key_secret: "
      "env:MMS_TEST_SECRET}\n"
      "tables: [{location: 'file:///data/t'}]\n"
      "state: s\n");
  ASSERT_TRUE(config) << config.error().ToString();
  EXPECT_EQ(config->options.verify, migration::VerifyLevel::kChecksum);
  EXPECT_TRUE(config->options.source.workspace.empty());
}

struct BadFile {
  const char* name;
  const char* find;  ///< text of kWhole to replace
  const char* replace;
  const char* code;
  const char* says;  ///< must stand in the message
  int line;          ///< must stand in the message; 0 = no line
};

void PrintTo(const BadFile& bad, std::ostream* out) { *out << bad.name; }

class ConfigError : public ConfigFile, public testing::WithParamInterface<BadFile> {};

TEST_P(ConfigError, NamesTheLineTheKeyAndTheFix) {
  const BadFile& bad = GetParam();
  std::string text = kWhole;
  const size_t at = text.find(bad.find);
  ASSERT_NE(at, std::string::npos);
  text.replace(at, std::string(bad.find).size(), bad.replace);
  const Result<Config> config = Parse(text);
  ASSERT_FALSE(config);
  const std::string message = config.error().ToString();
  EXPECT_EQ(config.error().kind(), ErrorKind::kInvalidInput);
  EXPECT_EQ(config.error().code(), bad.code) << message;
  EXPECT_NE(message.find(bad.says), std::string::npos) << message;
  EXPECT_NE(message.find("mms.yaml"), std::string::npos) << message;
  if (bad.line > 0) {
    EXPECT_NE(message.find("line " + std::to_string(bad.line) + ":"), std::string::npos) << message;
  }
}

INSTANTIATE_TEST_SUITE_P(
    Every, ConfigError,
    testing::Values(
        BadFile{"UnknownTopKey", "policy:", "polcy:", "CONFIG_UNKNOWN_KEY",
                "polcy is not a known key; did you mean policy?", 20},
        BadFile{"UnknownNestedKey", "  token:", "  tokn:", "CONFIG_UNKNOWN_KEY",
                "source.tokn is not a known key; did you mean token?", 6},
        BadFile{"UnknownStorageKey", "sas: file", "sass: file", "CONFIG_UNKNOWN_KEY",
                "source.storage.sass is not a known key; did you mean sas?", 7},
        BadFile{"SwappedLetters", "workers: 5", "wrokers: 5", "CONFIG_UNKNOWN_KEY",
                "did you mean workers?", 20},
        BadFile{"FarFromEveryKey", "  cluster:", "  zzzzzzzzzzz:", "CONFIG_UNKNOWN_KEY",
                "source.zzzzzzzzzzz is not a known key (known here: workspace, catalog", 5},
        BadFile{"UnknownTableKey", "as: events", "ass: events", "CONFIG_UNKNOWN_KEY",
                "tables[1].ass is not a known key; did you mean as?", 19},
        BadFile{"DuplicateKey", "  catalog: main", "  catalog: main\n  catalog: other",
                "CONFIG_DUPLICATE_KEY", "source.catalog stands twice", 5},
        BadFile{"LiteralToken", "env:MMS_TEST_TOKEN", "dapi0123", "SECRET_LITERAL",
                "source.token: a secret must not stand in the file; write env:NAME", 6},
        BadFile{"LiteralSas", "file:keys/sas", "sv=2024", "SECRET_LITERAL", "source.storage.sas",
                7},
        BadFile{"LiteralKeySecret", "env:MMS_TEST_SECRET", "abc", "SECRET_LITERAL",
                "target.access_key_secret", 14},
        BadFile{"VariableNotSet", "env:MMS_TEST_STS", "env:MMS_NO_SUCH", "SECRET_NOT_SET",
                "MMS_NO_SUCH is not set", 15},
        BadFile{"SecretFileGone", "keys/sas", "keys/none", "SECRET_UNREADABLE", "keys/none", 7},
        BadFile{"TextIsAList", "catalog: main", "catalog: [main]", "CONFIG_TYPE",
                "source.catalog must be a text, not a list", 4},
        BadFile{"TextIsEmpty", "catalog: main", "catalog:", "CONFIG_TYPE",
                "source.catalog is empty", 4},
        BadFile{"SectionIsText",
                "policy: {verify: count, tasks: 3, workers: 5, sessions: 48, "
                "split_mb: 128, create_partition: sql}",
                "policy: fast", "CONFIG_TYPE",
                "policy must be a mapping of verify, verify_by, tasks", 20},
        BadFile{"TablesIsAMapping",
                "tables:\n  - {include: [\"sales.*\", \"hr.staff\"], "
                "exclude: [\"sales.tmp_*\", \"x\"]}\n  - {location: "
                "\"abfss://c@lake.dfs.core.windows.net/t\", as: events}",
                "tables: {include: a}", "CONFIG_TYPE", "tables must be a list, not a mapping", 17},
        BadFile{"NumberIsText", "tasks: 3", "tasks: many", "CONFIG_TYPE",
                "policy.tasks must be a whole number from 1 to 64", 20},
        BadFile{"NumberWithUnit", "split_mb: 128", "split_mb: 128M", "CONFIG_TYPE",
                "policy.split_mb must be a whole number", 20},
        BadFile{"NumberTooSmall", "workers: 5", "workers: 0", "CONFIG_VALUE",
                "policy.workers must be a whole number from 1 to", 20},
        BadFile{"NumberBeyondInt64", "workers: 5", "workers: 99999999999999999999", "CONFIG_VALUE",
                "policy.workers", 20},
        BadFile{
            "UnknownWord", "verify: count", "verify: cuont", "CONFIG_VALUE",
            "policy.verify must be one of none, count, count_both, checksum; did you mean count?",
            20},
        BadFile{"VerifyBy", "verify: count", "verify_by: sql", "CONFIG_VALUE",
                "one of auto, sessions, select", 20},
        BadFile{"CreatePartition", "create_partition: sql", "create_partition: rest",
                "CONFIG_VALUE", "one of sql, session", 20},
        BadFile{"CommaInInclude", "include: [\"sales.*\", \"hr.staff\"]",
                "include: \"sales.*,hr.staff\"", "CONFIG_VALUE",
                "tables[0].include holds a comma; write several patterns as a list", 18},
        BadFile{"TwoForms", "as: events", "include: x", "CONFIG_VALUE", "tables[1] mixes two forms",
                19},
        BadFile{"ViewsOfALocation", "as: events", "as: events, views: true", "CONFIG_VALUE",
                "tables[1] mixes two forms", 19},
        BadFile{"ViewsIsNoAnswer", "include: [\"sales.*\", \"hr.staff\"]",
                "include: \"sales.*\", views: some", "CONFIG_VALUE",
                "tables[0].views must be one of false, true", 18},
        BadFile{"AsWithoutLocation", "location: \"abfss://c@lake.dfs.core.windows.net/t\", ", "",
                "CONFIG_MISSING", "tables[1].location is missing", 19},
        BadFile{"ExcludeAlone", "include: [\"sales.*\", \"hr.staff\"], ", "", "CONFIG_MISSING",
                "tables[0].include is missing", 18},
        BadFile{"EmptyIncludeList", "[\"sales.*\", \"hr.staff\"]", "[]", "CONFIG_TYPE",
                "tables[0].include is an empty list", 18},
        BadFile{"NoWorkspace", "  workspace: https://adb-1.2.azuredatabricks.net\n", "",
                "CONFIG_MISSING", "source.workspace is missing", 0},
        BadFile{"NoToken", "  token: env:MMS_TEST_TOKEN\n", "", "CONFIG_MISSING",
                "source.token (or source.oauth) is missing", 0},
        BadFile{"NoProject", "  project: dw\n", "", "CONFIG_MISSING", "target.project is missing",
                0},
        BadFile{"NoEndpoint", "  endpoint: https://service.example.com/api\n", "", "CONFIG_MISSING",
                "target.endpoint is missing", 0},
        BadFile{"NoKeySecret", "  access_key_secret: env:MMS_TEST_SECRET\n", "", "CONFIG_MISSING",
                "target.access_key_secret is missing", 0},
        BadFile{"NoState", "state: state/dw\n", "", "CONFIG_MISSING", "state is missing", 0},
        BadFile{"EndpointWithoutScheme", "https://service.example.com/api", "service.example.com",
                "CONFIG_VALUE", "target.endpoint must be an address that begins with https://", 11},
        BadFile{"PasswordInEndpoint", "https://service.example.com/api", "https://u:p@example.com",
                "CONFIG_VALUE", "target.endpoint must not carry a user", 11},
        BadFile{"SasInEndpoint", "http://127.0.0.1:10000/lake", "http://127.0.0.1/lake?sig=abc",
                "CONFIG_VALUE", "must not carry a query", 7},
        BadFile{"BrokenYaml", "  project: dw", "  project: [dw", "CONFIG_SYNTAX",
                "not readable as YAML", 0},
        BadFile{"TwoDocuments", "state: state/dw\n", "state: s\n---\na: b\n", "CONFIG_SYNTAX",
                "several YAML documents", 0}),
    [](const auto& info) { return std::string(info.param.name); });

TEST_F(ConfigFile, AnEmptyFileAListAndAFolderAreToldApart) {
  const Result<Config> empty = Parse("");
  ASSERT_FALSE(empty);
  EXPECT_EQ(empty.error().code(), "CONFIG_SYNTAX");
  const Result<Config> list = Parse("- a\n");
  ASSERT_FALSE(list);
  EXPECT_EQ(list.error().code(), "CONFIG_TYPE");
  const Result<Config> folder = LoadConfig(folder_.string(), SecretUse::kResolve);
  ASSERT_FALSE(folder);
  EXPECT_EQ(folder.error().code(), "CONFIG_UNREADABLE");
  const Result<Config> gone = LoadConfig((folder_ / "none.yaml").string(), SecretUse::kResolve);
  ASSERT_FALSE(gone);
  EXPECT_EQ(gone.error().code(), "CONFIG_UNREADABLE");
}

TEST_F(ConfigFile, NoMessageEverShowsAValueThatStoodInASecretsPlace) {
  for (const char* setting : {"token: env:MMS_TEST_TOKEN", "security_token: env:MMS_TEST_STS"}) {
    for (const char* form : {"[%]", "{a: %}", "%", "'%", "{%: a}"}) {
      std::string value = form;
      value.replace(value.find('%'), 1, "CANARY0123456789");
      const std::string key = std::string(setting).substr(0, std::string(setting).find(':') + 1);
      std::string text = kWhole;
      text.replace(text.find(setting), std::string(setting).size(), key + " " + value);
      const Result<Config> config = Parse(text);
      ASSERT_FALSE(config) << value;
      EXPECT_EQ(config.error().ToString().find("CANARY"), std::string::npos)
          << config.error().ToString();
    }
  }
}

}  // namespace
}  // namespace mms::terminal
