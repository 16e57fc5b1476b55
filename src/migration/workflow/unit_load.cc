#include "migration/workflow/unit_load.h"

#include <algorithm>
#include <chrono>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "migration/transfer/job.h"
#include "migration/verify/job_batch.h"
#include "migration/workflow/staged_unit.h"
#include "migration/workflow/workflow_points.h"

namespace mms::migration {
namespace {

constexpr int kAttemptsMax = 4;
constexpr long kFirstWaitMs = 1000;

/// The session can no longer bring this unit home; a new one can.
bool IsSessionGone(const Error& error) {
  return error.code() == "TUNNEL_SESSION_GONE" || error.code() == "TUNNEL_NO_SUCH_UPLOAD" ||
         error.code() == "TUNNEL_BLOCKS_DIFFER" || error.code() == "TUNNEL_STATUS_CONFLICT" ||
         error.code() == "STAGING_GONE";
}

/// No commit of it is under way, or will be.
bool IsNeverToCommit(const Error& error) {
  return IsSessionGone(error) && error.code() != "TUNNEL_STATUS_CONFLICT";
}

class UnitLoad {
 public:
  UnitLoad(const TableContext& table, UnitRecord& unit, UnitPlan plan)
      : table_(table),
        engine_(*table.engine),
        writer_(*engine_.tunnel),
        commit_writer_(*engine_.commit_tunnel),
        unit_(unit),
        plan_(std::move(plan)),
        keeps_blocks_(KeepsBlocks(plan_)),
        target_(table.LoadTarget(plan_.target_partition)) {}

  Status Run() {
    long wait_ms = kFirstWaitMs;
    for (int attempt = 1;; ++attempt) {
      if (IsStopped()) return Cancelled();
      // An unknown commit is settled, however often it takes; it is never loaded past.
      Status status = unit_.state == UnitState::kCommitting ? CommitSession() : Load();
      if (status.has_value()) return status;
      Forget();
      const bool gone = IsSessionGone(status.error());
      if (gone) {
        // On disk too, so that another plan may take the unit's place.
        const bool committing = unit_.state == UnitState::kCommitting;
        if (committing && IsNeverToCommit(status.error())) TRY_VOID(SetBack());
        unit_.state = UnitState::kLoading;
        unit_.session_id.clear();  // nothing is gone on with
      }
      if (!gone && !IsTransient(status.error().kind())) return status;
      if (attempt == kAttemptsMax) return status;
      if (!WaitFor(engine_.client->options().retry, wait_ms)) return Cancelled();
      wait_ms *= 4;
    }
  }

 private:
  /// Where the blocks go, and what is there of them already.
  struct Sending {
    maxcompute::UploadSession session;
    std::set<int64_t> there;
    BatchTotals totals;  ///< of `there`
  };

  Status Load() {
    Ledger& ledger = *engine_.ledger;
    if (plan_.base) TRY_VOID(CheckBase());
    TRY(std::optional<Sending> sending, SessionToGoOnWith());
    std::vector<Ledger::Transition> noted;
    if (!sending) {
      TRY(sending, BeginSession(&noted));
    }
    const auto sent = SendBlocks(*std::move(sending), &noted);
    for (Ledger::Transition& note : noted) TRY_VOID(note.get());
    if (!sent) return sent.error();
    TRY_VOID(CheckSent(*sent));
    FaultPoint(kLastBlock);
    BatchTotals totals = *sent;
    TRY_VOID(AddBase(&totals));

    unit_.rows_copied = totals.rows;
    unit_.source_checksum = HasChecksum(totals) ? ToJson(totals.checksum).dump() : "";
    unit_.changes = ToText(totals.changes);
    Ledger::Sent told{totals.rows, unit_.source_checksum, unit_.changes};
    TRY_VOID(ledger.BeginCommit(unit_.id, unit_.generation, std::move(told)).get());
    unit_.state = UnitState::kCommitting;
    return CommitSession();
  }

  /// A new one. Neither write is waited for before it is used: a session that no ledger knows is
  /// one that nobody commits. What must be on disk is on disk when BeginCommit is, since
  /// transitions keep their order.
  Result<std::optional<Sending>> BeginSession(std::vector<Ledger::Transition>* noted) {
    Ledger& ledger = *engine_.ledger;
    Ledger::Transition begun = ledger.BeginLoad(unit_.id, unit_.generation);
    maxcompute::Tunnel::UploadOptions options;
    options.overwrite = !plan_.base;
    options.create_partition = engine_.options.create_partition_by_session;
    auto session = writer_.CreateUpload(target_, options);
    TRY_VOID(begun.get());
    ++unit_.generation;
    unit_.state = UnitState::kLoading;
    unit_.session_id.clear();
    if (!session.has_value()) return std::move(session).error();
    unit_.session_id = session->id;
    noted->push_back(ledger.SetSession(unit_.id, unit_.generation, unit_.session_id));
    return std::optional<Sending>(Sending{*std::move(session), {}, {}});
  }

