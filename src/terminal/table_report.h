// What the ledger says of one table, summed over its units, for the report and for the line that
// closes a table in the progress. Reads only; memory does not grow with the number of units.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/result.h"
#include "migration/ledger/ledger.h"

namespace mms::terminal {

/// The state of a whole table: the worst of its units.
enum class Outcome {
  kMatch,
  kExtra,
  kNotCompared,
  kNotComparable,
  kPending,
  kRefused,
  kFailed,
  kMissing,
  kMismatch
};

/// In the order they are shown.
inline constexpr std::array kOutcomes = {
    Outcome::kMatch,       Outcome::kMismatch, Outcome::kMissing,
    Outcome::kFailed,      Outcome::kRefused,  Outcome::kPending,
    Outcome::kNotCompared, Outcome::kExtra,    Outcome::kNotComparable};

/// "Match", "ExtraInTarget", "NotCompared", "NotComparable", "Pending", "Refused", "Failed",
/// "MissingInTarget", "Mismatch".
std::string_view OutcomeName(Outcome outcome);

struct TableReport {
  /// Reasons beyond these are counted, not kept.
  static constexpr size_t kReasonsMax = 20;

  migration::UnitScope scope{0};  ///< of what it tells
  std::string source;
  std::string target;  ///< "" when refused before planning
  bool planned = false;
  bool is_part = false;            ///< of it that later jobs have not taken over
  std::optional<int64_t> version;  ///< Delta version copied; nullopt = not planned, or none pinned
  int64_t units = 0;               ///< target partitions; 1 for a table without
  int64_t units_committed = 0;
  std::optional<int64_t> files;
  std::optional<int64_t> bytes;
  std::optional<int64_t> rows_source;  ///< by the Delta log
  std::optional<int64_t> rows_copied;  ///< nullopt when nothing is committed
  std::optional<int64_t> rows_target;  ///< nullopt unless every unit was counted
  std::string source_checksum;         ///< hex; "" unless every unit's was taken
  std::string target_checksum;
  Outcome outcome = Outcome::kPending;
  /// By what its partitions were compared; empty = none was, or nobody knows by what.
  std::set<migration::ComparedBy> compared_by;
  /// What the policies made of values, by column; also a partition column's mapped values, counted
  /// in partitions.
  struct ChangedColumn {
    std::string column;  ///< at the target
    std::string change;  ///< ChangeName, or "partition_value_mapped"
    std::string text;    ///< for people
    int64_t values = 0;
  };
  std::vector<ChangedColumn> changed;
  int64_t record_blocks = 0;          ///< sent record by record
  std::vector<std::string> left_out;  ///< source columns that are not copied
  std::optional<Error> error;         ///< the table's own, else the first of a unit
  std::vector<std::string> reasons;   ///< for anything but Match: what is wrong and what to do
  int64_t reasons_left_out = 0;

  /// Some verdict was reached by counting rows alone.
  bool IsByCount() const;
  /// "checksum, count"; "-" = by nothing.
  std::string Methods() const;
  /// The first digits of its checksum, "-" where some verdict was reached without any.
  std::string ShownChecksum() const;
};

Result<TableReport> ReadTableReport(migration::Ledger& ledger, const migration::TableRecord& table);

/// Every table in ledger order.
Status ReadReport(migration::Ledger& ledger, const std::function<Status(TableReport)>& visit);

/// The error kept in a ledger document; one of kind kInternal when the text is not one.
std::optional<Error> ErrorOfLedger(const std::string& error_json);

}  // namespace mms::terminal
