// What `source:` of the migration file says beside credentials: which workspace, which compute,
// what of the catalog counts. docs/cli.md describes it; the rules are
// migration/inspect/source_settings.h and source_filter.h. Errors: those of yaml_map.h.
#pragma once

#include <string_view>
#include <vector>

#include "base/result.h"
#include "migration/inspect/inspect.h"
#include "terminal/yaml_map.h"

namespace mms::terminal {

/// Keys of `source:` that ReadSourceSettings reads.
std::vector<std::string_view> SourceKeys();
Status ReadSourceSettings(const YamlMap& source, migration::SourceOptions* out);

/// The error of a setting's own check, at its key.
Error AtKey(const YamlMap& map, std::string_view key, const Error& error);

}  // namespace mms::terminal
