// What the metadata holds of a source table, as `mms sync` and `mms source tables` print it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "migration/metadata/metadata.h"
#include "terminal/output.h"

namespace mms::terminal {

/// Of the Delta log; unknown for a table that has none, or was not read.
std::optional<int64_t> LogVersion(const migration::TableEntry& table);

/// What is odd about its log, for people; "" = nothing.
std::string NotesOf(const migration::TableEntry& table);

/// What the table's last scan found, when that was `scan`.
migration::TableChange ChangeIn(const migration::TableEntry& table, int64_t scan);

/// The object `source_table`; `scan`: whose changes it tells.
Json SourceTableFields(const migration::TableEntry& table, int64_t scan);

}  // namespace mms::terminal
