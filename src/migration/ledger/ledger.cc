#include "migration/ledger/ledger.h"

#include <sys/stat.h>

#include <array>
#include <mutex>
#include <utility>

#include "base/fault_point.h"
#include "migration/ledger/group_commit.h"
#include "migration/ledger/state_folder.h"
#include "migration/ledger/store.h"

namespace mms::migration {
namespace {

constexpr const char* kFileName = "ledger.db";

/// Every write: Queue takes one, so that none is without its fault points.
enum class Act {
  kBindTarget,
  kSaveRun,
  kSavePlan,
  kSetTableState,
  kSetTablePlan,
  kBeginLoad,
  kSetSession,
  kNoteBlock,
  kBeginCommit,
  kCommitted,
  kVerified,
  kSetUnitError,
  kForgetMismatches,
  kRemoveUnit,
  kAddExtra,
};
constexpr std::array<std::string_view, 15> kActNames = {
    "bind target", "save run",       "save plan",         "set table state", "set table plan",
    "begin load",  "set session",    "note block",        "begin commit",    "committed",
    "verified",    "set unit error", "forget mismatches", "remove unit",     "add extra",
};
static_assert(kActNames.size() == static_cast<size_t>(Act::kAddExtra) + 1);

std::string_view NameOf(Act act) { return kActNames.at(static_cast<size_t>(act)); }

}  // namespace

std::span<const std::string_view> LedgerActs() { return kActNames; }

std::string_view StateName(UnitState state) {
  switch (state) {
    case UnitState::kPlanned: return "planned";
    case UnitState::kLoading: return "loading";
    case UnitState::kCommitting: return "committing";
    case UnitState::kCommitted: return "committed";
    case UnitState::kVerified: return "verified";
  }
  return "unknown";
}

std::string_view StateName(TableState state) {
  switch (state) {
    case TableState::kPlanned: return "planned";
    case TableState::kRefused: return "refused";
    case TableState::kRunning: return "running";
    case TableState::kDone: return "done";
    case TableState::kFailed: return "failed";
  }
  return "unknown";
}

std::string_view VerdictName(Verdict verdict) {
  switch (verdict) {
    case Verdict::kPending: return "Pending";
    case Verdict::kMatch: return "Match";
    case Verdict::kMismatch: return "Mismatch";
    case Verdict::kMissing: return "MissingInTarget";
    case Verdict::kNotCompared: return "NotCompared";
    case Verdict::kExtra: return "ExtraInTarget";
    case Verdict::kNotComparable: return "NotComparable";
  }
  return "Unknown";
}

std::string_view MethodName(ComparedBy by) {
  switch (by) {
    case ComparedBy::kNothing: return "";
    case ComparedBy::kChecksum: return "checksum";
    case ComparedBy::kCount: return "count";
    case ComparedBy::kCountBoth: return "count_both";
    case ComparedBy::kChecksumThenCount: return "checksum_then_count";
    case ComparedBy::kChecksumThenCountBoth: return "checksum_then_count_both";
  }
  return "";
}

// Two connections: reads never wait for a writer's fsync. Members end in reverse order: first the
// writing thread (what waits is written), then the connections, last the folder's lock.
struct Ledger::State {
  std::unique_ptr<StateFolder> folder;  ///< null when only read
  std::unique_ptr<Store> writes;
  std::mutex read_mutex;
  std::unique_ptr<Store> reads;
  std::unique_ptr<GroupCommit> commit;
  std::function<Result<bool>(TableRecord&)> wanted;  ///< null = every table, as it is

  std::future<Status> Queue(Act act, std::function<Status(Store&)> write) {
    CHECK(commit != nullptr);
    FaultPoint(Moment::kBefore, NameOf(act));
    return commit->Queue(
        [this, act, write = std::move(write)] {
          Status written = write(*writes);
          FaultPoint(Moment::kDuring, NameOf(act));
          return written;
        },
        [act] { FaultPoint(Moment::kAfter, NameOf(act)); });
  }
  Status Write(Act act, std::function<Status(Store&)> write) {
    return Queue(act, std::move(write)).get();
  }

