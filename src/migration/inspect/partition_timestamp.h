// Partition values of type TIMESTAMP as Delta logs write them. Newer writers put instants down in
// UTC with a Z; older ones put down what a clock showed in the zone of their session, which the log
// does not record (Delta protocol, "Partition Value Serialization"). Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace mms::migration {

struct PartitionTimestamp {
  std::string text;    ///< "yyyy-MM-dd HH:mm:ss[.fffffffff]", without zeros at its end
  bool zoned = false;  ///< it is in UTC; else on a clock that is not told
};

/// "2024-03-10T07:00:00.500000Z" or "2024-03-10 07:00:00.5"; nullopt = no timestamp.
std::optional<PartitionTimestamp> ParsePartitionTimestamp(std::string_view value);

/// True when a log's value says which clock it was read from.
bool HasZone(std::string_view value);

/// For people: that a column has values such as `value`.
std::string ZonelessText(const std::string& column, const std::string& value);
/// To be put after it: how they are taken; `zone` "" = none was told.
std::string ZoneTakenText(const std::string& zone);

/// What a clock in `zone` (IANA name) showed, as text in UTC. Of two instants that showed it alike
/// the first; of a time that no clock showed, as far after the gap as it is after the gap's
/// beginning: both as Spark reads such values (java.time.ZonedDateTime.ofLocal). nullopt = no such
/// day, or beyond the year 9999. Errors: those of FindZone (base/time_zone.h).
Result<std::optional<std::string>> TextInUtc(const std::string& text, const std::string& zone);

}  // namespace mms::migration
