// The parts of the migration file that say how source and target are reconciled: `policy:` as far
// as it is about tables and values, and what an entry of `tables:` asks of its tables. docs/cli.md
// describes both. Errors: those of yaml_map.h.
#pragma once

#include <string_view>
#include <vector>

#include "base/result.h"
#include "migration/plan/policy.h"
#include "terminal/yaml_map.h"

namespace mms::terminal {

/// Keys of `policy:` that ReadPolicyMap reads.
std::vector<std::string_view> PolicyKeys();
/// `kind`: what an entry of `tables:` without `kind` gets.
struct PolicyMap {
  migration::Policy policy;
  migration::TableKind kind = migration::TableKind::kStandard;
};
Result<PolicyMap> ReadPolicyMap(const YamlMap& map);

/// Keys of an entry of `tables:` that ReadTableSettings reads.
std::vector<std::string_view> TableSettingsKeys();
Result<migration::TableSettings> ReadTableSettings(const YamlMap& entry,
                                                   migration::TableKind fallback);

}  // namespace mms::terminal
