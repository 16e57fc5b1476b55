// The target's side of a service: where MaxCompute is and who signs in there. Projects are not in
// it: each data source names its own. Pure.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "clients/maxcompute/client.h"
#include "clients/maxcompute/codec.h"
#include "service/profile.h"

namespace mms::service {

std::span<const ConfigItem> TargetItems();
/// nullptr when there is none.
const ConfigItem* FindTargetItem(std::string_view key);

/// Errors: those of ApplyProfileChanges, and CONFIG_MISSING naming what the target cannot do
/// without.
Result<Profile> ApplyTargetChanges(const Profile& before, const nlohmann::json& changes);

/// Of a profile with its secrets; without projects and schema.
maxcompute::Options TargetOptionsOf(const Profile& target);
/// nullopt = chosen by measuring.
std::optional<maxcompute::Codec> CodecOf(const Profile& target);
/// Of MaxCompute's rate limits: a rehearsal may shorten them.
double LimitScaleOf(const Profile& target);

}  // namespace mms::service
