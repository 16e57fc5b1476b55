#include "sandbox/users.h"

#include <openssl/crypto.h>

#include <algorithm>
#include <array>
#include <utility>

#include "sandbox/table.h"

namespace mms::sandbox {
namespace {

struct RightNames {
  Right right;
  std::string_view text;
  const char* odps;  ///< as in MaxCompute's messages and GRANT statements
};
constexpr std::array kRights{
    RightNames{Right::kList, "list", "odps:List"},
    RightNames{Right::kCreateTable, "create_table", "odps:CreateTable"},
    RightNames{Right::kCreateInstance, "create_instance", "odps:CreateInstance"},
    RightNames{Right::kAlter, "alter", "odps:Alter"},
    RightNames{Right::kDrop, "drop", "odps:Drop"},
    RightNames{Right::kDescribe, "describe", "odps:Describe"},
    RightNames{Right::kSelect, "select", "odps:Select"},
    RightNames{Right::kUpdate, "update", "odps:Update"},
    RightNames{Right::kDownload, "download", "odps:Download"},
    RightNames{Right::kOwner, "owner", "odps:*"}};

std::string Privilege(Right right, const std::string& object) {
  const auto* names = std::find_if(kRights.begin(), kRights.end(),
                                   [&](const RightNames& known) { return known.right == right; });
  return std::string("Authorization Failed [4002], You have NO privilege '") + names->odps +
         "' on {acs:odps:*:" + object + "}";
}

Error Bad(const std::string& what) {
  return Error(ErrorKind::kInvalidInput, "SANDBOX_USERS",
               what + "; docs/sandbox.md shows the form of the users file");
}

/// The right a call needs; nullopt = to be known is enough.
std::optional<Right> RightOf(CallName name) {
  switch (name) {
    case CallName::kListSchemas:
    case CallName::kGetSchema:
    case CallName::kListTables: return Right::kList;
    case CallName::kCreateSchema: return Right::kCreateTable;
    case CallName::kDropSchema: return Right::kDrop;
    case CallName::kGetTable:
    case CallName::kListPartitions:
    case CallName::kGetPartition: return Right::kDescribe;
    case CallName::kPreviewTable: return Right::kSelect;
    case CallName::kListInstances:
    case CallName::kSubmitInstance: return Right::kCreateInstance;
    case CallName::kCreateUpload:
    case CallName::kGetUpload:
    case CallName::kPutBlock:
    case CallName::kCommitUpload:
    case CallName::kCreateUpsert:
    case CallName::kGetUpsert:
    case CallName::kPutUpsert:
    case CallName::kCommitUpsert:
    case CallName::kAbortUpsert:
    case CallName::kCreateStream:
    case CallName::kGetStream:
    case CallName::kPutStream:
    case CallName::kAbortStream: return Right::kUpdate;
    case CallName::kCreateDownload:
    case CallName::kGetDownload:
    case CallName::kReadDownload: return Right::kDownload;
    case CallName::kUnknown:
    case CallName::kMisused:
    case CallName::kTenants:
    case CallName::kLogviewHost:
    case CallName::kReportUsage:
    case CallName::kSignToken:
    case CallName::kDiscover:
    case CallName::kGetProject:
    case CallName::kGetInstance:
    case CallName::kGetResult:
    case CallName::kCancelInstance:
    case CallName::kSetFaults:
    case CallName::kGetFaults:
    case CallName::kGetCounters: return std::nullopt;
  }
  return std::nullopt;
}

std::string ObjectOf(const Target& target) {
  std::string object = "projects/" + target.project;
  bool table = !target.object.empty() && !target.instance;
  if (!table) return object;
  if (target.schema != "default") object += "/schemas/" + target.schema;
  return object + "/tables/" + target.object;
}

Error Denied(const std::string& what) {
  return Error(ErrorKind::kDenied, "NoPermission", "ODPS-0420095: Access Denied - " + what);
}

}  // namespace

std::string_view RightText(Right right) {
  for (const RightNames& known : kRights) {
    if (known.right == right) return known.text;
  }
  return "";
}

std::optional<Right> FindRight(std::string_view text) {
  for (const RightNames& known : kRights) {
    if (known.text == text) return known.right;
  }
  return std::nullopt;
}

bool User::Has(Right right, const std::string& project) const {
  return std::any_of(grants.begin(), grants.end(), [&](const Grant& grant) {
    bool here = grant.project == "*" || grant.project == project;
    return here && (grant.rights.contains(right) || grant.rights.contains(Right::kOwner));
  });
}

bool User::IsMemberOf(const std::string& project) const {
  return std::any_of(grants.begin(), grants.end(), [&](const Grant& grant) {
    return (grant.project == "*" || grant.project == project) && !grant.rights.empty();
  });
}

bool User::IsOwner() const {
  return std::any_of(grants.begin(), grants.end(),
                     [](const Grant& grant) { return grant.rights.contains(Right::kOwner); });
}

Result<Users> Users::Make(std::vector<User> users) {
  std::set<std::string> names;
  std::set<std::string> keys;
  std::set<std::string> tokens;
  for (const User& user : users) {
    std::string who = "user '" + user.name + "'";
    if (user.name.empty() || !names.insert(user.name).second) {
      return Bad(who + ": every user needs a name of its own");
    }
    if (user.access_key_id.empty() != user.access_key_secret.empty()) {
      return Bad(who + ": access_key_id and access_key_secret belong together");
    }
    if (user.access_key_id.empty() && user.bearer_token.empty()) {
      return Bad(who + ": needs access_key_id and access_key_secret, or bearer_token");
    }
    if (!user.access_key_id.empty() && !keys.insert(user.access_key_id).second) {
      return Bad(who + ": its access_key_id is another user's");
    }
    if (!user.bearer_token.empty() && !tokens.insert(user.bearer_token.Reveal()).second) {
      return Bad(who + ": its bearer_token is another user's");
    }
  }
  for (User& user : users) {
    for (Grant& grant : user.grants) grant.project = LowerName(grant.project);
  }
  return Users(std::move(users));
}

const User* Users::FindKey(const std::string& access_key_id) const {
  for (const User& user : users_) {
    if (!user.access_key_id.empty() && user.access_key_id == access_key_id) return &user;
  }
  return nullptr;
}

const User* Users::FindBearer(const std::string& token) const {
  for (const User& user : users_) {
    if (!user.bearer_token.empty() && SameSecretText(user.bearer_token.Reveal(), token)) {
      return &user;
    }
  }
  return nullptr;
}

Status CheckRights(const User& user, const Target& target) {
  if (IsAdmin(target.name)) {
    if (user.IsOwner()) return OkStatus();
    return Denied("only owners of a project may see or set faults and counters");
  }
  if (target.name == CallName::kGetProject && !user.IsMemberOf(target.project)) {
    return Denied("Authorization Failed [4002], You have NO privilege 'odps:Read' on {acs:odps:*:" +
                  ObjectOf(target) + "}");
  }
  auto right = RightOf(target.name);
  // An instance belongs to who submitted it: Instances checks that.
  if (!right || (target.instance && *right == Right::kDownload)) return OkStatus();
  if (user.Has(*right, target.project)) return OkStatus();
  return Denied(Privilege(*right, ObjectOf(target)));
}

Status CheckSqlRight(const User& user, Right right, const std::string& project,
                     const std::string& object) {
  if (user.Has(right, project)) return OkStatus();
  return Error(ErrorKind::kDenied, "ODPS-0130013",
               "[1,1] Authorization exception - " + Privilege(right, object));
}

bool SameSecretText(const std::string& a, const std::string& b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

}  // namespace mms::sandbox
