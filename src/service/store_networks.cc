// The network profiles of store.h.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <nlohmann/json.hpp>
#include <utility>

#include "service/store_session.h"

namespace mms::service {
namespace {

using nlohmann::json;
using soci::into;
using soci::use;
using Names = std::vector<std::string>;
using Texts = std::map<std::string, std::string>;

std::string Context(const std::string& name, const std::string& key) {
  return "network " + name + " " + key;
}

Names NamesThere(soci::session& sql) {
  std::string name;
  soci::statement statement =
      (sql.prepare << "SELECT name FROM networks ORDER BY name", into(name));
  statement.execute();
  Names names;
  while (statement.fetch()) names.push_back(name);
  return names;
}

Error NoNetwork(soci::session& sql, const std::string& name) {
  Names names = NamesThere(sql);
  names.insert(names.begin(), NetworkNameOf(kDirectLink));
  return Error(ErrorKind::kNotFound, "NETWORK_NOT_FOUND",
               fmt::format("no such network; there are: {}. See mms source network add --help",
                           fmt::join(names, ", ")))
      .At("network " + name);
}

bool IsThere(soci::session& sql, const std::string& name) {
  int count = 0;
  sql << "SELECT COUNT(*) FROM networks WHERE name = :name", use(name), into(count);
  return count > 0;
}

/// Names of its sources; `alive`: only of those with an instance.
Names UsersOf(soci::session& sql, const std::string& name, bool alive) {
  std::string source;
  const std::string link = *ParseNetworkLink(name);
  const int all = alive ? 0 : 1;
  soci::statement statement =
      (sql.prepare << "SELECT name FROM data_sources WHERE networklink = :link AND "
                      "(:all = 1 OR status IN (1, 2, 3)) ORDER BY id",
       use(link, "link"), use(all, "all"), into(source));
  statement.execute();
  Names names;
  while (statement.fetch()) names.push_back(source);
  return names;
}

/// Without `vault` the secrets stay sealed.
Result<NetworkProfile> Read(soci::session& sql, const Vault* vault, const std::string& name) {
  std::string settings, sealed;
  sql << "SELECT settings, sealed FROM networks WHERE name = :name", use(name), into(settings),
      into(sealed);
  if (!sql.got_data()) return NoNetwork(sql, name);
  NetworkProfile network;
  network.name = name;
  network.values = json::parse(settings).get<Texts>();
  for (const auto& [key, text] : json::parse(sealed).get<Texts>()) {
    Secret& secret = network.secrets[key];
    if (vault == nullptr) continue;
    TRY(secret, vault->Unseal(text, Context(name, key)));
  }
  return network;
}

struct Written {
  std::string settings, sealed;
};
Result<Written> TextsOf(const Vault& vault, const NetworkProfile& network) {
  json sealed = json::object();
  for (const auto& [key, secret] : network.secrets) {
    CHECK(!secret.empty());  // of a network that was not unsealed
    TRY(sealed[key], vault.Seal(secret, Context(network.name, key)));
  }
  return Written{json(network.values).dump(), sealed.dump()};
}

}  // namespace

Status CheckNetworkLink(soci::session& sql, const std::string& networklink) {
  const std::string name = NetworkNameOf(networklink);
  if (networklink == kDirectLink || IsThere(sql, name)) return OkStatus();
  return NoNetwork(sql, name);
}

Status Store::AddNetwork(const NetworkProfile& network) {
  return state_->Write([&](soci::session& sql) -> Status {
    if (IsThere(sql, network.name)) {
      return Error(ErrorKind::kConflict, "NAME_EXISTS",
                   "another network has this name; choose another one")
          .At("network " + network.name);
    }
    TRY(const Written written, TextsOf(*state_->vault, network));
    sql << "INSERT INTO networks (name, settings, sealed) VALUES (:name, :settings, :sealed)",
        use(network.name), use(written.settings), use(written.sealed);
    return OkStatus();
  });
}

Result<NetworkProfile> Store::GetNetwork(const std::string& name) {
  return state_->Read([&](soci::session& sql) { return Read(sql, nullptr, name); });
}

Result<NetworkProfile> Store::UnsealNetwork(const std::string& name) {
  return state_->Read([&](soci::session& sql) { return Read(sql, &*state_->vault, name); });
}

Result<std::vector<NetworkProfile>> Store::ListNetworks() {
  using Found = std::vector<NetworkProfile>;
  return state_->Read([&](soci::session& sql) -> Result<Found> {
    Found found;
    for (const std::string& name : NamesThere(sql)) {
      TRY(NetworkProfile network, Read(sql, nullptr, name));
      found.push_back(std::move(network));
    }
    return found;
  });
}

Result<Names> Store::UsersOfNetwork(const std::string& name) {
  return state_->Read(
      [&](soci::session& sql) -> Result<Names> { return UsersOf(sql, name, false); });
}

Status Store::SaveNetwork(const NetworkProfile& network) {
  return state_->Write([&](soci::session& sql) -> Status {
    if (!IsThere(sql, network.name)) return NoNetwork(sql, network.name);
    const Names alive = UsersOf(sql, network.name, true);
    if (!alive.empty()) {
      return Error(ErrorKind::kConflict, "SOURCE_STATE",
                   fmt::format("data sources that are started are reached by it as it is ({}); "
                               "stop them, change it, and start them again",
                               fmt::join(alive, ", ")))
          .At("network " + network.name);
    }
    TRY(const Written written, TextsOf(*state_->vault, network));
    sql << "UPDATE networks SET settings = :settings, sealed = :sealed WHERE name = :name",
        use(written.settings), use(written.sealed), use(network.name);
    return OkStatus();
  });
}

Status Store::RemoveNetwork(const std::string& name) {
  return state_->Write([&](soci::session& sql) -> Status {
    if (!IsThere(sql, name)) return NoNetwork(sql, name);
    const Names users = UsersOf(sql, name, false);
    if (!users.empty()) {
      return Error(ErrorKind::kConflict, "NETWORK_IN_USE",
                   fmt::format("data sources are reached by it ({}); give them another one first: "
                               "mms source update NAME --networklink direct",
                               fmt::join(users, ", ")))
          .At("network " + name);
    }
    sql << "DELETE FROM networks WHERE name = :name", use(name);
    return OkStatus();
  });
}

}  // namespace mms::service
