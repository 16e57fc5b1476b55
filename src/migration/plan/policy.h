// What the user allows where source and target cannot agree: a closed list, each with a default
// that loses nothing and stops. Kept in a table's plan as far as copying needs it, so that a
// resumed table is finished under the rules it began with. Value types.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "migration/inspect/table_settings.h"

namespace mms::migration {

/// A source column that an existing target table lacks.
enum class ExtraColumn { kStop, kAdd, kIgnore };
/// A column of an existing target table that the source lacks.
enum class MissingColumn { kStop, kNull };
/// Rows that were only added to a table without partitions (growth.h).
enum class Growth { kAppend, kRewrite };
/// A STRING or BINARY value beyond a cell's 8 MiB, a VARCHAR beyond its length.
enum class LongValue { kFail, kNull, kTruncate };
/// A STRING value that is not UTF-8.
enum class BadUtf8 { kFail, kNull, kReplace };
/// A timestamp outside of what Arrow's nanoseconds hold. kRecord: its block is sent record by
/// record, which holds the years 1 to 9999. A DATE outside of those has no other form: both fail.
enum class FarTimestamp { kRecord, kFail, kNull };

struct ValuePolicy {
  LongValue on_long_value = LongValue::kFail;
  BadUtf8 on_bad_utf8 = BadUtf8::kFail;
  FarTimestamp on_timestamp_range = FarTimestamp::kRecord;

  bool operator==(const ValuePolicy&) const = default;
};

/// What a policy made of a value. Order is that of counts in the ledger: only ever append.
enum class Change {
  kCut,            ///< LongValue::kTruncate
  kNullLong,       ///< LongValue::kNull
  kReplacedUtf8,   ///< BadUtf8::kReplace
  kNullUtf8,       ///< BadUtf8::kNull
  kNullTimestamp,  ///< FarTimestamp::kNull
  kNullDate,       ///< likewise, of a DATE
};
inline constexpr size_t kChangeKinds = 6;

/// "cut", "null_too_long", "utf8_replaced", "null_bad_utf8", "null_timestamp_range",
/// "null_date_range".
std::string_view ChangeName(Change change);
std::optional<Change> ParseChange(std::string_view name);
/// For people: "cut to the length that fits (on_long_value: truncate)".
std::string_view ChangeText(Change change);

/// Texts, mostly single characters, and what each becomes: pair by pair in this order, everywhere
/// in what the pairs before it made. A replacement may be empty, what is replaced may not.
using CharacterMap = std::vector<std::pair<std::string, std::string>>;

struct Policy {
  ExtraColumn on_extra_column = ExtraColumn::kStop;
  MissingColumn on_missing_column = MissingColumn::kStop;
  ValuePolicy values;
  DroppedPartition on_dropped_partition = DroppedPartition::kReport;
  Growth on_growth = Growth::kAppend;
  bool extended_decimal = false;  ///< DECIMAL of more than 18 digits after the point; else STRING
  bool keep_varchar = false;      ///< VARCHAR(n) as such; else STRING
  bool keep_not_null = false;     ///< NOT NULL columns as such; else nullable
  bool standard_if_refused = false;  ///< an append_delta table that the project refuses
  /// More become ordinary columns, with 0 all; nullopt = none, and too many are refused.
  std::optional<int> max_partition_levels = {};
  std::string null_partition;  ///< text for NULL; "" = the service's own
  /// IANA name: where partition values of type TIMESTAMP without a zone were written; "" = not
  /// told, they are taken as UTC.
  std::string partition_zone;
  CharacterMap partition_value_map;
  CharacterMap column_name_map;
  CharacterMap table_name_map;
};

nlohmann::json ToJson(const ValuePolicy& policy);
ValuePolicy ValuePolicyFromJson(const nlohmann::json& document);
nlohmann::json ToJson(const TableSettings& settings);
TableSettings TableSettingsFromJson(const nlohmann::json& document);

/// Equal when a table would be planned alike: an unfinished plan made under other choices is made
/// anew.
std::string ChoicesId(const Policy& policy, const TableSettings& settings);

}  // namespace mms::migration
