// The form of each setting of a data source, whoever gives it: the migration file today, the API's
// settings by the same rules. Pure; nothing is asked of a peer.
//
// Errors: kInvalidInput CONFIG_VALUE; the message goes on after the setting's name and says what is
// wrong and what is right ("must be ..."). None shows the value, which may be a secret in the wrong
// place.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace mms::migration {

/// Letters, digits and Chinese characters. Databricks accounts have no such name: it is ours.
Status CheckSourceName(std::string_view name);

/// "https://host[:port]": a missing scheme is https; blanks around, path, ?o= and # are dropped. A
/// host under azuredatabricks.net or .cn must be adb-<digits>.<digits> and reached by https. Any
/// other host is taken too: there are private ones, and open-source servers, which mostly speak
/// http.
Result<std::string> ParseWorkspace(std::string_view text);
/// Whether the token goes unencrypted to another machine. `workspace` as ParseWorkspace gave it.
bool GoesInTheClear(std::string_view workspace);

/// Exactly one catalog.
Status CheckCatalogName(std::string_view name);

/// "0101-120000-abcdefgh". A warehouse's id is told from it.
Status CheckClusterId(std::string_view id);
/// 16 hexadecimal digits.
Status CheckWarehouseId(std::string_view id);

/// A MaxCompute project: letters, digits and underscores, a letter first.
Status CheckProjectName(std::string_view name);

/// When metadata is pulled by itself: each day at HH:MM, or each hour at minute MM; two digits
/// each.
struct MetaTimer {
  enum class Type { kNone, kDaily, kHourly };
  Type type = Type::kNone;
  int hour = 0;  ///< kDaily
  int minute = 0;

  bool operator==(const MetaTimer&) const = default;
};
/// `type`: "none", "daily", "hourly", in any case; `value` "" only with none.
Result<MetaTimer> ParseMetaTimer(std::string_view type, std::string_view value);

/// The time of day in which tasks may start; equal times = always, the end may be tomorrow.
struct TimeWindow {
  int from_minute = 0;   ///< of the day
  int until_minute = 0;  ///< not included

  bool Contains(int minute_of_day) const;
  bool operator==(const TimeWindow&) const = default;
};
/// "22:00-06:00", two digits each.
Result<TimeWindow> ParseTimeWindow(std::string_view text);

/// How much one task of a job takes on: whichever is reached first; 0 = without this limit.
struct TaskSize {
  int64_t partitions_max = 50;
  int64_t gigabytes_max = 5;
};

}  // namespace mms::migration
