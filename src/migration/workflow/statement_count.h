// How many SQL statements at MaxCompute a run of one table, or a task of a job, will take, foretold
// from the plan: those that make the table and its partitions, drop partitions, and compare. Not
// the one that makes the destination's schema, which is of all its tables. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "migration/ledger/ledger.h"
#include "migration/plan/plan.h"
#include "migration/verify/unit_group.h"
#include "migration/workflow/options.h"

namespace mms::migration {

class StatementCount {
 public:
  struct Rules {
    VerifyLevel verify = VerifyLevel::kChecksum;
    VerifyBy verify_by = VerifyBy::kAuto;
    bool create_partition_by_session = false;
  };
  /// `makes_table`: false of a table's later tasks, which find it made. `plan` outlives it.
  StatementCount(const TablePlan& plan, const Rules& rules, bool makes_table = true);

  /// A unit that is not committed yet, in the ledger's order.
  void Add(const UnitRecord& unit, const UnitPlan& plan);
  /// nullopt where it depends on what is found: a table that is loaded through a staging table,
  /// rows that nobody has counted. 0 when nothing was added.
  std::optional<int64_t> Finish() &&;

 private:
  void MakePartitions();
  void CountRows();
  void EndGroup();

  const TablePlan& plan_;
  const Rules rules_;
  const bool makes_table_;
  std::vector<maxcompute::PartitionSpec> page_;  ///< partitions of the next ALTER TABLE
  size_t page_bytes_ = 0;
  size_t page_units_max_;
  std::vector<maxcompute::PartitionSpec> counted_;  ///< of the next COUNT(*)
  std::optional<UnitGroup> group_;                  ///< of the next SELECT
  bool rows_known_ = true;
  int64_t units_ = 0, dropped_ = 0;
  int64_t made_ = 0, counts_ = 0, selects_ = 0;  ///< statements
};

}  // namespace mms::migration
