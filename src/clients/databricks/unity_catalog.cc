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

Question AboutCatalog(const std::string& catalog) {
  return {"catalog " + catalog, "DATABRICKS_CATALOG_NOT_FOUND",
          GrantStatement("USE_CATALOG", {SecurableKind::kCatalog, catalog}, "")};
}

}  // namespace

UnityCatalog::UnityCatalog(std::string_view workspace, TokenSource token,
                           std::shared_ptr<HttpClient> http, std::shared_ptr<CallLimit> limit)
    : UnityCatalog(std::make_shared<WorkspaceApi>(workspace, std::move(token), std::move(http),
                                                  std::move(limit))) {}

UnityCatalog::UnityCatalog(std::shared_ptr<WorkspaceApi> api)
    : api_(std::move(api)), presences_(std::make_shared<Presences>()) {
  retry_.cancelled = api_->cancelled();
}

Result<std::string> UnityCatalog::GetOnce(const std::string& target, const Question& question) {
  HttpRequest request;
  request.url = target;
  return api_->Ask(std::move(request), question);
}

Result<std::string> UnityCatalog::Get(const std::string& target, const Question& question) {
  return Retry(retry_, [&] { return GetOnce(target, question); });
}

Result<std::optional<std::string>> UnityCatalog::GetOptional(Optional endpoint,
                                                             const std::string& target,
                                                             const Question& question) {
  std::atomic<Presence>& presence = (*presences_)[static_cast<size_t>(endpoint)];
  if (presence == Presence::kAbsent) return std::optional<std::string>();
  bool absent = false;
  int failures = 0;
  Result<std::string> body = Retry(retry_, [&]() -> Result<std::string> {
    Result<std::string> answer = GetOnce(target, question);
    if (answer || presence != Presence::kUnknown) return answer;
    const Error& error = answer.error();
    // The one 500 that says "no such path" looks like any other: it is believed when it comes again
    // at once, and no retries are spent on it.
    absent = LacksEndpoint(error) || (error.http_status() == 500 && ++failures >= 2);
    if (!absent) return answer;
    return Error(ErrorKind::kUnsupported, error.code(), error.message());
  });
  if (absent) {
    presence = Presence::kAbsent;
    return std::optional<std::string>();
  }
  TRY(std::string text, std::move(body));
  presence = Presence::kThere;
  return std::optional<std::string>(std::move(text));
}

Status UnityCatalog::EachPage(const std::string& target, const Question& question,
                              const GetBody& get, const ReadPage& page) {
  std::string token;
  while (true) {
    const std::string suffix = token.empty() ? "" : "&page_token=" + UrlEncode(token);
    TRY(const std::string body, get(target + suffix));
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

Status UnityCatalog::GetPages(const std::string& target, const Question& question,
                              const ReadPage& page) {
  const GetBody get = [&](const std::string& one) { return Get(one, question); };
  return EachPage(target, question, get, page);
}

Result<std::optional<Identity>> UnityCatalog::FetchIdentity() {
  const Question question{"the token's own user", "DATABRICKS_WORKSPACE_NOT_FOUND", ""};
  TRY(auto body, GetOptional(Optional::kUser, "/api/2.0/preview/scim/v2/Me", question));
  if (!body) {
    TRY(body, GetOptional(Optional::kOpenSourceUser, "/api/1.0/unity-control/scim2/Me", question));
  }
  if (!body) return std::optional<Identity>();
  TRY(Identity identity, ParseIdentity(*body));
  return std::optional<Identity>(std::move(identity));
}

Result<Catalog> UnityCatalog::FetchCatalog(const std::string& catalog) {
  const Question question = AboutCatalog(catalog);
  TRY(const std::string body,
      Get(fmt::format("{}/catalogs/{}?include_browse=true", kCatalogApi, UrlEncode(catalog)),
          question));
  TRY(Catalog found, ParseCatalog(body));
  if (!found.browse_only) return found;
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
      GrantStatement("USE_SCHEMA, SELECT", {SecurableKind::kSchema, full_name}, "")};
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
  const Question question{"table " + full_name, "DATABRICKS_TABLE_NOT_FOUND",
                          GrantStatement("SELECT", {SecurableKind::kTable, full_name}, "")};
  TRY(const std::string body,
      Get(fmt::format("{}/tables/{}?include_browse=true", kCatalogApi, UrlEncode(full_name)),
          question));
  return ParseTable(body);
}

Result<Grants> UnityCatalog::GetGrants(Optional endpoint, const std::string& target,
                                       const Question& question) {
  Grants grants;
  bool there = true;
  const auto get = [&](const std::string& one) -> Result<std::string> {
    TRY(auto body, GetOptional(endpoint, one, question));
    there = body.has_value();
    return body.value_or("{}");
  };
  TRY_VOID(EachPage(target, question, get, [&](const std::string& body) -> Result<std::string> {
    TRY(GrantPage page, ParseGrants(body));
    for (Grant& grant : page.grants) grants.list.push_back(std::move(grant));
    return std::move(page.next_page_token);
  }));
  grants.told = there;
  grants.effective = endpoint == Optional::kEffectiveGrants;
  return grants;
}

Result<Grants> UnityCatalog::FetchGrantsOf(const Securable& securable,
                                           const std::string& principal) {
  const Question question{
      fmt::format("grants on {} {}", SecurableName(securable.kind), securable.full_name),
      "DATABRICKS_GRANTS_NOT_FOUND", ""};
  // 0 = the server chooses the page size; of other numbers the least is 150.
  std::string suffix = fmt::format("/{}/{}?max_results=0", SecurableName(securable.kind),
                                   UrlEncode(securable.full_name));
  if (!principal.empty()) suffix += "&principal=" + UrlEncode(principal);
  TRY(Grants grants,
      GetGrants(Optional::kEffectiveGrants,
                std::string(kCatalogApi) + "/effective-permissions" + suffix, question));
  if (grants.told) return grants;
  return GetGrants(Optional::kDirectGrants, std::string(kCatalogApi) + "/permissions" + suffix,
                   question);
}

Result<Grants> UnityCatalog::FetchGrants(const Securable& securable,
                                         const std::vector<std::string>& names) {
  Result<Grants> all = FetchGrantsOf(securable, "");
  if (all || all.error().code() != "DATABRICKS_DENIED") return all;
  Grants found;
  for (const std::string& name : names) {
    Result<Grants> own = FetchGrantsOf(securable, name);
    // Not even his own: the other names may do all the same.
    if (!own && own.error().code() == "DATABRICKS_DENIED") continue;
    TRY(Grants grants, std::move(own));
    found.told = found.told || grants.told;
    found.effective = grants.effective;
    for (Grant& grant : grants.list) found.list.push_back(std::move(grant));
  }
  return found;
}

}  // namespace mms::databricks
