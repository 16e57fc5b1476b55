// The target's settings and the price book in store.h.
#include <nlohmann/json.hpp>
#include <utility>

#include "service/store_session.h"

namespace mms::service {
namespace {

using nlohmann::json;
using soci::into;
using soci::use;
using Texts = std::map<std::string, std::string>;

std::string Context(const std::string& key) { return "target " + key; }

/// Without `vault` the secrets stay sealed.
Result<Profile> ReadTarget(soci::session& sql, const Vault* vault) {
  std::string settings, sealed;
  sql << "SELECT settings, sealed FROM target", into(settings), into(sealed);
  Profile target;
  target.name = "target";
  if (!sql.got_data()) return target;
  target.values = json::parse(settings).get<Texts>();
  for (const auto& [key, text] : json::parse(sealed).get<Texts>()) {
    Secret& secret = target.secrets[key];
    if (vault == nullptr) continue;
    TRY(secret, vault->Unseal(text, Context(key)));
  }
  return target;
}

}  // namespace

Result<bool> Store::HasTarget() {
  return state_->Read([&](soci::session& sql) -> Result<bool> {
    int count = 0;
    sql << "SELECT COUNT(*) FROM target", into(count);
    return count > 0;
  });
}

Result<Profile> Store::GetTarget() {
  return state_->Read([&](soci::session& sql) { return ReadTarget(sql, nullptr); });
}

Result<Profile> Store::UnsealTarget() {
  return state_->Read([&](soci::session& sql) { return ReadTarget(sql, &*state_->vault); });
}

Result<std::optional<bool>> Store::FindProjectSchemas(const std::string& project) {
  return state_->Read([&](soci::session& sql) -> Result<std::optional<bool>> {
    int has_schemas = 0;
    sql << "SELECT has_schemas FROM projects WHERE name = :name", use(project), into(has_schemas);
    return sql.got_data() ? std::optional(has_schemas != 0) : std::nullopt;
  });
}

Status Store::KeepProjectSchemas(const std::string& project, bool has_schemas) {
  return state_->Write([&](soci::session& sql) -> Status {
    const int has = has_schemas ? 1 : 0;
    sql << "INSERT OR REPLACE INTO projects (name, has_schemas) VALUES (:name, :has)", use(project),
        use(has);
    return OkStatus();
  });
}

Result<Profile> Store::GetPrices() {
  return state_->Read([&](soci::session& sql) -> Result<Profile> {
    Profile prices;
    prices.name = "prices";
    std::string settings;
    sql << "SELECT settings FROM prices", into(settings);
    if (sql.got_data()) prices.values = json::parse(settings).get<Texts>();
    return prices;
  });
}

Status Store::SavePrices(const Profile& prices) {
  return state_->Write([&](soci::session& sql) -> Status {
    const std::string settings = json(prices.values).dump();
    sql << "DELETE FROM prices";
    sql << "INSERT INTO prices (settings) VALUES (:settings)", use(settings);
    return OkStatus();
  });
}

Status Store::SaveTarget(const Profile& target) {
  return state_->Write([&](soci::session& sql) -> Status {
    json sealed = json::object();
    for (const auto& [key, secret] : target.secrets) {
      CHECK(!secret.empty());  // of a target that was not unsealed
      TRY(sealed[key], state_->vault->Seal(secret, Context(key)));
    }
    const std::string settings = json(target.values).dump(), kept = sealed.dump();
    TRY(const Profile before, ReadTarget(sql, nullptr));
    if (before.Get("endpoint") != target.Get("endpoint")) sql << "DELETE FROM projects";
    sql << "DELETE FROM target";
    sql << "INSERT INTO target (settings, sealed) VALUES (:settings, :sealed)", use(settings),
        use(kept);
    return OkStatus();
  });
}

}  // namespace mms::service