  /// Blocks are gone on with where one sent anew would be the same: files are pinned, what a
  /// statement gives is not. A unit of one block has nothing to keep.
  static bool KeepsBlocks(const UnitPlan& plan) {
    const auto by_sql = [](const Split& split) {
      return std::any_of(split.slices.begin(), split.slices.end(),
                         [](const FileSlice& slice) { return slice.sql.has_value(); });
    };
    return plan.splits.size() > 1 && std::none_of(plan.splits.begin(), plan.splits.end(), by_sql);
  }

  /// Between blocks where they are kept. A task alone that stops would have all else read again,
  /// by whoever pays for it, so that goes on to its end.
  bool IsStopped() const { return keeps_blocks_ ? table_.IsStopped() : engine_.cancelled.load(); }

  /// The session that an earlier attempt left, of this process or of one before it, where it still
  /// takes blocks. nullopt = a new one is needed.
  Result<std::optional<Sending>> SessionToGoOnWith() {
    using Found = std::optional<Sending>;
    const bool left = unit_.state == UnitState::kLoading && !unit_.session_id.empty();
    if (!left || !keeps_blocks_) return Found();
    auto session = writer_.FetchUpload(target_, unit_.session_id);
    if (!session) {
      // Whatever else is wrong with it, a new one may do; or will say so.
      if (IsTransient(session.error().kind())) return std::move(session).error();
      NoteBegunAnew(session.error().ToString());
      return Found();
    }
    const bool ended = session->state != maxcompute::SessionState::kNormal;
    if (ended || std::chrono::system_clock::now() >= session->usable_until) {
      NoteBegunAnew(ended ? "it takes no more blocks" : "it is about to expire");
      return Found();
    }
    Sending sending{*std::move(session), {}, {}};
    const std::vector<int64_t>& blocks = sending.session.blocks;
    TRY_VOID(engine_.ledger->ListBlocks(unit_.id, [&](Ledger::SentBlock block) -> Status {
      if (!std::binary_search(blocks.begin(), blocks.end(), block.block_id)) return OkStatus();
      // A unit has the checksum of all its blocks or none; what an attempt before took may differ.
      const bool has_none = block.source_checksum.empty() && block.rows > 0;
      if (has_none && engine_.takes_checksums) return OkStatus();
      if (!engine_.takes_checksums) block.source_checksum.clear();
      sending.there.insert(block.block_id);
      return AddNoted(block, &sending.totals);
    }));
    int64_t bytes = 0;
    for (const Split& split : plan_.splits) {
      if (sending.there.contains(split.block_id)) bytes += split.bytes;
    }
    Count(sending.totals.rows, bytes);
    return Found(std::move(sending));
  }

  /// Why blocks that were sent are sent again.
  void NoteBegunAnew(const std::string& why) const {
    if (!table_.progress->on_note) return;
    table_.progress->on_note(
        table_.target_name + (unit_.partition.empty() ? "" : " partition " + unit_.partition) +
        ": begun anew, upload session " + unit_.session_id + " cannot be gone on with: " + why);
  }

  static Status AddNoted(const Ledger::SentBlock& block, BatchTotals* totals) {
    totals->rows += block.rows;
    if (!block.source_checksum.empty()) {
      const auto document = nlohmann::json::parse(block.source_checksum, nullptr, false);
      TRY(const Checksum checksum, ChecksumFromJson(document));
      totals->checksum.Merge(checksum);
    }
    TRY(const ValueChanges changes, ValueChangesFromText(block.changes));
    totals->changes.Merge(changes);
    return OkStatus();
  }

  Ledger::Transition NoteBlock(int64_t block_id, const JobResult& result) {
    const bool has_checksum = !result.checksum.columns.empty();
    return engine_.ledger->NoteBlock(
        unit_.id, unit_.generation,
        {block_id, result.rows, has_checksum ? ToJson(result.checksum).dump() : "",
         ToText(result.changes)});
  }