  Status VisitUnits(Store::UnitPage wanted, const std::function<Status(UnitRecord)>& visit) {
    for (;;) {
      std::vector<UnitRecord> page;
      {
        std::lock_guard lock(read_mutex);
        TRY(page, reads->UnitsAfter(wanted));
      }
      if (page.empty()) return OkStatus();
      wanted.after = page.back().partition;
      for (UnitRecord& unit : page) TRY_VOID(visit(std::move(unit)));
      if (page.size() < kPageRows) return OkStatus();
    }
  }
};

Ledger::Ledger() : state_(std::make_unique<State>()) {}
Ledger::~Ledger() = default;

Result<std::unique_ptr<Ledger>> Ledger::Open(const std::string& folder) {
  std::unique_ptr<Ledger> ledger(new Ledger());
  State& state = *ledger->state_;
  TRY(state.folder, StateFolder::Take(folder));
  TRY(const std::string file, state.folder->MakeFile(kFileName));
  TRY(state.writes, Store::Open(file, Store::Mode::kReadWrite));
  TRY(state.reads, Store::Open(file, Store::Mode::kReadOnly));
  state.commit = std::make_unique<GroupCommit>(state.writes.get());
  return ledger;
}

Result<std::unique_ptr<Ledger>> Ledger::OpenToRead(const std::string& folder) {
  const std::string file = folder + "/" + kFileName;
  struct stat info {};
  if (stat(file.c_str(), &info) != 0) {
    return Error(ErrorKind::kNotFound, "STATE_NOT_FOUND",
                 "holds no ledger; run `mms run` or `mms plan` first, or name the right `state:`")
        .At("state folder " + folder);
  }
  std::unique_ptr<Ledger> ledger(new Ledger());
  TRY(ledger->state_->reads, Store::Open(file, Store::Mode::kReadOnly));
  return ledger;
}

Status Ledger::BindTarget(const std::string& identity) {
  return state_->Write(Act::kBindTarget, [&](Store& store) { return store.BindTarget(identity); });
}

Result<std::string> Ledger::Target() {
  std::lock_guard lock(state_->read_mutex);
  return state_->reads->Identity("target");
}

Status Ledger::SaveRun(const std::string& document) {
  return state_->Write(Act::kSaveRun, [&](Store& store) { return store.SaveRun(document); });
}

Result<std::string> Ledger::LastRun() {
  std::lock_guard lock(state_->read_mutex);
  return state_->reads->Identity("last_run");
}

Result<int64_t> Ledger::SavePlan(const TableRecord& table, const std::vector<UnitRecord>& units,
                                 const Keeping& keeping) {
  int64_t id = 0;
  TRY_VOID(state_->Write(Act::kSavePlan, [&](Store& store) -> Status {
    TRY(id, store.SavePlan(table, units, keeping));
    return OkStatus();
  }));
  return id;
}

Result<std::optional<TableRecord>> Ledger::FindTable(const std::string& source_name) {
  std::lock_guard lock(state_->read_mutex);
  return state_->reads->FindTable(source_name);
}

Status Ledger::SetTableState(int64_t table_id, TableState table_state,
                             const std::string& error_json) {
  return state_->Write(Act::kSetTableState, [&](Store& store) {
    return store.SetTableState(table_id, table_state, error_json);
  });
}

Status Ledger::SetTablePlan(int64_t table_id, const std::string& plan_json) {
  return state_->Write(Act::kSetTablePlan,
                       [&](Store& store) { return store.SetTablePlan(table_id, plan_json); });
}

void Ledger::Narrow(std::function<Result<bool>(TableRecord&)> wanted) {
  state_->wanted = std::move(wanted);
}

Status Ledger::ListTables(const std::function<Status(TableRecord)>& visit) {
  std::string after;
  for (;;) {
    std::vector<TableRecord> page;
    {
      std::lock_guard lock(state_->read_mutex);
      TRY(page, state_->reads->TablesAfter(after));
    }
    if (page.empty()) return OkStatus();
    after = page.back().source_name;
    for (TableRecord& table : page) {
      bool is_wanted = true;
      if (state_->wanted) {
        TRY(is_wanted, state_->wanted(table));
      }
      if (is_wanted) TRY_VOID(visit(std::move(table)));
    }
    if (page.size() < kPageRows) return OkStatus();
  }
}

Status Ledger::ListUnits(const UnitScope& scope, std::optional<UnitState> below,
                         const std::function<Status(UnitRecord)>& visit) {
  return state_->VisitUnits({scope, std::nullopt, below}, visit);
}

Status Ledger::ListAllUnits(int64_t table_id, const std::function<Status(UnitRecord)>& visit) {
  return state_->VisitUnits({UnitScope(table_id), std::nullopt, std::nullopt, /*aside=*/true},
                            visit);
}

Result<TableTotals> Ledger::Totals(const UnitScope& scope) {
  std::lock_guard lock(state_->read_mutex);
  return state_->reads->Totals(scope);
}

Result<bool> Ledger::IsSettled(int64_t table_id) {
  std::lock_guard lock(state_->read_mutex);
  return state_->reads->IsSettled(table_id);
}

Status Ledger::AddExtra(int64_t table_id, std::vector<UnitRecord> units) {
  return state_->Write(Act::kAddExtra,
                       [&](Store& store) { return store.AddExtra(table_id, units); });
}

Status Ledger::RemoveUnit(int64_t unit_id) {
  return state_->Write(Act::kRemoveUnit, [&](Store& store) { return store.RemoveUnit(unit_id); });
}

Status Ledger::ForgetMismatches(const UnitScope& scope) {
  return state_->Write(Act::kForgetMismatches,
                       [&](Store& store) { return store.ForgetMismatches(scope); });
}

Ledger::Transition Ledger::BeginLoad(int64_t unit_id, int generation) {
  return state_->Queue(Act::kBeginLoad,
                       [=](Store& store) { return store.BeginLoad(unit_id, generation); });
}

Ledger::Transition Ledger::SetSession(int64_t unit_id, int generation, std::string session_id) {
  return state_->Queue(Act::kSetSession, [=, session_id = std::move(session_id)](Store& store) {
    return store.SetSession(unit_id, generation, session_id);
  });
}

Ledger::Transition Ledger::NoteBlock(int64_t unit_id, int generation, SentBlock block) {
  return state_->Queue(Act::kNoteBlock, [=, block = std::move(block)](Store& store) {
    return store.NoteBlock(unit_id, generation, block);
  });
}

Status Ledger::ListBlocks(int64_t unit_id, const std::function<Status(SentBlock)>& visit) {
  int64_t after = -1;
  for (;;) {
    std::vector<SentBlock> page;
    {
      std::lock_guard lock(state_->read_mutex);
      TRY(page, state_->reads->BlocksAfter(unit_id, after));
    }
    if (page.empty()) return OkStatus();
    after = page.back().block_id;
    for (SentBlock& block : page) TRY_VOID(visit(std::move(block)));
    if (page.size() < kPageRows) return OkStatus();
  }
}

Ledger::Transition Ledger::BeginCommit(int64_t unit_id, int generation, Sent sent) {
  return state_->Queue(Act::kBeginCommit, [=, sent = std::move(sent)](Store& store) {
    return store.BeginCommit(unit_id, generation, sent);
  });
}

Ledger::Transition Ledger::Committed(int64_t unit_id, int generation) {
  return state_->Queue(Act::kCommitted,
                       [=](Store& store) { return store.Committed(unit_id, generation); });
}

Ledger::Transition Ledger::Verified(int64_t unit_id, int generation, Comparison comparison) {
  return state_->Queue(Act::kVerified, [=, comparison = std::move(comparison)](Store& store) {
    return store.Verified(unit_id, generation, comparison);
  });
}

Status Ledger::SetUnitError(int64_t unit_id, const std::string& error_json) {
  return state_->Write(Act::kSetUnitError,
                       [&](Store& store) { return store.SetUnitError(unit_id, error_json); });
}

}  // namespace mms::migration
