#include "migration/workflow/table_pass.h"

#include <utility>

#include "migration/workflow/planning.h"
#include "migration/workflow/source_counts.h"
#include "migration/workflow/target_table.h"
#include "migration/workflow/unit_check.h"
#include "migration/workflow/unit_load.h"
#include "migration/workflow/workflow_points.h"

namespace mms::migration {
namespace {

using Stage = TableProgress::Stage;

/// The error with its partition's name.
Error Named(const UnitRecord& unit, Error error) {
  if (unit.partition.empty()) return error;
  return std::move(error).At("partition " + unit.partition);
}

std::unique_lock<std::mutex> Held(std::mutex* mutex) {
  return mutex == nullptr ? std::unique_lock<std::mutex>() : std::unique_lock(*mutex);
}

}  // namespace

TablePass::TablePass(TableContext context, PassWishes wishes)
    : table_(std::move(context)),
      wishes_(std::move(wishes)),
      engine_(*table_.engine),
      page_units_(kFirstPageUnits) {}

UnitScope TablePass::Scope() const {
  return wishes_.task ? UnitScope(table_.record.id, *wishes_.task) : UnitScope(table_.record.id);
}

bool TablePass::IsCommitted(const UnitRecord& unit) const {
  return unit.state == UnitState::kCommitted && (!wishes_.task || unit.task == *wishes_.task);
}

Status TablePass::MakeTable(const TableTotals& totals) {
  table_.progress->SetStage(table_.slot, Stage::kCreating);
  const auto held = Held(wishes_.definition);
  if (!wishes_.make_table) {
    TRY(const auto found, FetchIfThere(*engine_.client, table_.plan.target_table));
    if (!found) {
      return Error(ErrorKind::kConflict, "TARGET_TABLE_MISSING",
                   "is not there, and the job is not to make tables (enableSchemaMigration); make "
                   "it, or let the job do so")
          .At("target table " + table_.target_name);
    }
  }
  return PrepareTable(table_, totals.committed > 0);
}

Status TablePass::Run() {
  TRY(const TableTotals totals, engine_.ledger->Totals(Scope()));
  table_.progress->SetTotals(table_.slot, {0, totals.bytes, totals.units},
                             {totals.rows_copied, totals.bytes_committed, totals.committed});
  if (totals.committed < totals.units || totals.units == 0) TRY_VOID(MakeTable(totals));
  // Here once, so that no worker has to start a cluster.
  const bool copies = wishes_.copy && totals.committed < totals.units;
  if (table_.plan.sql && copies) TRY_VOID(engine_.source->Sql());
  if (wishes_.copy) {
    reached_ = Reached::kData;
    table_.progress->SetStage(table_.slot, Stage::kCopying);
  }
  engine_.workers->AddTable(table_.key, table_.plan);
  if (wishes_.verify == VerifyLevel::kChecksum) {
    const int64_t verified = totals.Settled();
    groups_.emplace(table_, Scope(), totals.units - verified);
  }
  Status status = wishes_.copy ? DropGone() : OkStatus();
  if (status.has_value()) status = HandOutAll();
  window_.Drain();
  const bool grouped = groups_ && groups_->active() && wishes_.copy && !table_.IsStopped();
  if (status.has_value() && grouped) status = CheckGroups();
  engine_.workers->RemoveTable(table_.key);
  if (wishes_.copy && !load_failed_) reached_ = Reached::kComparison;
  TRY_VOID(std::move(status));
  if (table_.IsStopped()) return Cancelled();
  if (wishes_.copy && IsByCount(wishes_.verify)) TRY_VOID(CountCommitted());
  if (const auto error = window_.error()) return *error;
  return wishes_.task ? OkStatus() : DropStaging(table_);
}

Status TablePass::DropGone() {
  std::vector<maxcompute::PartitionSpec> partitions;
  std::vector<int64_t> units;
  const auto drop = [&]() -> Status {
    if (units.empty()) return OkStatus();
    const auto held = Held(wishes_.definition);
    TRY_VOID(DropPartitions(table_, partitions));
    FaultPoint(kPartitionsDropped);
    for (const int64_t unit : units) TRY_VOID(engine_.ledger->RemoveUnit(unit));
    partitions.clear();
    units.clear();
    return OkStatus();
  };
  TRY_VOID(engine_.ledger->ListUnits(Scope(), UnitState::kLoading, [&](UnitRecord unit) -> Status {
    if (unit.fingerprint != kFingerprintToDrop) return OkStatus();
    if (table_.IsStopped()) return Cancelled();
    TRY(UnitPlan plan, ReadUnitPlan(unit));
    partitions.push_back(std::move(plan.target_partition));
    units.push_back(unit.id);
    return units.size() < kPageUnits ? OkStatus() : drop();
  }));
  return drop();
}

Status TablePass::HandOutAll() {
  TRY_VOID(engine_.ledger->ListUnits(Scope(), UnitState::kVerified, [&](UnitRecord unit) -> Status {
    page_bytes_ += unit.plan_json.size();
    page_.push_back(std::move(unit));
    if (page_.size() < page_units_ && page_bytes_ < kPageBytes) return OkStatus();
    return HandOutPage();
  }));
  return HandOutPage();
}

Status TablePass::HandOutPage() {
  std::vector<UnitRecord> page = std::move(page_);
  page_.clear();
  page_bytes_ = 0;
  page_units_ = kPageUnits;
  if (table_.IsStopped()) return Cancelled();
  if (window_.ShouldStop()) return OkStatus();
  Status made = MakePartitions(page);
  if (!made.has_value()) {
    load_failed_ = true;
    return made;
  }
  if (!wishes_.copy) return OkStatus();
  for (UnitRecord& unit : page) {
    window_.Enter(unit.plan_json.size());
    if (table_.IsStopped() || window_.ShouldStop()) {
      window_.Leave(unit.plan_json.size());
      return OkStatus();
    }
    HandOut(std::move(unit));
  }
  return OkStatus();
}

Status TablePass::MakePartitions(const std::vector<UnitRecord>& page) {
  std::vector<maxcompute::PartitionSpec> partitions;
  for (const UnitRecord& unit : page) {
    if (unit.state >= UnitState::kCommitting || unit.partition.empty()) continue;
    TRY(UnitPlan plan, ReadUnitPlan(unit));
    partitions.push_back(std::move(plan.target_partition));
  }
  const auto held = Held(wishes_.definition);
  return AddPartitions(table_, partitions);
}

void TablePass::HandOut(UnitRecord unit) {
  if (unit.state >= UnitState::kCommitted) {
    HandToCheck(std::move(unit));
    return;
  }
  engine_.loads->Submit([this, unit = std::move(unit)]() mutable {
    const size_t bytes = unit.plan_json.size();
    Status status =
        table_.IsStopped() || window_.ShouldStop() ? Status(Cancelled()) : LoadUnit(table_, unit);
    if (!status.has_value()) {
      load_failed_ = true;
      Fail(unit, Named(unit, std::move(status).error()));
      window_.Leave(bytes);
      return;
    }
    HandToCheck(std::move(unit));
  });
}

void TablePass::HandToCheck(UnitRecord unit) {
  const bool grouped = groups_ && groups_->Takes(unit);
  if (grouped || IsByCount(wishes_.verify)) {
    window_.Leave(unit.plan_json.size());  // compared with others at the table's end
    return;
  }
  Check(std::move(unit));
}

void TablePass::Check(UnitRecord unit) {
  const size_t bytes = unit.plan_json.size();
  engine_.checks->Submit([this, bytes, unit = std::move(unit)] {
    Status status = Status(Cancelled());
    if (wishes_.verify == VerifyLevel::kNone) {
      status = SkipCheck(table_, unit);
    } else if (!table_.IsStopped()) {
      status = CheckUnit(table_, unit);
    }
    if (!status.has_value()) Fail(unit, Named(unit, std::move(status).error()));
    window_.Leave(bytes);
  });
}

void TablePass::Fail(const UnitRecord& unit, Error error) {
  if (error.kind() != ErrorKind::kCancelled) {
    Status noted = engine_.ledger->SetUnitError(unit.id, ErrorText(error));
    // A ledger that cannot be written matters more than what it could not take.
    if (!noted.has_value()) error = std::move(noted).error();
  }
  window_.Fail(std::move(error));
}

Status TablePass::CountCommitted() {
  table_.progress->SetStage(table_.slot, Stage::kVerifying);
  std::optional<SourceSide> source;
  if (wishes_.verify == VerifyLevel::kCountBoth) {
    TRY(source, CountAtSource(engine_, table_.plan));
  }
  CountCheck check{Scope(), [this](const UnitRecord& unit) { return IsCommitted(unit); }};
  check.source = source ? &*source : nullptr;
  return CheckByCount(table_, check);
}

Status TablePass::CheckGroups() {
  table_.progress->SetStage(table_.slot, Stage::kVerifying);
  GroupCheck::Calls calls;
  calls.wanted = [this](const UnitRecord& unit) { return IsCommitted(unit); };
  calls.by_session = [this](UnitRecord unit) {
    if (window_.ShouldStop()) return;
    window_.Enter(unit.plan_json.size());
    Check(std::move(unit));
  };
  Status status = groups_->Run(calls);
  window_.Drain();
  return status;
}

}  // namespace mms::migration
