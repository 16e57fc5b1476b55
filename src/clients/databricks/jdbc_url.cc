#include "clients/databricks/jdbc_url.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <utility>

#include "base/http_client.h"
#include "base/lower_ascii.h"

namespace mms::databricks {
namespace {

bool SameWord(std::string_view a, std::string_view b) { return LowerAscii(a) == LowerAscii(b); }

Error BadForm(const std::string& what) {
  return Error(ErrorKind::kInvalidInput, "JDBC_URL",
               what + "; it is written jdbc:databricks://HOST:443/SCHEMA;httpPath=PATH;key=value");
}

Error BadKey(const std::string& key, const std::string& what) {
  return Error(ErrorKind::kInvalidInput, "JDBC_KEY",
               fmt::format("{} in the JDBC URL: {}", key, what));
}

bool IsLoopback(const std::string& host) {
  return host == "localhost" || host == "[::1]" || host.starts_with("127.");
}

std::optional<long> ParseNumber(std::string_view text) {
  long number = 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), number);
  const bool whole = failure == std::errc() && end == text.data() + text.size();
  return whole && number >= 0 ? std::optional<long>(number) : std::nullopt;
}

/// The key=value pairs; what is taken out of them is understood.
class Keys {
 public:
  static Result<Keys> Parse(std::string_view text) {
    Keys keys;
    while (!text.empty()) {
      const size_t end = text.find(';');
      const std::string_view pair = text.substr(0, end);
      text = end == text.npos ? "" : text.substr(end + 1);
      const size_t equals = pair.find('=');
      if (pair.find_first_not_of(' ') == pair.npos) continue;
      const size_t first = pair.find_first_not_of(' ');
      if (equals == pair.npos || equals == first) {
        // Not shown: it may be the rest of a password that holds a ';'.
        return BadForm("the JDBC URL has a part without key and '='");
      }
      const std::string key(pair.substr(first, equals - first));
      const std::string value = UrlDecode(pair.substr(equals + 1));
      if (!keys.pairs_.emplace(LowerAscii(key), Pair{key, value}).second) {
        return BadKey(key, "stands twice; leave one");
      }
    }
    return keys;
  }

  std::optional<std::string> Take(std::string_view key) {
    const auto found = pairs_.find(LowerAscii(key));
    if (found == pairs_.end()) return std::nullopt;
    std::string value = std::move(found->second.value);
    pairs_.erase(found);
    return value;
  }

  std::string TakeText(std::string_view key) { return Take(key).value_or(""); }

  Result<long> TakeNumber(const std::string& key, long absent) {
    const auto text = Take(key);
    if (!text) return absent;
    const auto number = ParseNumber(*text);
    if (!number) return BadKey(key, "must be a number");
    return *number;
  }

  Result<bool> TakeFlag(const std::string& key, bool absent) {
    const auto text = Take(key);
    if (!text) return absent;
    if (*text == "1" || SameWord(*text, "true")) return true;
    if (*text == "0" || SameWord(*text, "false")) return false;
    return BadKey(key, "must be 0 or 1");
  }

  /// Calls `visit` with key as written and value of each pair left.
  template <class Visit>
  Status ForEachLeft(Visit visit) const {
    for (const auto& [lower, pair] : pairs_) TRY_VOID(visit(lower, pair.key, pair.value));
    return OkStatus();
  }

 private:
  struct Pair {
    std::string key;
    std::string value;
  };
  std::map<std::string, Pair> pairs_;
};

Status ReadHost(std::string_view text, JdbcUrl& url) {
  const size_t slash = text.find('/');
  if (slash != text.npos) url.schema = UrlDecode(text.substr(slash + 1));
  text = text.substr(0, slash);
  const size_t bracket = text.starts_with('[') ? text.find(']') : 0;
  const size_t colon = bracket == text.npos ? text.npos : text.find(':', bracket);
  url.host = std::string(text.substr(0, colon));
  if (url.host.empty()) return BadForm("the JDBC URL names no host");
  if (url.host.find_first_of("@ ?#") != std::string::npos) {
    return BadForm("the host of the JDBC URL is none");
  }
  if (colon == text.npos) return OkStatus();
  const auto port = ParseNumber(text.substr(colon + 1));
  if (!port || *port < 1 || *port > 65535) return BadForm("the port of the JDBC URL is none");
  url.port = static_cast<int>(*port);
  return OkStatus();
}

