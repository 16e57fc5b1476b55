// Which column of the data files each column of a table reads, and so whether a change of the
// schema alone changes what rows hold: with column mapping a column that was renamed, or dropped
// and added again under its name, reads other data of the same files. Pure.
//
// Source of the facts: Delta protocol, "Column Mapping" (delta.columnMapping.physicalName and .id,
// at every level of nesting); without it a column's name is its physical one.
#pragma once

#include <string>

namespace mms::migration {

/// Of a Delta schema: {"name": ["physical name", id or null, {fields within}]}, the end left out
/// where there is none. Names have no case. "" of what is no schema.
std::string ColumnIdsOf(const std::string& schema_json);

/// Whether a column, or a field within one, reads another column of the files than one of its name
/// did, or one that went by another name. What is new, or gone, changes nothing. False where one of
/// the two is "".
bool MeanOther(const std::string& before, const std::string& now);

/// `now` with what it lacks of `before`: one that comes back under its name is not the one that
/// left.
std::string WithGone(const std::string& now, const std::string& before);

}  // namespace mms::migration
