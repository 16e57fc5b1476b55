// Which values a table holds that its target may not take as they are, as far as the Delta log's
// statistics tell, and where they do not the footers of its files: of each column that has a limit,
// how many files lie within it, how many reach beyond it and how far, and of how many it is not
// known. Absence is claimed only where it is proved. Pure; memory grows with columns, not with
// files.
//
// Source of the facts: Delta protocol, "Per-file Statistics" (nested by physical name; instants are
// cut to milliseconds; without tightBounds a bound may be wider than the values).
#pragma once

#include <arrow/type_fwd.h>

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "clients/delta/table.h"
#include "migration/plan/plan.h"

namespace mms::migration {

struct ValueRisk {
  std::string column;       ///< at the source, with its path inside the column: "a.b"
  std::string source_type;  ///< "TIMESTAMP"
  std::string limit;        ///< "1677-09-21 to 2262-04-11"
  std::string outcome;      ///< what becomes of a value beyond it
  int64_t files = 0;        ///< all of the table
  int64_t files_within = 0;
  int64_t files_beyond = 0;     ///< their statistics reach beyond the limit
  int64_t files_unknown = 0;    ///< nothing that could tell
  int64_t files_by_footer = 0;  ///< of those within and beyond: told by their footers alone
  std::string lowest;           ///< bound of files_beyond, as log or footer has it; "" = none
  std::string highest;

  bool operator==(const ValueRisk&) const = default;
};

/// Whether statistics could tell anything of the plan's columns: some hold a TIMESTAMP or a DATE.
bool HasTimes(const TablePlan& plan);
/// Of the plan's columns that hold text or bytes: no statistics tell their lengths. `files`: all.
std::vector<ValueRisk> LengthRisks(const TablePlan& plan, int64_t files);

/// A point in time, or the beginning of a day.
struct Instant {
  int64_t day = 0;  ///< since 1970
  int64_t nanos = 0;

  auto operator<=>(const Instant&) const = default;
};
/// `value`: since 1970, of units of which a day has `per_day`; 1 for days themselves.
Instant InstantOf(int64_t value, int64_t per_day);

/// Where a leaf lies: the field of TablePlan::physical, then fields of structs by their number, 0
/// for the elements of a list, 0 and 1 for keys and values of a map.
using LeafPath = std::vector<int>;

/// What the footer of one file tells of the values of a leaf.
struct LeafBounds {
  bool covers_all = false;           ///< no value is outside of `low` and `high`
  std::optional<Instant> low, high;  ///< of days and instants; nullopt = no value is known
  std::optional<int64_t> bytes_max;  ///< no value takes more; nullopt = not known
};

class ValueRisks {
 public:
  /// TIMESTAMPs and DATEs of the plan's columns; with `lengths` also text and bytes, after them,
  /// a column each. `schema_json`: the Delta schema at the plan's version. Errors: kCorrupt
  /// DELTA_SCHEMA_INVALID.
  static Result<ValueRisks> Make(std::string_view schema_json, const TablePlan& plan,
                                 bool lengths = false);
  /// All of these of a table without a log, of which footers alone tell.
  static ValueRisks MakeWithoutLog(const TablePlan& plan);

  enum class Place { kWithin, kBeyond, kUnknown };
  struct Judgement {
    Place place = Place::kUnknown;
    bool by_footer = false;
    std::string lowest = {};  ///< bounds beyond the limit; "" = none
    std::string highest = {};
  };
  /// Of one file, a judgement for each column.
  using Judgements = std::vector<Judgement>;
  Judgements JudgeStatistics(const delta::File& file) const;
  bool NeedsFooter(const Judgements& judgements) const;
  /// Of each of `leaves()` in order; judges what is unknown so far.
  void JudgeFooter(const std::vector<LeafBounds>& bounds, Judgements* judgements) const;
  const std::vector<LeafPath>& leaves() const { return leaves_; }

  /// A live file.
  void Count(const Judgements& judgements);
  void Add(const delta::File& file) { Count(JudgeStatistics(file)); }
  std::vector<ValueRisk> Finish() &&;

 private:
  enum class Kind { kTimestamp, kDate, kLength };
  struct Column {
    Kind kind = Kind::kTimestamp;
    std::vector<std::string> path;  ///< physical names
    bool in_statistics = true;      ///< false inside arrays and maps
    LeafPath leaf;                  ///< while it is looked for
    std::vector<size_t> leaves;     ///< in leaves_; empty = no footer can be asked
    ValueRisk risk;
  };

  void AddType(const nlohmann::json& field, const arrow::DataType* physical, Column column);
  void AddLeaf(const std::string& type, bool has_leaf, Column column);
  void AddLengths(const TablePlan& plan);
  size_t LeafNumber(LeafPath leaf);
  static Judgement JudgeText(const nlohmann::json& statistics, const Column& column);
  static Judgement JudgeBounds(const LeafBounds& bounds, Kind kind);

  ValuePolicy values_;
  std::vector<Column> columns_;
  std::vector<LeafPath> leaves_;
};

}  // namespace mms::migration
