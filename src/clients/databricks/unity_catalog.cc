#include "clients/databricks/unity_catalog.h"

#include <fmt/format.h>

#include <utility>

#include "clients/databricks/answer.h"
#include "clients/databricks/catalog_json.h"

namespace mms::databricks {
namespace {

constexpr char kCatalogApi[] = "/api/2.1/unity-catalog";
/// 0 = the server chooses the page size. Left out, the call is unpaged, which large schemas do not
/// survive.
constexpr char kPaged[] = "max_results=0&include_browse=true";

/// An identifier in SQL: back-quoted, back-quotes doubled.
std::string Quoted(std::string_view name) {
  std::string out = "`";
  for (const char c : name) {
    if (c == '`') out += '`';
    out += c;
  }
  return out + "`";
}

std::string QuotedFullName(std::string_view full_name) {
  std::string out;
  while (true) {
    const size_t dot = full_name.find('.');
    out += Quoted(full_name.substr(0, dot));
    if (dot == full_name.npos) return out;
    out += '.';
    full_name.remove_prefix(dot + 1);
  }
}

Question AboutCatalog(const std::string& catalog) {
  return {"catalog " + catalog, "DATABRICKS_CATALOG_NOT_FOUND",
          fmt::format("GRANT USE CATALOG ON CATALOG {} TO `<user of the token>`", Quoted(catalog))};
}

}  // namespace

std::string WorkspaceOrigin(std::string_view workspace) {
  const size_t first = workspace.find_first_not_of(" \t\r\n");
  if (first == workspace.npos) return "";
  workspace = workspace.substr(first, workspace.find_last_not_of(" \t\r\n") - first + 1);
  std::string scheme = "https://";
  const size_t separator = workspace.find("://");
  if (separator != workspace.npos) {
    scheme = workspace.substr(0, separator + 3);
    workspace.remove_prefix(separator + 3);
  }
  return scheme + std::string(workspace.substr(0, workspace.find_first_of("/?#")));
}

UnityCatalog::UnityCatalog(std::string workspace, Secret token, std::shared_ptr<HttpClient> http)
    : workspace_(WorkspaceOrigin(workspace)), token_(std::move(token)), http_(std::move(http)) {
  retry_.cancelled = [client = http_.get()] { return client->cancelled(); };
}

Result<std::string> UnityCatalog::Get(const std::string& target, const Question& question) {
  HttpRequest request;
  request.url = workspace_ + target;
  request.headers = {{"Authorization", "Bearer " + token_.Reveal()},
                     {"Accept", "application/json"}};
  return Retry(retry_, [&]() -> Result<std::string> {
    Result<HttpResponse> response = http_->Send(request);
    if (response) return ReadAnswer(*response, question);
    Error error = std::move(response).error();
    if (error.kind() != ErrorKind::kUnavailable) return error;
    return Error(
        ErrorKind::kUnavailable, "DATABRICKS_UNREACHABLE",
        fmt::format("the workspace does not answer ({}); check source.workspace, the proxy and the "
                    "firewall",
                    error.message()));
  });
}

Status UnityCatalog::GetPages(const std::string& target, const Question& question,
                              const std::function<Result<std::string>(const std::string&)>& page) {
  std::string token;
  while (true) {
    const std::string suffix = token.empty() ? "" : "&page_token=" + UrlEncode(token);
    TRY(const std::string body, Get(target + suffix, question));
    TRY(std::string next, page(body));
    if (next.empty()) return OkStatus();
    if (next == token) {
      return Error(ErrorKind::kCorrupt, "DATABRICKS_ANSWER",
                   fmt::format("the list of {} repeats its page token and would never end",
                               question.object));
    }
    token = std::move(next);
  }
}

Result<std::string> UnityCatalog::FetchUserName() {
  const Question question{"the token's own user", "DATABRICKS_WORKSPACE_NOT_FOUND", ""};
  TRY(const std::string body, Get("/api/2.0/preview/scim/v2/Me", question));
  return ParseText(body, "userName");
}

Status UnityCatalog::CheckCatalog(const std::string& catalog) {
  const Question question = AboutCatalog(catalog);
  TRY(const std::string body,
      Get(fmt::format("{}/catalogs/{}?include_browse=true", kCatalogApi, UrlEncode(catalog)),
          question));
  TRY(const bool browse_only, ParseFlag(body, "browse_only"));
  if (!browse_only) return OkStatus();
  return Error(ErrorKind::kDenied, "DATABRICKS_DENIED",
               fmt::format("{} can only be browsed; an owner can give the right: {}",
                           question.object, question.grant));
}

Status UnityCatalog::ListSchemas(const std::string& catalog,
                                 const std::function<Status(Schema)>& visit) {
  const std::string target =
      fmt::format("{}/schemas?catalog_name={}&{}", kCatalogApi, UrlEncode(catalog), kPaged);
  return GetPages(target, AboutCatalog(catalog),
                  [&](const std::string& body) -> Result<std::string> {
                    TRY(Page<Schema> page, ParseSchemas(body));
                    for (Schema& schema : page.items) TRY_VOID(visit(std::move(schema)));
                    return std::move(page.next_page_token);
                  });
}

Status UnityCatalog::ListTables(const std::string& catalog, const std::string& schema,
                                const std::function<Status(Table)>& visit) {
  const std::string full_name = catalog + "." + schema;
  const Question question{
      "schema " + full_name, "DATABRICKS_SCHEMA_NOT_FOUND",
      fmt::format("GRANT USE SCHEMA, SELECT ON SCHEMA {} TO `<user of the token>`",
                  QuotedFullName(full_name))};
  const std::string target =
      fmt::format("{}/tables?catalog_name={}&schema_name={}&omit_properties=true&{}", kCatalogApi,
                  UrlEncode(catalog), UrlEncode(schema), kPaged);
  return GetPages(target, question, [&](const std::string& body) -> Result<std::string> {
    TRY(Page<Table> page, ParseTables(body));
    for (Table& table : page.items) TRY_VOID(visit(std::move(table)));
    return std::move(page.next_page_token);
  });
}

Result<Table> UnityCatalog::FetchTable(const std::string& full_name) {
  const Question question{
      "table " + full_name, "DATABRICKS_TABLE_NOT_FOUND",
      fmt::format("GRANT SELECT ON TABLE {} TO `<user of the token>`", QuotedFullName(full_name))};
  TRY(const std::string body,
      Get(fmt::format("{}/tables/{}?include_browse=true", kCatalogApi, UrlEncode(full_name)),
          question));
  return ParseTable(body);
}

Result<std::string> UnityCatalog::FetchClusterState(const std::string& cluster_id) {
  const Question question{"cluster " + cluster_id, "DATABRICKS_CLUSTER_NOT_FOUND", ""};
  TRY(const std::string body,
      Get("/api/2.1/clusters/get?cluster_id=" + UrlEncode(cluster_id), question));
  return ParseText(body, "state");
}

}  // namespace mms::databricks