Status ReadTransport(Keys& keys, JdbcUrl& url) {
  const std::string mode = keys.TakeText("transportMode");
  if (!mode.empty() && !SameWord(mode, "http")) {
    return BadKey("transportMode", "only http is spoken; write transportMode=http");
  }
  TRY(url.tls, keys.TakeFlag("ssl", true));
  if (!url.tls && !IsLoopback(url.host)) {
    return BadKey("ssl", "0 would send the token in the clear; remove it");
  }
  std::string path = keys.TakeText("httpPath");
  path = path.substr(0, path.find('?'));
  if (!path.empty() && !path.starts_with('/')) path.insert(0, "/");
  url.http_path = path;
  url.catalog = keys.TakeText("ConnCatalog");
  const std::string schema = keys.TakeText("ConnSchema");
  if (!schema.empty()) url.schema = schema;
  return OkStatus();
}

Status ReadOauth(Keys& keys, const std::string& flow, JdbcUrl& url) {
  if (flow == "0") {
    url.token = Secret(keys.TakeText("Auth_AccessToken"));
    url.auth = url.token.empty() ? JdbcAuth::kNone : JdbcAuth::kToken;
    return OkStatus();
  }
  if (flow != "1") {
    return BadKey("Auth_Flow",
                  "2 signs a person in through a browser, which a service cannot; use Auth_Flow=1 "
                  "with OAuth2ClientId and OAuth2Secret, or a token");
  }
  url.auth = JdbcAuth::kOauthMachine;
  url.oauth_client_id = keys.TakeText("OAuth2ClientId");
  url.oauth_secret = Secret(keys.TakeText("OAuth2Secret"));
  url.oauth_token_endpoint = keys.TakeText("OAuth2TokenEndpoint");
  url.oauth_scope = keys.TakeText("Auth_Scope");
  if (url.oauth_client_id.empty()) return BadKey("OAuth2ClientId", "Auth_Flow=1 needs it");
  if (url.oauth_secret.empty()) return BadKey("OAuth2Secret", "Auth_Flow=1 needs it");
  return OkStatus();
}

Status ReadAuth(Keys& keys, JdbcUrl& url) {
  const std::string mechanism = keys.Take("AuthMech").value_or("3");
  const std::string user = keys.TakeText("UID");
  Secret password(keys.TakeText("PWD"));
  const std::string flow = keys.Take("Auth_Flow").value_or("0");
  if (mechanism == "11") return ReadOauth(keys, flow, url);
  if (mechanism != "3") {
    return BadKey("AuthMech", "3 (token) and 11 (OAuth) are known; use AuthMech=3;UID=token");
  }
  if (!user.empty() && user != "token") {
    return BadKey("UID",
                  "with AuthMech=3 it must be the word token, and PWD a personal access "
                  "token; names and passwords are not accepted by Databricks");
  }
  url.auth = password.empty() ? JdbcAuth::kNone : JdbcAuth::kToken;
  url.token = std::move(password);
  return OkStatus();
}

/// A proxy whose keys begin with `prefix` ("Proxy", "CFProxy"), switched on by `use`.
Result<JdbcProxy> ReadProxy(Keys& keys, const std::string& use, const std::string& prefix) {
  TRY(const bool on, keys.TakeFlag(use, false));
  JdbcProxy proxy;
  proxy.host = keys.TakeText(prefix + "Host");
  TRY(const long port, keys.TakeNumber(prefix + "Port", 0));
  proxy.user = keys.TakeText(prefix + "UID");
  proxy.password = Secret(keys.TakeText(prefix + "PWD"));
  TRY(const long mechanism, keys.TakeNumber(prefix + "Auth", 0));
  if (mechanism > 1) return BadKey(prefix + "Auth", "0 (none) and 1 (user and password) are known");
  if (!on) return JdbcProxy();
  if (proxy.host.empty()) return BadKey(use, "names no proxy; add " + prefix + "Host");
  if (port < 1 || port > 65535) return BadKey(prefix + "Port", "must be 1 to 65535");
  proxy.port = static_cast<int>(port);
  if (mechanism == 0) proxy.user.clear();
  return proxy;
}

