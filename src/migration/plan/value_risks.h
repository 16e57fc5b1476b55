// Which values a table holds that its target may not take as they are, as far as the Delta log's
// statistics tell: of each column that has a limit, how many files lie within it, how many reach
// beyond it and how far, and of how many it is not known. Absence is claimed only where statistics
// prove it. Pure; memory grows with columns, not with files.
//
// Source of the facts: Delta protocol, "Per-file Statistics" (nested by physical name; instants are
// cut to milliseconds; without tightBounds a bound may be wider than the values).
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
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
  int64_t files_beyond = 0;   ///< their statistics reach beyond the limit
  int64_t files_unknown = 0;  ///< no statistics, or none that could tell
  std::string lowest;         ///< bound of files_beyond, as the log has it; "" = none
  std::string highest;

  bool operator==(const ValueRisk&) const = default;
};

/// Whether statistics could tell anything of the plan's columns: some hold a TIMESTAMP or a DATE.
bool HasTimes(const TablePlan& plan);
/// Of the plan's columns that hold text or bytes: no statistics tell their lengths. `files`: all.
std::vector<ValueRisk> LengthRisks(const TablePlan& plan, int64_t files);

/// TIMESTAMPs and DATEs.
class ValueRisks {
 public:
  /// Those of the plan's columns. `schema_json`: the Delta schema at the plan's version.
  /// Errors: kCorrupt DELTA_SCHEMA_INVALID.
  static Result<ValueRisks> Make(std::string_view schema_json, const TablePlan& plan);

  /// A live file with its statistics.
  void Add(const delta::File& file);
  std::vector<ValueRisk> Finish() &&;

 private:
  struct Column {
    bool date = false;
    std::vector<std::string> path;  ///< physical names
    bool in_statistics = true;      ///< false inside arrays and maps
    ValueRisk risk;
  };
  enum class Place { kWithin, kBeyond, kUnknown };

  void AddType(const nlohmann::json& field, Column column);
  void AddLeaf(const std::string& type, Column column);
  static Place Judge(const nlohmann::json& statistics, Column& column);

  ValuePolicy values_;
  std::vector<Column> columns_;
};

}  // namespace mms::migration
