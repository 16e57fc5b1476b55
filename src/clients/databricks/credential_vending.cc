#include "clients/databricks/credential_vending.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <utility>

#include "clients/databricks/answer.h"
#include "clients/databricks/unity_catalog.h"

namespace mms::databricks {
namespace {

using nlohmann::json;

constexpr char kApi[] = "/api/2.0/unity-catalog/temporary-table-credentials";
constexpr char kOpenSourceApi[] = "/api/2.1/unity-catalog/temporary-table-credentials";

/// A path that the server does not have: the front of another version answers so, in JSON or not.
bool IsMissingEndpoint(const HttpResponse& response) {
  if (response.status != 404) return false;
  const json body = json::parse(response.body, nullptr, /*allow_exceptions=*/false);
  if (!body.is_object()) return true;
  const auto code = body.find("error_code");
  return code != body.end() && code->is_string() && *code == "ENDPOINT_NOT_FOUND";
}

Error None(const std::string& full_name, const std::string& why) {
  return Error(ErrorKind::kUnsupported, "DATABRICKS_VENDING_NONE",
               fmt::format("the workspace gives no credential for the files of table {}: {}; set "
                           "source.storage.sas or a service principal instead",
                           full_name, why));
}

/// What ReadAnswer makes of 403 names a right to read the table; here two other things are needed.
Error Denied(const Error& error, const std::string& full_name) {
  const size_t table = full_name.rfind('.');
  std::string schema = "`";
  for (const char c : full_name.substr(0, table)) schema += c == '.' ? "`.`" : std::string(1, c);
  schema += "`";
  return Error(
             ErrorKind::kDenied, "DATABRICKS_VENDING_DENIED",
             fmt::format("the workspace gives no credential for the files of table {} ({}); the "
                         "catalog's owner can give the right: GRANT EXTERNAL USE SCHEMA ON SCHEMA "
                         "{} TO `<user of the token>`; SELECT on the table is needed too, and the "
                         "metastore must allow it (external_access_enabled, which an admin sets)",
                         full_name, error.message(), schema))
      .HttpStatus(error.http_status());
}

Secret TextAt(const json& body, const char* object, const char* field) {
  const auto found = body.find(object);
  if (found == body.end() || !found->is_object()) return Secret();
  const auto text = found->find(field);
  if (text == found->end() || !text->is_string()) return Secret();
  std::string value = text->get<std::string>();
  if (value.starts_with('?')) value.erase(0, 1);
  return Secret(std::move(value));
}

}  // namespace

CredentialVending::CredentialVending(std::shared_ptr<WorkspaceApi> api) : api_(std::move(api)) {
  retry_.cancelled = api_->cancelled();
}

Result<TableCredential> ParseTableCredential(const std::string& body,
                                             const std::string& full_name) {
  const json document = json::parse(body, nullptr, /*allow_exceptions=*/false);
  if (!document.is_object()) {
    return Error(ErrorKind::kCorrupt, "DATABRICKS_ANSWER",
                 "the credential of table " + full_name + " is no JSON object");
  }
  TableCredential credential;
  credential.sas = TextAt(document, "azure_user_delegation_sas", "sas_token");
  credential.bearer = TextAt(document, "azure_aad", "aad_token");
  if (credential.sas.empty() && credential.bearer.empty()) {
    return None(full_name, "its answer holds none for Azure");
  }
  const auto expires = document.find("expiration_time");
  if (expires != document.end() && expires->is_number_integer()) {
    credential.expires_ms = expires->get<int64_t>();
  }
  return credential;
}

Result<std::string> CredentialVending::Post(const std::string& full_name,
                                            const std::string& table_id) {
  const Question question{"the files of table " + full_name, "DATABRICKS_TABLE_NOT_FOUND", ""};
  HttpRequest request;
  request.method = "POST";
  request.body = json{{"table_id", table_id}, {"operation", "READ"}}.dump();
  // A credential that nobody uses does no harm, so asking again is safe.
  return Retry(retry_, [&]() -> Result<std::string> {
    request.url = open_source_ ? kOpenSourceApi : kApi;
    Result<HttpResponse> response = api_->Send(request);
    if (response && !open_source_ && IsMissingEndpoint(*response)) {
      request.url = kOpenSourceApi;
      response = api_->Send(request);
      if (response && response->ok()) open_source_ = true;
    }
    if (response) {
      if (IsMissingEndpoint(*response)) return None(full_name, "it has no such endpoint");
      return ReadAnswer(*response, question);
    }
    return NoAnswer(std::move(response).error());
  });
}

Result<TableCredential> CredentialVending::FetchForTable(const std::string& full_name,
                                                         std::string table_id) {
  if (table_id.empty()) {
    UnityCatalog catalog(api_);
    catalog.SetRetryPolicy(retry_);
    TRY(const Table table, catalog.FetchTable(full_name));
    table_id = table.id;
  }
  Result<std::string> body = Post(full_name, table_id);
  if (!body && body.error().code() == "DATABRICKS_DENIED") return Denied(body.error(), full_name);
  if (!body) return std::move(body).error();
  return ParseTableCredential(*body, full_name);
}

}  // namespace mms::databricks