Status ReadProxies(Keys& keys, JdbcUrl& url) {
  TRY(url.proxy, ReadProxy(keys, "UseProxy", "Proxy"));
  TRY(url.link_proxy, ReadProxy(keys, "UseCFProxy", "CFProxy"));
  TRY(url.system_proxy, keys.TakeFlag("UseSystemProxy", false));
  if (!keys.TakeText("ProxyIgnoreList").empty()) {
    return BadKey("ProxyIgnoreList", "write these hosts into the environment variable no_proxy");
  }
  return OkStatus();
}

Status ReadCertificates(Keys& keys, JdbcUrl& url) {
  for (const char* key : {"SSLTrustStore", "SSLKeyStore"}) {
    if (keys.TakeText(key).empty()) continue;
    const bool trust = std::string_view(key) == "SSLTrustStore";
    return BadKey(key, trust ? "Java key stores are not read; write its certificates to a PEM file "
                               "(keytool -exportcert -rfc) and name it as the CA bundle"
                             : "client certificates are not used; remove it");
  }
  for (const char* key : {"SSLTrustStorePwd", "SSLTrustStoreType", "SSLTrustStoreProvider",
                          "SSLKeyStorePwd", "SSLKeyStoreType", "SSLKeyStoreProvider"}) {
    keys.Take(key);
  }
  TRY(const bool self_signed, keys.TakeFlag("AllowSelfSignedCerts", false));
  if (self_signed) {
    return BadKey("AllowSelfSignedCerts",
                  "any certificate would do; name the server's own as the CA bundle instead");
  }
  TRY(const bool system_store, keys.TakeFlag("UseSystemTrustStore", true));
  if (!system_store) url.warnings.emplace_back("UseSystemTrustStore=0 changes nothing here");
  TRY(const bool revocation, keys.TakeFlag("CheckCertRevocation", false));
  if (revocation) {
    url.warnings.emplace_back("CheckCertRevocation=1: revocation of certificates is not looked up");
  }
  return OkStatus();
}

Status ReadFeatures(Keys& keys, JdbcUrl& url) {
  TRY(url.arrow, keys.TakeFlag("EnableArrow", true));
  TRY(url.direct_results, keys.TakeFlag("EnableDirectResults", true));
  TRY(const bool lz4, keys.TakeFlag("EnableQueryResultLZ4Compression", true));
  TRY(const long compression, keys.TakeNumber("QueryResultCompressionType", 1));
  url.lz4 = lz4 && compression != 0;
  TRY(url.links, keys.TakeFlag("EnableQueryResultDownload", true));
  TRY(const long threads, keys.TakeNumber("cloudFetchThreadPoolSize", 0));
  url.link_threads = static_cast<int>(std::min(threads, 64L));
  TRY(const bool thrift, keys.TakeFlag("UseThriftClient", true));
  if (!thrift) url.warnings.emplace_back("UseThriftClient=0: Thrift is used all the same");
  for (const char* key : {"RowsFetchedPerBlock", "MaxBatchSize"}) {
    if (keys.Take(key)) {
      url.warnings.push_back(std::string(key) + " changes nothing: rows are fetched by their size");
    }
  }
  return OkStatus();
}

Status ReadWaits(Keys& keys, JdbcUrl& url) {
  TRY(url.poll_ms, keys.TakeNumber("asyncexecpollinterval", 0));
  TRY(url.socket_timeout_s, keys.TakeNumber("socketTimeout", 0));
  TRY(const bool unavailable, keys.TakeFlag("TemporarilyUnavailableRetry", true));
  TRY(url.unavailable_retry_s, keys.TakeNumber("TemporarilyUnavailableRetryTimeout", -1));
  if (!unavailable) url.unavailable_retry_s = 0;
  TRY(const bool throttled, keys.TakeFlag("RateLimitRetry", true));
  TRY(url.throttled_retry_s, keys.TakeNumber("RateLimitRetryTimeout", -1));
  if (!throttled) url.throttled_retry_s = 0;
  url.user_agent_entry = keys.TakeText("UserAgentEntry");
  return OkStatus();
}

