// Where a SQL server is, and how it knows us.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <type_traits>
#include <utility>

#include "base/result.h"
#include "base/secret.h"

namespace mms::databricks {

/// What we offer a server when a SQL session is opened. What it then does, its answers tell.
enum class SqlDialect {
  kDatabricks,  ///< bearer token; Arrow, links, direct results
  kHive,        ///< Spark Thrift Server, HiveServer2: user and password, columns only
};

/// Gives the token (kHive: the password), and says what to do when all it gives is refused. Called
/// from many threads.
class TokenSource {
 public:
  /// `rejected`: the server has just refused the last one, so a kept one will not do.
  using Give = std::function<Result<Secret>(bool rejected)>;

  TokenSource() = default;
  template <typename Function>
  requires std::is_convertible_v<Function, Give> TokenSource(
      Function give, std::string remedy = "make a new one and set source.token")
      : give_(std::move(give)), remedy_(std::move(remedy)) {}

  Result<Secret> operator()(bool rejected) const { return give_(rejected); }
  const std::string& remedy() const { return remedy_; }

 private:
  Give give_;
  std::string remedy_;
};

struct SqlEndpoint {
  std::string url;  ///< with the path: "https://host/sql/1.0/warehouses/0123"
  SqlDialect dialect = SqlDialect::kDatabricks;
  std::string user;  ///< kHive only
  TokenSource token;
  std::map<std::string, std::string> headers;  ///< sent with every call, beside ours
};

}  // namespace mms::databricks
