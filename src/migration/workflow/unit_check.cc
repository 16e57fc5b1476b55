#include "migration/workflow/unit_check.h"

#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

#include "migration/verify/read_back.h"
#include "migration/verify/row_counts.h"
#include "migration/workflow/workflow_points.h"

namespace mms::migration {
namespace {

Status Save(const TableContext& table, const UnitRecord& unit, Ledger::Comparison comparison) {
  Ledger& ledger = *table.engine->ledger;
  FaultPoint(kRead);
  comparison = AfterEarlier(unit, std::move(comparison));
  return ledger.Verified(unit.id, unit.generation, std::move(comparison)).get();
}

std::string Unreadable(const Error& error) {
  return "their values cannot be compared: " + error.ToString();
}

Ledger::Comparison Judge(const Claim& claim, const FoundRows& found) {
  if (!found.unreadable) return CompareChecksums(claim, found.checksum);
  const bool gone = found.unreadable->kind() == ErrorKind::kConflict;
  return gone ? ValuesDiffer(claim, found.unreadable->message())
              : NotComparable(claim, found.checksum.rows, Unreadable(*found.unreadable));
}

/// A unit waiting for its count.
struct Counted {
  UnitRecord unit;
  std::string key;
};

Ledger::Comparison Compare(const Claim& claim, const Counted& counted, int64_t rows_target,
                           const SourceSide* source) {
  if (source == nullptr) return CompareRows(claim, rows_target);
  if (!source->unknown.empty()) return NotComparable(claim, rows_target, source->unknown);
  const auto found = source->rows.find(counted.key);
  return CompareCounts(claim, found == source->rows.end() ? 0 : found->second, rows_target);
}

Status CheckCounts(const TableContext& table, std::vector<Counted>& batch,
                   const std::vector<maxcompute::PartitionSpec>& partitions,
                   const SourceSide* source) {
  Engine& engine = *table.engine;
  maxcompute::SqlOptions sql;
  sql.on_submitted = NoteInstance(table);
  auto counts = CountRows(*engine.client, table.target_name, partitions, sql);
  const bool no_table = !counts && counts.error().code() == "ODPS_TABLE_NOT_FOUND";
  if (!counts && !no_table) return std::move(counts).error();
  FaultPoint(kRead);
  const bool both = source != nullptr && source->unknown.empty();
  const ComparedBy by = both ? ComparedBy::kCountBoth : ComparedBy::kCount;
  std::vector<Ledger::Transition> written;
  for (Counted& counted : batch) {
    TRY(const Claim claim, MakeClaim(table, counted.unit));
    Ledger::Comparison comparison;
    const bool found = !no_table && counts->contains(counted.key);
    if (found) {
      comparison = Compare(claim, counted, counts->at(counted.key), source);
    } else if (!no_table && claim.rows == 0) {
      // GROUP BY has no line for a partition without rows.
      comparison = Compare(claim, counted, 0, source);
    } else {
      comparison = NotAtTarget(claim, by);
    }
    comparison = AfterEarlier(counted.unit, std::move(comparison));
    written.push_back(
        engine.ledger->Verified(counted.unit.id, counted.unit.generation, std::move(comparison)));
  }
  for (Ledger::Transition& transition : written) TRY_VOID(transition.get());
  batch.clear();
  return OkStatus();
}

}  // namespace

Result<Claim> MakeClaim(const TableContext& table, const UnitRecord& unit) {
  Claim claim;
  claim.partition = unit.partition;
  claim.rows = unit.rows_copied.value_or(0);
  for (const ColumnPlan& column : table.plan.columns) claim.columns.push_back(column.target.name);
  if (!unit.source_checksum.empty()) {
    const auto document = nlohmann::json::parse(unit.source_checksum, nullptr, false);
    TRY(claim.checksum, ChecksumFromJson(document));
  }
  return claim;
}

size_t RowColumns(const Claim& claim) {
  const bool taken = claim.checksum && !claim.checksum->columns.empty();
  return taken ? claim.checksum->columns.size() : SIZE_MAX;
}

Status CheckUnit(const TableContext& table, const UnitRecord& unit) {
  Engine& engine = *table.engine;
  TRY(const Claim claim, MakeClaim(table, unit));
  TRY(const UnitPlan plan, ReadUnitPlan(unit));
  ReadBackRequest request;
  request.table_key = table.key;
  request.target = table.Target(plan.target_partition);
  request.source_bytes = unit.bytes;
  request.rows_expected = claim.rows;
  request.rows_alone = !claim.checksum;
  request.schema = table.plan.TargetSchema();
  request.row_columns = RowColumns(claim);
  TRY(const ValueChanges changes, ValueChangesFromText(unit.changes));
  request.record_form = changes.record_blocks > 0;
  request.codec = engine.codec->ForReading();
  request.wanted = [&table] { return !table.IsStopped(); };
  auto found = ReadBack(*engine.tunnel, *engine.workers, request);
  if (found) return Save(table, unit, Judge(claim, *found));
  const std::string& code = found.error().code();
  if (code == "ODPS_TABLE_NOT_FOUND" || code == "ODPS_PARTITION_NOT_FOUND") {
    return Save(table, unit, NotAtTarget(claim, ComparedBy::kChecksum));
  }
  if (found.error().kind() != ErrorKind::kUnsupported) return std::move(found).error();
  return Save(table, unit, NotComparable(claim, std::nullopt, Unreadable(found.error())));
}

Status SkipCheck(const TableContext& table, const UnitRecord& unit) {
  Ledger::Comparison comparison;
  comparison.verdict = Verdict::kNotCompared;
  return Save(table, unit, std::move(comparison));
}

Status CheckByCount(const TableContext& table, const CountCheck& check) {
  std::vector<Counted> batch;
  std::vector<maxcompute::PartitionSpec> partitions;
  const auto flush = [&]() -> Status {
    if (batch.empty()) return OkStatus();
    if (table.IsStopped()) return Cancelled();
    const auto units = static_cast<int64_t>(batch.size());
    TRY_VOID(CheckCounts(table, batch, partitions, check.source));
    partitions.clear();
    if (check.on_compared) check.on_compared(units);
    return OkStatus();
  };
  TRY_VOID(
      table.engine->ledger->ListUnits(check.scope, std::nullopt, [&](UnitRecord unit) -> Status {
        if (!check.wanted(unit)) return OkStatus();
        TRY(const UnitPlan plan, ReadUnitPlan(unit));
        unit.plan_json.clear();
        if (!plan.target_partition.empty()) partitions.push_back(plan.target_partition);
        batch.push_back({std::move(unit), maxcompute::ToTunnelText(plan.target_partition)});
        return batch.size() < kUnitsPerCount ? OkStatus() : flush();
      }));
  return flush();
}

}  // namespace mms::migration
