// How we sign in to a workspace: by a personal access token, fixed or kept in a file that someone
// renews, or as a service principal of Databricks (OAuth, machine to machine), whose tokens we ask
// for ourselves. Thread-safe.
//
// Source: the public reference and databricks-sdk 0.156: POST WORKSPACE/oidc/v1/token, client id
// and secret as HTTP Basic, form grant_type=client_credentials&scope=all-apis; the answer has
// access_token and expires_in (an hour), a refusal error and error_description.
#pragma once

#include <memory>
#include <string>

#include "base/http_client.h"
#include "base/result.h"
#include "base/secret.h"
#include "clients/databricks/sql_endpoint.h"

namespace mms::databricks {

class TokenKeeper;
std::shared_ptr<TokenKeeper> NewTokenKeeper();

struct SignIn {
  Secret token;
  std::string token_file;  ///< where `token` was read; read again when it changed
  std::string client_id;   ///< of the service principal; "" = by token
  Secret client_secret;
  /// Copies share it, so that all clients of a process use one token.
  std::shared_ptr<TokenKeeper> keeper = NewTokenKeeper();

  bool empty() const { return token.empty() && client_id.empty(); }
};

/// What signs the calls to `workspace` (as UnityCatalog takes it). A service principal's token is
/// asked for at the first call, when 80 % of its life have passed, and when it was refused; while
/// none can be had, the old one is given until it ends. Errors: kDenied DATABRICKS_SIGN_IN (says
/// what to do), kUnavailable DATABRICKS_UNREACHABLE, DATABRICKS_UNAVAILABLE, kThrottled
/// DATABRICKS_THROTTLED, kCorrupt DATABRICKS_ANSWER, kInvalidInput SECRET_UNREADABLE.
TokenSource TokensOf(SignIn sign_in, const std::string& workspace,
                     std::shared_ptr<HttpClient> http);

/// One that stays.
TokenSource FixedToken(Secret token);

/// The value of an Authorization header.
std::string BasicAuthorization(const std::string& user, const Secret& password);

}  // namespace mms::databricks
