#include "migration/workflow/find_risks.h"

#include <arrow/io/interfaces.h>

#include <iterator>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>
#include <utility>

#include "migration/transfer/footer_bounds.h"
#include "migration/workflow/engine.h"
#include "migration/workflow/task_pool.h"

namespace mms::migration {
namespace {

constexpr int kFootersAtOnce = 8;
constexpr size_t kFilesAtOnce = 256;
/// When so many could not be read and none could, the others are not tried.
constexpr int64_t kUnreadMax = 16;

/// Files of one table that wait for their footers.
class FooterQueue {
 public:
  FooterQueue(Engine& engine, const TablePlan& plan, std::shared_ptr<azure::Storage> storage)
      : engine_(engine), plan_(plan), storage_(std::move(storage)) {}

  struct Waiting {
    std::string path;
    int64_t size_bytes = 0;
    std::string etag;
    ValueRisks::Judgements judgements;
  };
  Status Add(Waiting file, ValueRisks* risks) {
    waiting_.push_back(std::move(file));
    return waiting_.size() < kFilesAtOnce ? OkStatus() : Flush(risks);
  }

  Status Flush(ValueRisks* risks) {
    ForEach(kFootersAtOnce, waiting_.size(), [&](size_t i) { Judge(*risks, &waiting_[i]); });
    if (engine_.cancelled) return Cancelled();
    for (const Waiting& file : waiting_) risks->Count(file.judgements);
    waiting_.clear();
    return OkStatus();
  }

  const FooterReads& reads() const { return reads_; }

 private:
  void Judge(const ValueRisks& risks, Waiting* file) {
    {
      const std::lock_guard lock(mutex_);
      if (engine_.cancelled) return;
      if (reads_.files == 0 && reads_.files_unread >= kUnreadMax) {
        ++reads_.files_unread;
        return;
      }
    }
    const auto footer = Read(*file);
    const auto bounds = footer ? BoundsOf(*footer->metadata, plan_, risks.leaves())
                               : Result<std::vector<LeafBounds>>(footer.error());
    if (bounds) risks.JudgeFooter(*bounds, &file->judgements);
    const std::lock_guard lock(mutex_);
    if (footer) {
      reads_.requests += footer->requests;
      reads_.bytes += footer->bytes;
    }
    if (bounds) {
      ++reads_.files;
      return;
    }
    ++reads_.files_unread;
    if (reads_.error.empty()) reads_.error = bounds.error().ToString();
  }

  Result<Footer> Read(const Waiting& file) {
    TRY(const azure::Location location, azure::ResolveFile(plan_.location, file.path));
    TRY(const auto input, storage_->OpenFile(location, file.size_bytes, file.etag));
    return ReadFooter(*input, file.size_bytes, azure::ToText(location));
  }

  Engine& engine_;
  const TablePlan& plan_;
  std::shared_ptr<azure::Storage> storage_;
  std::vector<Waiting> waiting_;
  std::mutex mutex_;
  FooterReads reads_;  // guarded by mutex_ while footers are read
};

/// By the log, and by footers where `queue` is given.
Result<std::vector<ValueRisk>> FindInLog(Engine& engine, const SourceTable& source,
                                         const TablePlan& plan, FooterQueue* queue) {
  std::optional<ValueRisks> risks;
  TRY_VOID(engine.source->ReadStatistics(
      source, plan.version, [&](const delta::TableInfo& info, const delta::File& file) -> Status {
        if (engine.cancelled) return Cancelled();
        if (!risks) {
          TRY(risks, ValueRisks::Make(info.schema_json, plan, queue != nullptr));
        }
        auto judgements = risks->JudgeStatistics(file);
        if (queue != nullptr && risks->NeedsFooter(judgements)) {
          return queue->Add({file.path, file.size_bytes, "", std::move(judgements)}, &*risks);
        }
        risks->Count(judgements);
        return OkStatus();
      }));
  if (!risks) return std::vector<ValueRisk>();
  if (queue != nullptr) TRY_VOID(queue->Flush(&*risks));
  return std::move(*risks).Finish();
}

/// Of a table without a log: its files are those that the plan has.
Result<std::vector<ValueRisk>> FindInFiles(Engine& engine, int64_t table_id, const TablePlan& plan,
                                           FooterQueue* queue) {
  ValueRisks risks = ValueRisks::MakeWithoutLog(plan);
  TRY_VOID(engine.ledger->ListUnits(table_id, std::nullopt, [&](const UnitRecord& unit) -> Status {
    if (engine.cancelled) return Cancelled();
    TRY(const UnitPlan parsed, ReadUnitPlan(unit));
    for (const Split& split : parsed.splits) {
      for (const FileSlice& slice : split.slices) {
        if (slice.start != 0) continue;  // of a file that was met already
        TRY_VOID(queue->Add({slice.path, slice.size_bytes, slice.etag, risks.JudgeStatistics({})},
                            &risks));
      }
    }
    return OkStatus();
  }));
  TRY_VOID(queue->Flush(&risks));
  return std::move(risks).Finish();
}

}  // namespace

Result<TableRisks> FindRisks(Engine& engine, const SourceTable& source, bool with_footers) {
  TRY(const auto record, engine.ledger->FindTable(source.name));
  CHECK(record.has_value());  // planning has put it there
  TRY(const TablePlan plan,
      TablePlanFromJson(nlohmann::json::parse(record->plan_json, nullptr, false)));
  const bool has_log = plan.format == kDeltaFormat && !plan.sql;
  const bool has_footers = !plan.sql && (has_log || plan.format == "parquet");
  if (!has_log && !(with_footers && has_footers)) {
    return Error(ErrorKind::kUnsupported, "RISKS_UNKNOWN",
                 has_footers ? "the table has no log with statistics; --footers asks its files"
                             : "the table has no log with statistics");
  }
  TableRisks found;
  if (with_footers) {
    TRY(auto storage, engine.source->OpenStorage(source));
    FooterQueue queue(engine, plan, std::move(storage));
    TRY(found.values, has_log ? FindInLog(engine, source, plan, &queue)
                              : FindInFiles(engine, record->id, plan, &queue));
    found.footers = queue.reads();
    return found;
  }
  TRY(const TableTotals totals, engine.ledger->Totals(record->id));
  found.values = LengthRisks(plan, totals.files);
  if (!HasTimes(plan)) return found;  // the log is not read for nothing
  TRY(auto times, FindInLog(engine, source, plan, nullptr));
  std::move(times.begin(), times.end(), std::back_inserter(found.values));
  return found;
}

}  // namespace mms::migration
