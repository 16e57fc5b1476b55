// Who may do what: users with their credentials, and rights per project, so that permission errors
// can be rehearsed. A user without a grant on a project may do nothing there; `owner` may do all.
//
// Texts of refusals follow what MaxCompute answers ("Errors" in its reference). Immutable after
// Make; any thread. Errors: kInvalidInput SANDBOX_USERS, kDenied NoPermission (REST, tunnel) or
// ODPS-0130013 (SQL tasks).
#pragma once

#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/secret.h"
#include "sandbox/target.h"

namespace mms::sandbox {

enum class Right {
  kList,
  kCreateTable,
  kCreateInstance,
  kAlter,
  kDrop,
  kDescribe,
  kSelect,
  kUpdate,    ///< uploads, INSERT
  kDownload,  ///< of tables; the results of one's own queries need no right
  kOwner,     ///< all of them, other users' instances, and the sandbox's own calls
};

/// "create_table", as in the users file.
std::string_view RightText(Right right);
std::optional<Right> FindRight(std::string_view text);

struct Grant {
  std::string project;  ///< lower case; "*" = every project
  std::set<Right> rights;
};

struct User {
  std::string name;
  std::string access_key_id;  ///< "" = no key
  Secret access_key_secret;
  Secret security_token;  ///< empty = a permanent key
  Secret bearer_token;    ///< empty = none
  std::vector<Grant> grants;

  bool Has(Right right, const std::string& project) const;
  /// Whether the user has any right there.
  bool IsMemberOf(const std::string& project) const;
  /// Whether the user owns any project.
  bool IsOwner() const;
};

class Users {
 public:
  /// Refuses users that cannot sign, and names, keys or tokens that stand twice.
  static Result<Users> Make(std::vector<User> users);

  /// nullptr = unknown.
  const User* FindKey(const std::string& access_key_id) const;
  const User* FindBearer(const std::string& token) const;

 private:
  explicit Users(std::vector<User> users) : users_(std::move(users)) {}
  std::vector<User> users_;
};

/// Refuses a request that the user has no right to.
Status CheckRights(const User& user, const Target& target);

/// For SQL tasks: `object` is "projects/p/tables/t" or "projects/p".
Status CheckSqlRight(const User& user, Right right, const std::string& project,
                     const std::string& object);

/// Equal texts, in a time that does not tell where they differ.
bool SameSecretText(const std::string& a, const std::string& b);

}  // namespace mms::sandbox
