// Reads a Databricks or Spark JDBC URL into what our SQL channel needs of it. Pure.
//
//   jdbc:(databricks|spark)://host[:port][/schema](;key=value)*
//
// Keys are case-insensitive; a value ends at the next ';' and may be percent-encoded. Every key is
// understood, refused by name with what to do instead, or kept among the warnings: none is dropped.
//
// Source: the public configuration reference of the Databricks JDBC drivers (OSS and Simba).
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/secret.h"
#include "clients/databricks/sql_channel.h"

namespace mms::databricks {

struct JdbcProxy {
  std::string host;  ///< "" = none of its own
  int port = 0;
  std::string user;
  Secret password;
};

enum class JdbcAuth {
  kToken,         ///< AuthMech=3 with PWD, or 11 with Auth_Flow=0 and Auth_AccessToken
  kOauthMachine,  ///< AuthMech=11, Auth_Flow=1: client id and secret
  kNone,          ///< no credential stands in the URL: the data source's own is used
};

struct JdbcUrl {
  std::string host;
  int port = 443;
  bool tls = true;
  std::string http_path;  ///< with leading slash, without query; "" = not said
  std::string catalog;
  std::string schema;

  JdbcAuth auth = JdbcAuth::kNone;
  Secret token;
  std::string oauth_client_id;
  Secret oauth_secret;
  std::string oauth_token_endpoint;  ///< "" = the workspace's
  std::string oauth_scope;           ///< "" = all-apis

  JdbcProxy proxy;       ///< http
  JdbcProxy link_proxy;  ///< for the files behind links
  bool system_proxy = false;

  bool arrow = true;
  bool direct_results = true;
  bool lz4 = true;
  bool links = true;
  int link_threads = 0;  ///< 0 = not said; so below
  long poll_ms = 0;
  long socket_timeout_s = 0;
  long unavailable_retry_s = -1;  ///< 0 = do not; -1 = not said; so below
  long throttled_retry_s = -1;
  std::string user_agent_entry;
  std::map<std::string, std::string> headers;   ///< http.header.<Name>
  std::map<std::string, std::string> settings;  ///< of the SQL session
  /// For people: keys that are not known here, or that change nothing.
  std::vector<std::string> warnings;
};

/// Errors: kInvalidInput JDBC_URL (its form), JDBC_KEY (a key that cannot be followed, or a value
/// that its key does not take; what to do is said). Neither shows a secret.
Result<JdbcUrl> ParseJdbcUrl(std::string_view url);

/// The channel that the URL describes; what it does not say stays as it is by default. A URL
/// without httpPath gives an endpoint without path. Proxies and user agent are the HTTP client's.
SqlChannel::Options ChannelOptions(const JdbcUrl& url, TokenSource token);

/// The HTTP path of a cluster; `org` "" is taken for 0, which single-tenant hosts answer to.
std::string ClusterPath(std::string_view org, std::string_view cluster_id);
std::string WarehousePath(std::string_view warehouse_id);
/// The workspace's number, out of ?o=<number> or adb-<number>. in its URL; "" = it tells none.
std::string OrgOfWorkspace(std::string_view workspace);

}  // namespace mms::databricks
