#include "clients/databricks/grants.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

#include "base/lower_ascii.h"
#include "clients/databricks/answer_json.h"

namespace mms::databricks {
namespace {

/// "USE CATALOG" and "use_catalog" alike.
std::string Normalised(std::string privilege) {
  for (char& c : privilege) {
    c = c == ' ' ? '_' : static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  }
  return privilege;
}

Grant MakeGrant(const std::string& principal, const Json& privilege) {
  if (privilege.is_string()) return {principal, Normalised(privilege), ""};
  Grant grant{principal, Normalised(Text(privilege, "privilege")), ""};
  const std::string origin = Text(privilege, "inherited_from_name");
  if (!origin.empty())
    grant.from = LowerAscii(Text(privilege, "inherited_from_type")) + " " + origin;
  return grant;
}

bool InAllPrivileges(std::string_view privilege) {
  return privilege != "MANAGE" && privilege != "EXTERNAL_USE_SCHEMA";
}

}  // namespace

std::string_view SecurableName(SecurableKind kind) {
  switch (kind) {
    case SecurableKind::kCatalog: return "catalog";
    case SecurableKind::kSchema: return "schema";
    case SecurableKind::kTable: return "table";
  }
  return "";
}

std::vector<std::string> Identity::Names() const {
  std::vector<std::string> names = groups;
  // Every user of the account is in this group, and no list of a user's groups names it.
  names.push_back("account users");
  if (!user.empty()) names.insert(names.begin(), user);
  return names;
}

std::optional<Grant> FindGrant(const Grants& grants, const std::vector<std::string>& names,
                               std::string_view privilege) {
  for (const Grant& grant : grants.list) {
    const bool covers = grant.privilege == privilege ||
                        (grant.privilege == "ALL_PRIVILEGES" && InAllPrivileges(privilege));
    if (!covers) continue;
    if (std::find(names.begin(), names.end(), grant.principal) != names.end()) return grant;
  }
  return std::nullopt;
}

std::string GrantStatement(std::string_view privilege, const Securable& securable,
                           const std::string& user) {
  std::string right(privilege);
  std::replace(right.begin(), right.end(), '_', ' ');
  std::string kind(SecurableName(securable.kind));
  for (char& c : kind) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return fmt::format("GRANT {} ON {} {} TO {};", right, kind, QuotedFullName(securable.full_name),
                     QuotedName(user.empty() ? "<user of the token>" : user));
}

std::string QuotedName(std::string_view name) {
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
    out += QuotedName(full_name.substr(0, dot));
    if (dot == full_name.npos) return out;
    out += '.';
    full_name.remove_prefix(dot + 1);
  }
}

Result<GrantPage> ParseGrants(const std::string& body) {
  return ReadJson(body, [](const Json& json) {
    GrantPage page;
    for (const Json& assignment : Items(json, "privilege_assignments")) {
      const std::string principal = Text(assignment, "principal");
      for (const Json& one : Items(assignment, "privileges")) {
        page.grants.push_back(MakeGrant(principal, one));
      }
    }
    page.next_page_token = Text(json, "next_page_token");
    return page;
  });
}

Result<Identity> ParseIdentity(const std::string& body) {
  return ReadJson(body, [](const Json& json) {
    Identity identity;
    identity.user = Text(json, "userName");
    for (const Json& group : Items(json, "groups")) {
      std::string name = Text(group, "display");
      if (!name.empty()) identity.groups.push_back(std::move(name));
    }
    return identity;
  });
}

}  // namespace mms::databricks
