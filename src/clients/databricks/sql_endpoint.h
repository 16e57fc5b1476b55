// Where a SQL server is, and how it knows us.
#pragma once

#include <functional>
#include <map>
#include <string>

#include "base/result.h"
#include "base/secret.h"

namespace mms::databricks {

/// What we offer a server when a SQL session is opened. What it then does, its answers tell.
enum class SqlDialect {
  kDatabricks,  ///< bearer token; Arrow, links, direct results
  kHive,        ///< Spark Thrift Server, HiveServer2: user and password, columns only
};

/// Gives the token (kHive: the password). `rejected`: the server has just refused the last one, so
/// a kept one will not do. Called from the threads of the channel.
using TokenSource = std::function<Result<Secret>(bool rejected)>;

struct SqlEndpoint {
  std::string url;  ///< with the path: "https://host/sql/1.0/warehouses/0123"
  SqlDialect dialect = SqlDialect::kDatabricks;
  std::string user;  ///< kHive only
  TokenSource token;
  std::map<std::string, std::string> headers;  ///< sent with every call, beside ours
};

}  // namespace mms::databricks
