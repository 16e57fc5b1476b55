#include "service/profile.h"

#include "service/source_config.h"

namespace mms::service {
namespace {

Status Apply(const ConfigItem& item, const nlohmann::json& value, Profile* profile) {
  const auto text = TextOfValue(item, value);
  if (!text) return text.error();
  const bool secret = item.type == ConfigType::kPassword;
  if (secret && *text == kMasked) return OkStatus();
  const auto normal = text->empty() ? text : item.normal(*text);
  if (!normal) return normal.error();
  profile->values.erase(item.key);
  profile->secrets.erase(item.key);
  if (normal->empty()) return OkStatus();
  if (secret) {
    profile->secrets.emplace(item.key, Secret(*normal));
  } else {
    profile->values.emplace(item.key, *normal);
  }
  return OkStatus();
}

}  // namespace

std::string Profile::Get(const std::string& key) const {
  const auto found = values.find(key);
  return found == values.end() ? "" : found->second;
}

Secret Profile::GetSecret(const std::string& key) const {
  const auto found = secrets.find(key);
  return found == secrets.end() ? Secret() : found->second;
}

Result<Profile> ApplyProfileChanges(const Profile& before, const nlohmann::json& changes,
                                    const ProfileKind& kind) {
  Profile profile = before;
  for (const auto& [key, value] : changes.items()) {
    const ConfigItem* item = kind.find(key);
    if (item == nullptr) {
      return Error(
          ErrorKind::kInvalidInput, "CONFIG_UNKNOWN_KEY",
          key + " is no setting of a " + kind.noun + "; " + kind.verb + " items lists them");
    }
    const Status applied = Apply(*item, value, &profile);
    if (applied) continue;
    const Error& error = applied.error();
    return Error(error.kind(), error.code(), key + " " + error.message());
  }
  return profile;
}

}  // namespace mms::service