  /// Rows that are not those of the plan are not gone on with: whoever tries again reads all.
  Status CheckSent(const BatchTotals& sent) {
    Status checked = CheckRows(sent);
    if (checked) return checked;
    TRY_VOID(engine_.ledger->SetSession(unit_.id, unit_.generation, "").get());
    unit_.session_id.clear();
    return checked;
  }

  Status CheckBase() {
    TRY(const maxcompute::DownloadSession there, engine_.tunnel->CreateDownload(target_));
    if (there.rows == plan_.base->rows) return OkStatus();
    return BaseGone("the target holds " + std::to_string(there.rows) + " rows, " +
                    std::to_string(plan_.base->rows) +
                    " were copied; nothing is appended to it. Run again: all is copied anew")
        .At(Name());
  }

  /// The unit is all of it, what was there and what was sent.
  Status AddBase(BatchTotals* sent) const {
    if (!plan_.base) return OkStatus();
    const auto document = nlohmann::json::parse(plan_.base->checksum, nullptr, false);
    TRY(const Checksum checksum, ChecksumFromJson(document));
    TRY(const ValueChanges changes, ValueChangesFromText(plan_.base->changes));
    sent->rows += plan_.base->rows;
    sent->checksum.Merge(checksum);
    sent->changes.Merge(changes);
    return OkStatus();
  }

  /// `noted` has one note more for each block that was sent.
  Result<BatchTotals> SendBlocks(Sending sending, std::vector<Ledger::Transition>* noted) {
    using std::chrono::milliseconds;
    const maxcompute::UploadSession& session = sending.session;
    std::vector<const Split*> todo;
    for (const Split& split : plan_.splits) {
      if (!sending.there.contains(split.block_id)) todo.push_back(&split);
    }
    if (todo.empty()) return std::move(sending.totals);
    TRY(const maxcompute::Codec codec, engine_.codec->ForBlocks(table_, plan_));
    size_t index = 0;
    const auto stopped = [this] { return IsStopped(); };
    const auto next = [&]() -> std::optional<WorkerPool::Job> {
      if (index == todo.size() || IsStopped()) return std::nullopt;
      // Sessions and commits ask for themselves; blocks are sent by workers, so they are asked for
      // here.
      const Status turn = engine_.pacer->Await(maxcompute::Limit::kBlocks, target_.table, stopped);
      if (!turn.has_value()) return std::nullopt;
      CopyJob job;
      job.table_key = table_.key;
      job.target_table = table_.load_table;
      job.partition = plan_.target_partition;
      job.session_id = session.id;
      job.usable_until_ms =
          std::chrono::duration_cast<milliseconds>(session.usable_until.time_since_epoch()).count();
      job.split = *todo[index++];
      job.codec = codec;
      return job;
    };
    BatchOptions options;
    options.on_progress = [this](int64_t rows, int64_t bytes) { Count(rows, bytes); };
    options.on_read = [this](int64_t bytes) {
      table_.progress->Add(table_.slot, Traffic{bytes, 0});
    };
    options.on_first_done = [] { FaultPoint(kFirstBlock); };
    options.wanted = [this] { return !IsStopped(); };
    options.on_result = [&](size_t job, const JobResult& result) {
      table_.progress->Add(table_.slot, Traffic{0, result.wire_bytes});
      if (keeps_blocks_) noted->push_back(NoteBlock(todo[job]->block_id, result));
    };
    TRY(BatchTotals totals, RunBatch(*engine_.workers, next, options));
    if (index < todo.size()) return Cancelled();
    totals.rows += sending.totals.rows;
    totals.checksum.Merge(sending.totals.checksum);
    totals.changes.Merge(sending.totals.changes);
    return totals;
  }

  std::string Name() const {
    return unit_.partition.empty() ? "table " + table_.record.source_name
                                   : "partition " + unit_.partition;
  }

  /// Rows without a version: counted before they were read (the plan) and now, after it.
  Status CheckUnpinnedRows(const BatchTotals& sent) const {
    int64_t after = 0;
    for (const Split& split : plan_.splits) {
      for (const FileSlice& slice : split.slices) {
        if (!slice.sql) continue;
        TRY(SqlAccess* const sql, engine_.source->Sql());
        TRY(const int64_t rows, sql->ReadNumber(CountSql(*table_.plan.sql, slice.sql->condition)));
        after += rows;
      }
    }
    const int64_t before = plan_.rows.value_or(sent.rows);
    if (before == sent.rows && after == sent.rows) return OkStatus();
    return Error(ErrorKind::kConflict, "SOURCE_CHANGED",
                 "writers were active while it was copied: " + std::to_string(before) +
                     " rows were counted before, " + std::to_string(sent.rows) + " read and " +
                     std::to_string(after) +
                     " counted after, and it has no version to read it at; nothing of it was "
                     "committed. Run again when nobody writes")
        .At(Name());
  }

