// Network profiles: how a side is reached, under a name. The settings of one (proxy, CA bundle,
// addresses, bandwidth) as texts by key: the migration file's `networks:` and the service's store
// share them, and what makes HTTP options of them. Pure.
//
// Errors: kInvalidInput CONFIG_UNKNOWN_KEY, CONFIG_VALUE, BANDWIDTH_TIMES; each names the key.
#pragma once

#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <string_view>

#include "base/http_client.h"
#include "base/result.h"
#include "service/config_items.h"
#include "service/profile.h"

namespace mms::service {

/// The network of this machine, as a data source's networklink has it.
inline constexpr const char* kDirectLink = "direct:local";

using NetworkProfile = Profile;

std::span<const ConfigItem> NetworkItems();
/// nullptr when there is none.
const ConfigItem* FindNetworkItem(std::string_view key);

/// Letters, digits and Chinese characters; `direct` is taken. Errors go on after the name.
Status CheckNetworkName(std::string_view name);

/// A networklink, `NAME:local` or NAME, in the first form.
Result<std::string> ParseNetworkLink(const std::string& text);
/// The name in it.
std::string NetworkNameOf(const std::string& networklink);

/// `before` with `changes`, an object of keys and values: null or "" takes a value away.
Result<NetworkProfile> ApplyNetworkChanges(const NetworkProfile& before,
                                           const nlohmann::json& changes);

/// Of values that are in their normal form.
HttpClient::Options HttpOptionsOf(const NetworkProfile& profile);

}  // namespace mms::service