/// Headers and settings by their prefix; the rest is not known.
Status ReadRest(const Keys& keys, JdbcUrl& url) {
  constexpr std::string_view kHeader = "http.header.";
  constexpr std::string_view kSetting = "ssp_";
  return keys.ForEachLeft(
      [&](const std::string& lower, const std::string& key, const std::string& value) -> Status {
        if (lower.starts_with(kHeader)) {
          const std::string name = key.substr(kHeader.size());
          for (const char* ours : {"Authorization", "Cookie", "Host", "Content-Type"}) {
            if (SameWord(name, ours))
              return BadKey(key, "this header is the client's own; remove it");
          }
          url.headers[name] = value;
        } else if (lower.starts_with(kSetting)) {
          url.settings[key.substr(kSetting.size())] = value;
        } else if (lower.starts_with("spark.")) {
          url.settings[key] = value;
        } else {
          url.warnings.push_back(key + " is not known and changes nothing");
        }
        return OkStatus();
      });
}

}  // namespace

Result<JdbcUrl> ParseJdbcUrl(std::string_view text) {
  const size_t first = text.find_first_not_of(" \t\r\n");
  if (first == text.npos) return BadForm("the JDBC URL is empty");
  text = text.substr(first, text.find_last_not_of(" \t\r\n") + 1 - first);
  const size_t slashes = text.find("://");
  const std::string scheme = LowerAscii(text.substr(0, slashes));
  if (slashes == text.npos || (scheme != "jdbc:databricks" && scheme != "jdbc:spark")) {
    return BadForm("the JDBC URL does not begin with jdbc:databricks:// or jdbc:spark://");
  }
  text.remove_prefix(slashes + 3);
  const size_t semicolon = text.find(';');
  JdbcUrl url;
  TRY_VOID(ReadHost(text.substr(0, semicolon), url));
  TRY(Keys keys, Keys::Parse(semicolon == text.npos ? "" : text.substr(semicolon + 1)));
  TRY_VOID(ReadTransport(keys, url));
  TRY_VOID(ReadAuth(keys, url));
  TRY_VOID(ReadProxies(keys, url));
  TRY_VOID(ReadCertificates(keys, url));
  TRY_VOID(ReadFeatures(keys, url));
  TRY_VOID(ReadWaits(keys, url));
  TRY_VOID(ReadRest(keys, url));
  return url;
}

SqlChannel::Options ChannelOptions(const JdbcUrl& url, TokenSource token) {
  SqlChannel::Options options;
  options.endpoint.url =
      fmt::format("{}://{}:{}{}", url.tls ? "https" : "http", url.host, url.port, url.http_path);
  options.endpoint.token = std::move(token);
  options.endpoint.headers = url.headers;
  options.catalog = url.catalog;
  options.schema = url.schema;
  options.settings = url.settings;
  options.arrow = url.arrow;
  options.links = url.links;
  options.lz4 = url.lz4;
  options.direct_results = url.direct_results;
  if (url.link_threads > 0) options.downloads_max = url.link_threads;
  if (url.poll_ms > 0) options.poll_first_ms = std::min(url.poll_ms, options.poll_max_ms);
  if (url.socket_timeout_s > 0) options.call_timeout_ms = url.socket_timeout_s * 1000;
  if (url.unavailable_retry_s >= 0) {
    options.unavailable_deadline_ms = url.unavailable_retry_s * 1000;
  }
  if (url.throttled_retry_s >= 0) options.throttled_deadline_ms = url.throttled_retry_s * 1000;
  return options;
}

std::string ClusterPath(std::string_view org, std::string_view cluster_id) {
  return fmt::format("/sql/protocolv1/o/{}/{}", org.empty() ? "0" : UrlEncode(org),
                     UrlEncode(cluster_id));
}

std::string WarehousePath(std::string_view warehouse_id) {
  return "/sql/1.0/warehouses/" + UrlEncode(warehouse_id);
}

std::string OrgOfWorkspace(std::string_view workspace) {
  for (const std::string_view mark : {"?o=", "&o=", "://adb-"}) {
    const size_t at = workspace.find(mark);
    if (at == workspace.npos) continue;
    std::string_view digits = workspace.substr(at + mark.size());
    digits = digits.substr(0, std::min(digits.find_first_not_of("0123456789"), digits.size()));
    if (!digits.empty()) return std::string(digits);
  }
  if (!workspace.starts_with("adb-")) return "";
  workspace.remove_prefix(4);
  return std::string(workspace.substr(0, workspace.find_first_not_of("0123456789")));
}

}  // namespace mms::databricks
