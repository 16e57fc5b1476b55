// Who was granted what on an object of Unity Catalog, and what a token's user may do by that. Pure.
//
// Source: the public REST reference and databricks-sdk 0.156: effective-permissions tells where a
// right comes from, permissions only what was granted on the very object; the open-source server
// spells rights with blanks ("USE CATALOG"). An owner has every right on what he owns and below;
// ALL_PRIVILEGES covers all but MANAGE and EXTERNAL_USE_SCHEMA.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace mms::databricks {

enum class SecurableKind { kCatalog, kSchema, kTable };
/// "catalog", "schema", "table": as paths have it, and messages.
std::string_view SecurableName(SecurableKind kind);

struct Securable {
  SecurableKind kind = SecurableKind::kCatalog;
  std::string full_name;
};

/// Whose token it is. The open-source server tells no groups, or nothing at all.
struct Identity {
  std::string user;  ///< "" = not told
  std::vector<std::string> groups;

  /// Names under which something may have been granted to the user.
  std::vector<std::string> Names() const;
};

struct Grant {
  std::string principal;
  std::string privilege;  ///< with underscores, in upper case
  std::string from;       ///< "catalog main" when inherited, else ""
};

struct Grants {
  /// False: the server does not tell, or not to this user; `list` is then empty.
  bool told = false;
  /// The list holds what is inherited too. False: only what was granted on the object itself.
  bool effective = false;
  std::vector<Grant> list;
};

/// The grant that gives one of `names` the privilege: by itself, or within ALL_PRIVILEGES.
std::optional<Grant> FindGrant(const Grants& grants, const std::vector<std::string>& names,
                               std::string_view privilege);

/// "GRANT USE SCHEMA ON SCHEMA `c`.`s` TO `user`;"; without a user a placeholder.
std::string GrantStatement(std::string_view privilege, const Securable& securable,
                           const std::string& user);

/// An identifier in SQL: back-quoted, back-quotes doubled; a full name is quoted part by part.
std::string QuotedName(std::string_view name);
std::string QuotedFullName(std::string_view full_name);

/// Grants of one answer; both forms of its privileges (texts, and objects that tell the origin).
/// `next_page_token` "" = last. Errors: kCorrupt DATABRICKS_ANSWER.
struct GrantPage {
  std::vector<Grant> grants;
  std::string next_page_token;
};
Result<GrantPage> ParseGrants(const std::string& body);

/// Of either server's answer to "who am I". Errors: kCorrupt DATABRICKS_ANSWER.
Result<Identity> ParseIdentity(const std::string& body);

}  // namespace mms::databricks
