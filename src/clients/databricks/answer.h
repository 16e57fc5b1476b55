// Judges an answer of the Databricks REST API: its body, or one of our errors. Pure.
//
// Source: databricks-sdk 0.156 (errors/): JSON bodies {"error_code", "message", "details"}; an
// unknown cluster is 400 INVALID_PARAMETER_VALUE "... does not exist"; a wrong token is 401, or 403
// with "Invalid access token"; proxies in between answer HTML.
#pragma once

#include <string>

#include "base/http_client.h"
#include "base/result.h"

namespace mms::databricks {

/// What was asked, so that a refusal can say what to do.
struct Question {
  std::string object;          ///< "catalog main"
  std::string not_found_code;  ///< "DATABRICKS_CATALOG_NOT_FOUND"
  std::string grant;           ///< the SQL that gives the right, "" = none would
};

/// The JSON text of a success. Errors as unity_catalog.h lists them, but for a refused token.
Result<std::string> ReadAnswer(const HttpResponse& response, const Question& question);

/// Whether a refusal is of the token: it has ended, was revoked, or is of another workspace.
bool RefusesToken(const HttpResponse& response);

/// Then the error of it: kDenied DATABRICKS_TOKEN_INVALID. `remedy`: that of the token's source.
Error TokenRefused(const HttpResponse& response, const std::string& remedy);

/// The error of a request that got no answer: kUnavailable becomes DATABRICKS_UNREACHABLE with what
/// to look at, others stay.
Error NoAnswer(Error error);

/// True when ReadAnswer's error says that the server has no such endpoint, rather than no such
/// object: 404 or 405 without the API's own error, or with the one for it.
bool LacksEndpoint(const Error& error);

}  // namespace mms::databricks
