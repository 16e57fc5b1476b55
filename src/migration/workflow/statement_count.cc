#include "migration/workflow/statement_count.h"

#include <utility>

#include "migration/plan/table_kind.h"
#include "migration/verify/row_counts.h"
#include "migration/workflow/planning.h"
#include "migration/workflow/table_pass.h"
#include "migration/workflow/unit_check.h"

namespace mms::migration {

StatementCount::StatementCount(const TablePlan& plan, const Rules& rules, bool makes_table)
    : plan_(plan), rules_(rules), makes_table_(makes_table), page_units_max_(kFirstPageUnits) {}

void StatementCount::MakePartitions() {
  const bool by_sql = !rules_.create_partition_by_session;
  if (by_sql && !page_.empty()) {
    made_ += static_cast<int64_t>(AddPartitionSql(page_, plan_.target_table).size());
  }
  page_.clear();
  page_bytes_ = 0;
  page_units_max_ = kPageUnits;
}

void StatementCount::CountRows() {
  counts_ += static_cast<int64_t>(GroupForCounting(counted_).size());
  counted_.clear();
}

/// One partition alone is read by a session.
void StatementCount::EndGroup() {
  if (group_ && group_->partitions().size() > 1) ++selects_;
  group_.reset();
}

void StatementCount::Add(const UnitRecord& unit, const UnitPlan& plan) {
  if (unit.fingerprint == kFingerprintToDrop) {
    ++dropped_;
    return;
  }
  ++units_;
  const maxcompute::PartitionSpec& partition = plan.target_partition;
  if (partition.empty()) return;
  page_.push_back(partition);
  page_bytes_ += unit.plan_json.size();
  if (page_.size() >= page_units_max_ || page_bytes_ >= kPageBytes) MakePartitions();
  if (IsByCount(rules_.verify)) {
    counted_.push_back(partition);
    if (counted_.size() == kUnitsPerCount) CountRows();
    return;
  }
  if (!plan.rows) rows_known_ = false;
  const GroupMember member{plan.rows.value_or(0), plan.bytes};
  if (!ReadsTogether(rules_.verify_by, member)) return;
  if (group_ && !group_->Fits(partition, member)) EndGroup();
  if (!group_) group_.emplace(plan_.columns.size() + plan_.partition_columns.size());
  group_->Add(partition, member);
}

std::optional<int64_t> StatementCount::Finish() && {
  if (units_ + dropped_ == 0) return 0;
  if (!StagingTable(plan_).empty()) return std::nullopt;
  const bool creates = makes_table_ && (!plan_.at_target || !plan_.add_columns.empty());
  constexpr int64_t kPage = kPageUnits;
  MakePartitions();
  int64_t statements = (creates ? 1 : 0) + made_ + (dropped_ + kPage - 1) / kPage;
  if (IsByCount(rules_.verify)) {
    if (!counted_.empty()) CountRows();
    const bool whole = plan_.partition_columns.empty() && units_ > 0;
    return statements + (whole ? 1 : counts_);
  }
  const bool together = rules_.verify == VerifyLevel::kChecksum &&
                        !plan_.partition_columns.empty() && ReadsTogether(rules_.verify_by, units_);
  if (!together) return statements;
  if (!rows_known_) return std::nullopt;
  EndGroup();
  return statements + selects_;
}

}  // namespace mms::migration