  /// The log's count is the source's own word for what is in its files.
  Status CheckRows(const BatchTotals& sent) const {
    if (table_.plan.sql && !table_.plan.sql->version) return CheckUnpinnedRows(sent);
    const int64_t there = plan_.base ? plan_.base->rows : 0;
    if (!plan_.rows || *plan_.rows == there + sent.rows) return OkStatus();
    if (table_.plan.sql) {
      return Error(ErrorKind::kCorrupt, "ROWS_DIFFER",
                   "SQL counts " + std::to_string(*plan_.rows) + " rows at version " +
                       std::to_string(*table_.plan.sql->version) + ", but gave " +
                       std::to_string(sent.rows) + "; nothing was committed. Run again")
          .At(Name());
    }
    return Error(ErrorKind::kCorrupt, "ROWS_DIFFER",
                 "the Delta log counts " + std::to_string(*plan_.rows) + " rows, its files gave " +
                     std::to_string(there + sent.rows) +
                     "; nothing was committed. Check the table's statistics and files")
        .At(Name());
  }

  /// A unit without any block has the checksum of no rows, which is as good as a taken one.
  bool HasChecksum(const BatchTotals& sent) const {
    return !sent.checksum.columns.empty() || plan_.splits.empty();
  }

  /// committing -> committed, whether the commit went out before or not.
  Status CommitSession() {
    std::vector<int64_t> blocks;
    for (const Split& split : plan_.splits) blocks.push_back(split.block_id);
    TRY_VOID(commit_writer_.Commit(target_, unit_.session_id, std::move(blocks)));
    if (table_.load_table != table_.plan.target_table) TRY_VOID(MoveStaged());
    TRY_VOID(engine_.ledger->Committed(unit_.id, unit_.generation).get());
    unit_.state = UnitState::kCommitted;
    const int64_t rows = unit_.rows_copied.value_or(0);
    table_.progress->Move(table_.slot, {rows - counted_.rows, unit_.bytes - counted_.bytes, 1});
    return OkStatus();
  }

  /// committing -> loading, without a session.
  Status SetBack() {
    TRY_VOID(engine_.ledger->BeginLoad(unit_.id, unit_.generation).get());
    ++unit_.generation;
    unit_.state = UnitState::kLoading;
    return OkStatus();
  }

  Status MoveStaged() {
    FaultPoint(kStagedToMove);
    Status moved = MoveStagedUnit(table_, plan_, unit_.rows_copied.value_or(0));
    if (!moved.has_value() && IsKeyError(moved.error())) {
      // Settled: the final table was not touched, so a later plan may replace the unit.
      TRY_VOID(SetBack());
    }
    if (moved.has_value()) FaultPoint(kStagedMoved);
    return moved;
  }

  void Count(int64_t rows, int64_t bytes) {
    {
      std::lock_guard lock(counted_mutex_);
      counted_.rows += rows;
      counted_.bytes += bytes;
    }
    table_.progress->Move(table_.slot, {rows, bytes, 0});
  }

  /// Takes back what this attempt had shown as moved; no job of it runs any more.
  void Forget() {
    table_.progress->Move(table_.slot, {-counted_.rows, -counted_.bytes, 0});
    counted_ = {};
  }

  const TableContext& table_;
  Engine& engine_;
  maxcompute::BlockWriter& writer_;
  maxcompute::BlockWriter& commit_writer_;
  UnitRecord& unit_;
  UnitPlan plan_;
  const bool keeps_blocks_;
  maxcompute::Tunnel::Target target_;
  std::mutex counted_mutex_;
  Progress::Amount counted_;
};

}  // namespace

Status LoadUnit(const TableContext& table, UnitRecord& unit) {
  TRY(UnitPlan plan, ReadUnitPlan(unit));
  return UnitLoad(table, unit, std::move(plan)).Run();
}

Error BaseGone(const std::string& why) {
  return Error(ErrorKind::kConflict, "APPEND_BASE_CHANGED", why);
}

bool IsBaseGone(const Error& error) { return error.code() == "APPEND_BASE_CHANGED"; }

bool IsSourceGone(const Error& error) {
  if (error.kind() != ErrorKind::kNotFound) return false;
  return !error.code().starts_with("TUNNEL_") && !error.code().starts_with("ODPS_");
}

}  // namespace mms::migration
