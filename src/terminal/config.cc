#include "terminal/config.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "base/secret.h"
#include "base/sha256.h"
#include "clients/databricks/jdbc_url.h"
#include "migration/inspect/source_settings.h"
#include "terminal/network_config.h"
#include "terminal/policy_config.h"
#include "terminal/source_config.h"
#include "terminal/yaml_map.h"

namespace mms::terminal {
namespace {

namespace fs = std::filesystem;

/// What every section needs: the folder of the file, and where secrets go.
struct Reader {
  fs::path folder;
  SecretUse secrets = SecretUse::kResolve;
  Config config;
  migration::TableKind kind = migration::TableKind::kStandard;  ///< of entries that name none
  Networks networks;

  std::string Absolute(const std::string& path) const {
    const fs::path given(path);
    return (given.is_absolute() ? given : folder / given).lexically_normal().string();
  }
};

bool IsReference(std::string_view text) {
  return text.starts_with("env:") || text.starts_with("file:");
}

Result<Secret> ReadReference(Reader& reader, const YamlMap& map, std::string_view key,
                             std::string reference) {
  if (reference.starts_with("file:")) reference = "file:" + reader.Absolute(reference.substr(5));
  if (IsReference(reference) && reader.secrets == SecretUse::kIgnore) return Secret();
  Result<Secret> secret = ResolveSecret(reference, map.NameOf(key));
  if (!secret) {
    const Error& error = secret.error();
    return map.Fail(error.code(), key, error.message());
  }
  if (reference.starts_with("env:")) {
    reader.config.secret_variables.push_back(reference.substr(4));
  }
  return secret;
}

/// An empty secret when the key is absent.
Result<Secret> ReadSecret(Reader& reader, const YamlMap& map, std::string_view key) {
  TRY(std::string reference, map.Text(key));
  if (reference.empty()) return Secret();
  return ReadReference(reader, map, key, std::move(reference));
}

Result<Secret> ReadRequiredSecret(Reader& reader, const YamlMap& map, std::string_view key) {
  TRY(std::string reference, map.RequiredText(key));
  return ReadReference(reader, map, key, std::move(reference));
}

/// A JDBC URL: as it is, or by reference, which one with a credential in it has to be.
Status ReadJdbcUrl(Reader& reader, const YamlMap& source) {
  constexpr const char* kKey = "jdbc_url";
  TRY(std::string text, source.Text(kKey));
  if (text.empty()) return OkStatus();
  Secret& url = reader.config.options.source.jdbc_url;
  const bool reference = IsReference(text);
  if (reference) {
    TRY(url, ReadReference(reader, source, kKey, std::move(text)));
    if (reader.secrets != SecretUse::kResolve) return OkStatus();
  } else {
    url = Secret(std::move(text));
    const auto parsed = databricks::ParseJdbcUrl(url.Reveal());
    if (parsed && parsed->auth != databricks::JdbcAuth::kNone) {
      return source.Fail("CONFIG_VALUE", kKey,
                         source.NameOf(kKey) +
                             " holds a credential; leave it out and set source.token or "
                             "source.oauth, or give the URL as env:NAME or file:PATH");
    }
  }
  const Status checked = migration::CheckJdbcUrl(url);
  return checked ? OkStatus() : Status(AtKey(source, kKey, checked.error()));
}

/// An http(s) address; "" when absent.
Result<std::string> ReadAddress(const YamlMap& map, std::string_view key) {
  TRY(std::string address, map.Text(key));
  const bool http = address.starts_with("http://") || address.starts_with("https://");
  if (!address.empty() && !http) {
    return map.Fail("CONFIG_VALUE", key,
                    map.NameOf(key) + " must be an address that begins with https:// or http://");
  }
  const size_t authority = address.find("://");
  if (address.find('@') != std::string::npos && authority != std::string::npos) {
    return map.Fail("CONFIG_VALUE", key,
                    map.NameOf(key) +
                        " must not carry a user or password before the host; "
                        "credentials have keys of their own");
  }
  if (address.find('?') != std::string::npos) {
    return map.Fail("CONFIG_VALUE", key,
                    map.NameOf(key) +
                        " must not carry a query; put a SAS into "
                        "source.storage.sas as env:NAME or file:PATH");
  }
  return address;
}

NetworkReader NetworkReaderOf(Reader& reader) {
  return {
      [&reader](const YamlMap& map, std::string_view key) { return ReadSecret(reader, map, key); },
      [&reader](const std::string& path) { return reader.Absolute(path); }};
}

/// `auth` as written, else what the keys that are there are for.
Result<azure::StorageAuth> ReadAuth(const YamlMap& storage) {
  using azure::StorageAuth;
  static constexpr StorageAuth kAuths[] = {StorageAuth::kSas, StorageAuth::kServicePrincipal,
                                           StorageAuth::kVended};
  const char* principal_key = nullptr;
  for (const char* key : {"tenant_id", "client_id", "client_secret", "authority"}) {
    if (storage.Has(key)) principal_key = key;
  }
  const size_t fallback = principal_key != nullptr && !storage.Has("sas") ? 1 : 0;
  TRY(const size_t choice,
      storage.Choice("auth", {"sas", "service_principal", "vended"}, fallback));
  const StorageAuth auth = kAuths[choice];
  const char* stray = auth != StorageAuth::kSas && storage.Has("sas")           ? "sas"
                      : auth != StorageAuth::kServicePrincipal && principal_key ? principal_key
                                                                                : nullptr;
  if (stray == nullptr) return auth;
  static constexpr const char* kNames[] = {"a SAS", "a service principal", "vended credentials"};
  return storage.Fail("CONFIG_VALUE", stray,
                      storage.NameOf(stray) + " is not used with " + kNames[choice] +
                          "; remove it, or set " + storage.NameOf("auth") + " to what is meant");
}

Status ReadPrincipal(Reader& reader, const YamlMap& storage) {
  azure::ServicePrincipal& out = reader.config.options.source.storage.principal;
  TRY(out.tenant_id, storage.RequiredText("tenant_id"));
  TRY(out.client_id, storage.RequiredText("client_id"));
  TRY(out.client_secret, ReadRequiredSecret(reader, storage, "client_secret"));
  TRY(out.authority, ReadAddress(storage, "authority"));
  const std::string_view authority = out.authority;
  const bool loopback =
      authority.starts_with("http://127.0.0.1:") || authority.starts_with("http://localhost:");
  if (authority.starts_with("http://") && !loopback) {
    return storage.Fail(
        "CONFIG_VALUE", "authority",
        storage.NameOf("authority") + " must begin with https://: the client secret is sent there");
  }
  return OkStatus();
}

Status ReadStorage(Reader& reader, const YamlMap& source) {
  TRY(const auto storage, source.Map("storage", {"auth", "account", "sas", "tenant_id", "client_id",
                                                 "client_secret", "authority", "endpoint"}));
  if (!storage) return OkStatus();
  azure::StorageOptions& out = reader.config.options.source.storage;
  TRY(out.account, storage->Text("account"));
  TRY(out.endpoint, ReadAddress(*storage, "endpoint"));
  TRY(out.auth, ReadAuth(*storage));
  if (out.auth == azure::StorageAuth::kServicePrincipal) return ReadPrincipal(reader, *storage);
  TRY(out.sas, ReadSecret(reader, *storage, "sas"));
  TRY(const std::string reference, storage->Text("sas"));
  if (reference.starts_with("file:")) out.sas_file = reader.Absolute(reference.substr(5));
  return OkStatus();
}

/// A token, or a service principal of Databricks.
Status ReadSignIn(Reader& reader, const YamlMap& source) {
  databricks::SignIn& out = reader.config.options.source.sign_in;
  TRY(const auto oauth, source.Map("oauth", {"client_id", "client_secret"}));
  if (oauth) {
    if (source.Has("token")) {
      return source.Fail("CONFIG_VALUE", "token",
                         "source.token and source.oauth both say who signs in; keep one of them");
    }
    TRY(out.client_id, oauth->RequiredText("client_id"));
    TRY(out.client_secret, ReadRequiredSecret(reader, *oauth, "client_secret"));
    return OkStatus();
  }
  TRY(out.token, ReadSecret(reader, source, "token"));
  TRY(const std::string reference, source.Text("token"));
  if (reference.starts_with("file:")) out.token_file = reader.Absolute(reference.substr(5));
  return OkStatus();
}

Status ReadSource(Reader& reader, const YamlMap& root) {
  std::vector<std::string_view> keys = SourceKeys();
  keys.insert(keys.end(), {"token", "oauth", "storage", "network"});
  TRY(const auto source, root.Map("source", keys));
  if (!source) return OkStatus();
  migration::SourceOptions& out = reader.config.options.source;
  TRY_VOID(ReadSourceSettings(*source, &out));
  TRY_VOID(ReadSignIn(reader, *source));
  TRY_VOID(ReadJdbcUrl(reader, *source));
  TRY(out.http, ChooseNetwork(*source, reader.networks, NetworkReaderOf(reader)));
  return ReadStorage(reader, *source);
}

/// How the target is reached, and what its Tunnel and SQL are told.
Status ReadTransport(Reader& reader, const YamlMap& target) {
  migration::RunOptions& options = reader.config.options;
  TRY(options.target_http, ChooseNetwork(target, reader.networks, NetworkReaderOf(reader)));
  static constexpr std::optional<maxcompute::Codec> kCodecs[] = {std::nullopt,
                                                                 maxcompute::Codec::kRaw,
                                                                 maxcompute::Codec::kLz4,
                                                                 maxcompute::Codec::kZstd,
                                                                 maxcompute::Codec::kSnappy,
                                                                 maxcompute::Codec::kDeflate};
  TRY(const size_t codec,
      target.Choice("codec", {"auto", "raw", "lz4", "zstd", "snappy", "deflate"}, 0));
  options.codec = kCodecs[codec];
  TRY(options.target.quota_name, target.Text("quota"));
  TRY(options.target.sql_settings, target.Pairs("sql_settings"));
  TRY(options.target.logview_host, ReadAddress(target, "logview"));
  // In percent, so that a file holds whole numbers only.
  TRY(const int64_t percent, target.Number("limit_window_percent", 100, {1, 100}));
  options.limit_window_scale = static_cast<double>(percent) / 100;
  return OkStatus();
}

/// A key, fixed or renewed by a command or a file, or a bearer token.
Status ReadCredentials(Reader& reader, const YamlMap& target) {
  maxcompute::Credentials& out = reader.config.options.target.credentials;
  TRY(out.bearer_token, ReadSecret(reader, target, "bearer_token"));
  TRY(out.key_command, target.Text("key_command"));
  TRY(out.key_file, target.Text("key_file"));
  if (!out.key_file.empty()) out.key_file = reader.Absolute(out.key_file);
  TRY(out.region, target.Text("region"));
  const bool renewed = !out.key_command.empty() || !out.key_file.empty();
  if (renewed || target.Has("bearer_token")) return OkStatus();
  TRY(out.access_key_id, target.RequiredText("access_key_id"));
  if (IsReference(out.access_key_id)) {
    TRY(const Secret id, ReadReference(reader, target, "access_key_id", out.access_key_id));
    out.access_key_id = id.Reveal();
  }
  TRY(out.access_key_secret, ReadRequiredSecret(reader, target, "access_key_secret"));
  TRY(out.security_token, ReadSecret(reader, target, "security_token"));
  return OkStatus();
}

Status ReadTarget(Reader& reader, const YamlMap& root) {
  TRY(const auto target,
      root.Map("target", {"project",         "schema",         "endpoint",
                          "tunnel_endpoint", "access_key_id",  "access_key_secret",
                          "security_token",  "region",         "bearer_token",
                          "key_command",     "key_file",       "proxy",
                          "proxy_user",      "proxy_password", "ca_file",
                          "bandwidth_mb",    "codec",          "quota",
                          "sql_settings",    "logview",        "limit_window_percent",
                          "network"}));
  if (!target) {
    return root.Fail("CONFIG_MISSING", "target",
                     "target is missing; add target: {project, endpoint, access_key_id, "
                     "access_key_secret}");
  }
  maxcompute::Options& out = reader.config.options.target;
  TRY(out.project, target->RequiredText("project"));
  const Status project = migration::CheckProjectName(out.project);
  if (!project) return AtKey(*target, "project", project.error());
  TRY(out.schema, target->Text("schema"));
  if (!target->Has("endpoint")) return target->RequiredText("endpoint").error();
  TRY(out.endpoint, ReadAddress(*target, "endpoint"));
  TRY(out.tunnel_endpoint, ReadAddress(*target, "tunnel_endpoint"));
  TRY_VOID(ReadCredentials(reader, *target));
  return ReadTransport(reader, *target);
}

Status CheckPatterns(const YamlMap& entry, std::string_view key,
                     const std::vector<std::string>& patterns) {
  for (const std::string& pattern : patterns) {
    if (pattern.find(',') == std::string::npos) continue;
    return entry.Fail("CONFIG_VALUE", key,
                      entry.NameOf(key) + " holds a comma; write several patterns as a list: " +
                          std::string(key) + ": [\"sales.*\", \"hr.staff\"]");
  }
  return OkStatus();
}

Status ReadChoice(const YamlMap& entry, migration::TableKind kind,
                  std::vector<migration::TableChoice>& out) {
  TRY(const migration::TableSettings settings, ReadTableSettings(entry, kind));
  TRY(const auto includes, entry.Texts("include"));
  TRY(const auto excludes, entry.Texts("exclude"));
  TRY(const std::string location, entry.Text("location"));
  TRY(const std::string as, entry.Text("as"));
  TRY_VOID(CheckPatterns(entry, "include", includes));
  TRY_VOID(CheckPatterns(entry, "exclude", excludes));
  TRY(const size_t views, entry.Choice("views", {"false", "true"}, 0));
  const bool by_name = entry.Has("include") || entry.Has("exclude") || entry.Has("views");
  if (by_name && (entry.Has("location") || entry.Has("as"))) {
    return entry.Fail(
        "CONFIG_VALUE", "",
        entry.NameOf("") + " mixes two forms; use either include and exclude, or location and as");
  }
  if (includes.empty() && location.empty()) {
    const char* wanted = entry.Has("as") ? "location" : "include";
    return entry.Fail("CONFIG_MISSING", "",
                      entry.NameOf(wanted) +
                          " is missing; add include: \"schema.*\" or "
                          "location: abfss://...");
  }
  for (const std::string& include : includes) {
    migration::TableChoice choice;
    choice.include = include;
    choice.exclude = excludes;
    choice.settings = settings;
    choice.views = views == 1;
    out.push_back(std::move(choice));
  }
  if (!location.empty()) {
    migration::TableChoice choice;
    choice.location = location;
    choice.as = as;
    choice.settings = settings;
    out.push_back(std::move(choice));
  }
  return OkStatus();
}

Status ReadTables(Reader& reader, const YamlMap& root) {
  auto& tables = reader.config.options.tables;
  std::vector<std::string_view> keys = TableSettingsKeys();
  keys.insert(keys.begin(), {"include", "exclude", "views", "location", "as"});
  TRY_VOID(root.EachMap("tables", keys, [&](const YamlMap& entry) {
    return ReadChoice(entry, reader.kind, tables);
  }));
  if (tables.empty()) {
    return root.Fail("CONFIG_MISSING", "tables",
                     "tables is missing; add for example tables: [{include: \"sales.*\"}]");
  }
  return OkStatus();
}

/// Tables by name need the catalog they are looked up in.
Status CheckCatalog(const Reader& reader, const YamlMap& root) {
  const migration::SourceOptions& source = reader.config.options.source;
  for (const migration::TableChoice& choice : reader.config.options.tables) {
    if (choice.include.empty()) continue;
    const bool no_token = source.sign_in.empty() && reader.secrets == SecretUse::kResolve;
    const char* missing = source.workspace.empty() ? "source.workspace"
                          : source.catalog.empty() ? "source.catalog"
                          : no_token               ? "source.token (or source.oauth)"
                                                   : nullptr;
    if (missing == nullptr) return OkStatus();
    return root.Fail("CONFIG_MISSING", "source",
                     std::string(missing) +
                         " is missing; tables chosen by include are looked up in the catalog "
                         "(or name tables by location)");
  }
  return OkStatus();
}

Status ReadPolicy(Reader& reader, const YamlMap& root) {
  std::vector<std::string_view> keys = PolicyKeys();
  keys.insert(keys.begin(), {"verify", "verify_by", "tasks", "workers", "sessions", "split_mb",
                             "create_partition"});
  TRY(const auto policy, root.Map("policy", keys));
  if (!policy) return OkStatus();
  migration::RunOptions& out = reader.config.options;
  static constexpr migration::VerifyLevel kLevels[] = {
      migration::VerifyLevel::kNone, migration::VerifyLevel::kCount,
      migration::VerifyLevel::kCountBoth, migration::VerifyLevel::kChecksum};
  TRY(const size_t level, policy->Choice("verify", {"none", "count", "count_both", "checksum"}, 3));
  out.verify = kLevels[level];
  static constexpr migration::VerifyBy kBy[] = {
      migration::VerifyBy::kAuto, migration::VerifyBy::kSessions, migration::VerifyBy::kSelect};
  TRY(const size_t by, policy->Choice("verify_by", {"auto", "sessions", "select"}, 0));
  out.verify_by = kBy[by];
  TRY(const int64_t tasks, policy->Number("tasks", out.tasks, {1, 64}));
  TRY(const int64_t workers, policy->Number("workers", out.workers, {1, 256}));
  TRY(const int64_t sessions, policy->Number("sessions", out.sessions_max, {1, 1000}));
  TRY(const int64_t split_mb, policy->Number("split_mb", out.plan.split_bytes >> 20, {1, 4096}));
  TRY(const size_t create, policy->Choice("create_partition", {"sql", "session"}, 0));
  out.tasks = static_cast<int>(tasks);
  out.workers = static_cast<int>(workers);
  out.sessions_max = static_cast<int>(sessions);
  out.plan.split_bytes = split_mb << 20;
  out.create_partition_by_session = create == 1;
  TRY(PolicyMap rules, ReadPolicyMap(*policy));
  out.plan.policy = std::move(rules.policy);
  reader.kind = rules.kind;
  return OkStatus();
}

Result<Config> Read(const std::string& text, const std::string& file, SecretUse secrets) {
  Reader reader;
  std::error_code ignored;  // a current folder that is gone shows when a path is opened
  reader.folder = fs::absolute(file, ignored).parent_path();
  reader.secrets = secrets;
  TRY(const YamlMap root,
      YamlMap::Parse(text, file, {"source", "target", "networks", "tables", "policy", "state"}));
  TRY(reader.networks, ReadNetworks(root, NetworkReaderOf(reader)));
  TRY_VOID(ReadSource(reader, root));
  TRY_VOID(ReadTarget(reader, root));
  TRY_VOID(ReadPolicy(reader, root));  // before the tables: it has what they fall back to
  TRY_VOID(ReadTables(reader, root));
  TRY_VOID(CheckCatalog(reader, root));
  TRY(const std::string state, root.RequiredText("state"));
  reader.config.options.state_folder = reader.Absolute(state);
  return std::move(reader.config);
}

}  // namespace

Result<Config> ParseConfig(const std::string& text, const std::string& file, SecretUse secrets) {
  try {
    TRY(Config config, Read(text, file, secrets));
    config.path = fs::absolute(file).lexically_normal().string();
    config.sha256 = Sha256Of(text);
    return config;
  } catch (const YAML::Exception& exception) {
    return Error(ErrorKind::kInvalidInput, "CONFIG_SYNTAX",
                 "not readable as YAML (" + exception.msg + ")")
        .At(file);
  } catch (const fs::filesystem_error& exception) {
    return Error(ErrorKind::kInvalidInput, "CONFIG_UNREADABLE",
                 exception.code().message() + "; check the path given with -f")
        .At(file);
  }
}

Result<Config> LoadConfig(const std::string& file, SecretUse secrets) {
  std::error_code ignored;
  std::ifstream stream(file, std::ios::binary);
  std::ostringstream text;
  if (stream) text << stream.rdbuf();
  if (!stream.is_open() || stream.bad() || fs::is_directory(file, ignored)) {
    return Error(ErrorKind::kInvalidInput, "CONFIG_UNREADABLE",
                 "cannot read the file; check the path given with -f and its rights")
        .At(file);
  }
  return ParseConfig(text.str(), file, secrets);
}

void ForgetSecretVariables(const Config& config) {
  for (const std::string& name : config.secret_variables) ::unsetenv(name.c_str());
}

}  // namespace mms::terminal
