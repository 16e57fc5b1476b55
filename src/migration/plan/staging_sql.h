// The SQL that looks at a staged partition's keys and moves it into the final table. Names are
// quoted, values too (MaxCompute casts them to an integer partition column). Pure.
#pragma once

#include <string>

#include "clients/maxcompute/client.h"
#include "migration/plan/plan.h"

namespace mms::migration {

/// Where a unit's rows are staged and where they belong; names are qualified and quoted.
struct StagedPartition {
  std::string staging;
  std::string target;
  maxcompute::PartitionSpec partition;  ///< empty for a table without partitions
};

/// One row: rows staged, keys that several rows have, rows with a NULL in their key.
std::string KeyCountsSql(const TablePlan& plan, const StagedPartition& unit);

/// Up to `rows_max` keys, each with its count of rows; `nulls`: those with a NULL in them, else
/// those that several rows have.
struct KeySample {
  bool nulls = false;
  int rows_max = 5;
};
std::string KeySampleSql(const TablePlan& plan, const StagedPartition& unit, KeySample sample);

/// INSERT OVERWRITE of the one partition: may run twice.
std::string MoveSql(const TablePlan& plan, const StagedPartition& unit);

}  // namespace mms::migration
