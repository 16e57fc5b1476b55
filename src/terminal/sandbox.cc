#include "sandbox/sandbox.h"

#include <fstream>
#include <iterator>
#include <utility>

#include "base/secret.h"
#include "terminal/verbs.h"
#include "terminal/yaml_map.h"

namespace mms::terminal {

namespace {

Result<std::string> ReadFile(const std::string& path, const std::string& flag,
                             const std::string& code) {
  std::ifstream file(path, std::ios::binary);
  std::string text(std::istreambuf_iterator<char>(file), {});
  if (file && !text.empty()) return text;
  return Error(ErrorKind::kInvalidInput, code,
               "cannot read " + path + ", or it is empty; check the path given with " + flag);
}

/// A secret of the users file; empty when absent.
Result<Secret> ReadUserSecret(const YamlMap& entry, std::string_view key) {
  if (!entry.Has(key)) return Secret();
  TRY(const std::string reference, entry.Text(key));
  return ResolveSecret(reference, entry.NameOf(key));
}

Result<sandbox::Grant> ReadGrant(const YamlMap& entry) {
  sandbox::Grant grant;
  TRY(grant.project, entry.RequiredText("project"));
  TRY(const auto rights, entry.Texts("rights"));
  for (const std::string& text : rights) {
    const auto right = sandbox::FindRight(text);
    if (!right) {
      return entry.Fail("CONFIG_VALUE", "rights",
                        entry.NameOf("rights") +
                            " takes list, create_table, create_instance, alter, drop, describe, "
                            "select, update, download and owner");
    }
    grant.rights.insert(*right);
  }
  return grant;
}

Result<std::vector<sandbox::User>> ReadUsers(const std::string& path) {
  TRY(const std::string text, ReadFile(path, "--users", "CONFIG_UNREADABLE"));
  TRY(const YamlMap root, YamlMap::Parse(text, path, {"users"}));
  std::vector<sandbox::User> users;
  TRY_VOID(root.EachMap(
      "users",
      {"name", "access_key_id", "access_key_secret", "security_token", "bearer_token", "grants"},
      [&](const YamlMap& entry) -> Status {
        sandbox::User user;
        TRY(user.name, entry.RequiredText("name"));
        TRY(user.access_key_id, entry.Text("access_key_id"));
        TRY(user.access_key_secret, ReadUserSecret(entry, "access_key_secret"));
        TRY(user.security_token, ReadUserSecret(entry, "security_token"));
        TRY(user.bearer_token, ReadUserSecret(entry, "bearer_token"));
        TRY_VOID(entry.EachMap("grants", {"project", "rights"}, [&](const YamlMap& item) -> Status {
          TRY(sandbox::Grant grant, ReadGrant(item));
          user.grants.push_back(std::move(grant));
          return OkStatus();
        }));
        users.push_back(std::move(user));
        return OkStatus();
      }));
  return users;
}

/// The one key of the flags: owner of everything.
Result<std::vector<sandbox::User>> UserOfFlags(const SandboxFlags& flags) {
  if (flags.access_key_id.empty() && flags.access_key_secret.empty()) {
    return std::vector<sandbox::User>();
  }
  sandbox::User user;
  user.name = flags.access_key_id;
  user.access_key_id = flags.access_key_id;
  TRY(user.access_key_secret, ResolveSecret(flags.access_key_secret, "--access-key-secret"));
  if (!flags.security_token.empty()) {
    TRY(user.security_token, ResolveSecret(flags.security_token, "--security-token"));
  }
  user.grants = {{"*", {sandbox::Right::kOwner}}};
  return std::vector<sandbox::User>{std::move(user)};
}

Result<sandbox::Options> MakeOptions(const SandboxFlags& flags) {
  sandbox::Options options;
  options.listen = flags.listen;
  options.data_dir = flags.data_dir;
  options.projects = flags.projects;
  options.flat_projects = flags.flat_projects;
  TRY(options.users, UserOfFlags(flags));
  if (!flags.users_file.empty()) {
    TRY(auto users, ReadUsers(flags.users_file));
    std::move(users.begin(), users.end(), std::back_inserter(options.users));
  }
  if (!flags.faults_file.empty()) {
    TRY(options.faults_json, ReadFile(flags.faults_file, "--faults", "SANDBOX_FAULTS"));
  }
  options.limits.enforce = flags.enforce_limits;
  options.limits.window_scale = flags.limit_window_scale;
  options.limits.slots = flags.limit_slots;
  options.limits.block_bytes_per_s = int64_t{1'000'000} * flags.limit_block_mb_per_s;
  options.session_s = flags.session_seconds;
  return options;
}

}  // namespace

ExitCode RunSandbox(const SandboxFlags& flags, Output& output) {
  const auto options = MakeOptions(flags);
  if (!options) return output.Fail(options.error());
  const Status served = sandbox::Run(*options);
  return served ? ExitCode::kDone : output.Fail(served.error());
}

}  // namespace mms::terminal
