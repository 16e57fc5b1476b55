// What has been done, durably: every transition is on disk (SQLite, WAL, synchronous=FULL) before
// the next act. One process owns a state folder (lock file); after any kill the next owner goes on
// from here.
//
// A unit is one target partition's load. Its states, in order; a crash in one leads to:
//   planned     nothing at the target that counts              -> begin
//   loading     a session may exist, never committed by us     -> go on in it behind the blocks
//                                                                 that were noted; or begin again:
//                                                                 generation + 1, a new session
//   committing  all blocks are in; the commit may be out       -> ask the session; finish, or
//                                                                 begin again
//   committed   the rows are at the target, once               -> verify
//   verified    and have been compared                         -> nothing
// Documents (plans, splits, checksums) are kept as the JSON text of their owners.
//
// Threads: thread-safe. Writes of many threads share one transaction and one fsync
// (group_commit.h). A transition names the generation it belongs to and hits only from the states
// it may follow: kConflict LEDGER_STALE otherwise, and nothing is written. Errors of every call:
// kLimitReached STATE_DISK_FULL, kDenied STATE_NOT_WRITABLE, kCorrupt STATE_CORRUPT, kUnavailable
// STATE_IO.
#pragma once

#include <cstdint>
#include <functional>
#include <future>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace mms::migration {

/// Never renumber: these are on disk.
enum class UnitState { kPlanned = 0, kLoading = 1, kCommitting = 2, kCommitted = 3, kVerified = 4 };
/// Never renumber.
enum class TableState { kPlanned = 0, kRefused = 1, kRunning = 2, kDone = 3, kFailed = 4 };
/// Outcome of a comparison (never renumber).
enum class Verdict {
  kPending = 0,
  kMatch = 1,
  kMismatch = 2,
  kMissing = 3,
  kNotCompared = 4,  ///< nobody asked for it
  kExtra = 5,  ///< it is at the target and not at the source: it has left it, or was never there
  kNotComparable =
      6,  ///< copied, and nothing can tell whether it equals, however often it is tried
};

/// By what a verdict was reached (never renumber).
enum class ComparedBy {
  kNothing = 0,  ///< not compared, or nobody can tell: by a release that did not note it
  kChecksum = 1,
  kCount = 2,              ///< rows copied against rows counted at the target
  kCountBoth = 3,          ///< rows counted on both sides
  kChecksumThenCount = 4,  ///< by checksum, which a later count neither lifts nor weakens
  kChecksumThenCountBoth = 5,
};
/// The verdict is one on values.
inline bool UsesChecksum(ComparedBy by) {
  return by == ComparedBy::kChecksum || by >= ComparedBy::kChecksumThenCount;
}

std::string_view StateName(UnitState state);
std::string_view StateName(TableState state);
/// "Pending", "Match", "Mismatch", "MissingInTarget", "NotCompared", "ExtraInTarget",
/// "NotComparable".
std::string_view VerdictName(Verdict verdict);
/// "", "checksum", "count", "count_both", "checksum_then_count", "checksum_then_count_both".
std::string_view MethodName(ComparedBy by);

/// The names of all writes, for base/fault_point.h.
std::span<const std::string_view> LedgerActs();

/// What is left of tasks whose table a later plan is of: for a reader who asks of these tasks
/// alone.
struct TablePart {
  int64_t first_task = 0, last_task = 0;
  std::string planned_by;        ///< whose plan it is since: "job 9"; "" = it is theirs
  bool definition_only = false;  ///< they make the table, and copy nothing
};

struct TableRecord {
  int64_t id = 0;
  std::string source_name;
  std::string target_table;  ///< "" when refused before planning
  int64_t version = 0;
  std::string plan_json;  ///< TablePlan without units; "" when refused
  TableState state = TableState::kPlanned;
  std::string error_json;  ///< "" = none
  /// nullopt = all that its plan means, which every reader has who did not Narrow.
  std::optional<TablePart> part = {};
};

/// No task of a job: of a run by a migration file.
inline constexpr int64_t kNoTask = 0;

struct UnitRecord {
  int64_t id = 0;
  int64_t table_id = 0;
  int64_t task = kNoTask;  ///< of the job whose plan has it
  /// Of the source's table, at which its content was planned; nullopt = at an earlier state of a
  /// table without versions, or of another table of that name.
  std::optional<int64_t> version = {};
  std::string partition;  ///< "ds=2026-01-01/hour=3"; "" = whole table
  std::string fingerprint;
  UnitState state = UnitState::kPlanned;
  int generation = 0;
  std::string session_id;
  std::string plan_json;  ///< UnitPlan
  std::optional<int64_t> rows_planned;
  int64_t bytes = 0;
  int64_t files = 0;
  std::optional<int64_t> rows_copied;
  std::optional<int64_t> rows_target;
  std::string source_checksum;  ///< JSON, "" = not taken
  std::string target_checksum;
  std::string changes;  ///< ValueChanges as text; "" = no value was changed
  Verdict verdict = Verdict::kPending;
  ComparedBy compared_by = ComparedBy::kNothing;
  std::string difference;  ///< for people: which columns, which counts; "" = none
  std::string error_json;
};

/// Nothing of ours brought it: it was made at the target, and stays as it is.
inline bool IsMadeAtTarget(const UnitRecord& unit) {
  return unit.verdict == Verdict::kExtra && unit.generation == 0;
}

/// Which units of a table: all that its plan means, or those of one task or of several.
struct UnitScope {
  UnitScope(int64_t table) : table_id(table) {}  // NOLINT: a table alone is a scope
  UnitScope(int64_t table, int64_t of_task)
      : table_id(table), first_task(of_task), last_task(of_task) {}
  /// What the table's record tells of.
  explicit UnitScope(const TableRecord& table) : table_id(table.id), aside(table.part.has_value()) {
    if (!table.part) return;
    first_task = table.part->first_task;
    last_task = table.part->last_task;
  }

  int64_t table_id;
  int64_t first_task = kNoTask, last_task = kNoTask;  ///< kNoTask = of whatever task
  /// Also what was finished and is set aside: it stands at the target as an earlier plan left it.
  bool aside = false;
};

/// Sums over a scope's units, in SQL.
struct TableTotals {
  int64_t units = 0;
  int64_t committed = 0;
  int64_t bytes = 0;
  int64_t bytes_committed = 0;
  int64_t files = 0;
  std::optional<int64_t> rows_planned;  ///< nullopt when any unit's is unknown
  int64_t rows_copied = 0;
  std::optional<int64_t> rows_target;  ///< likewise; without what was made at the target
  int64_t matched = 0;
  int64_t mismatched = 0;  ///< mismatch or missing
  int64_t missing = 0;     ///< of `mismatched`: nothing at the target
  int64_t not_compared = 0;
  int64_t not_comparable = 0;
  int64_t behind = 0;              ///< finished at an earlier version than the table's plan
  std::optional<int64_t> version;  ///< which all of them were planned at; nullopt = none is
  int64_t extra = 0;               ///< also what was made at the target, of which no row is known

  /// How many have a verdict.
  int64_t Settled() const { return matched + mismatched + not_compared + not_comparable + extra; }
};

class Ledger {
 public:
  /// Makes the folder if needed (0700), takes its lock, migrates the schema; files are 0600.
  /// Errors: kDenied STATE_NOT_WRITABLE, kLimitReached STATE_DISK_FULL, kConflict STATE_IN_USE
  /// (names the other process's id), kCorrupt STATE_CORRUPT, kUnsupported STATE_TOO_NEW (written by
  /// a later release).
  static Result<std::unique_ptr<Ledger>> Open(const std::string& folder);
  /// For `report`: no lock, nothing written. Errors: kNotFound STATE_NOT_FOUND.
  static Result<std::unique_ptr<Ledger>> OpenToRead(const std::string& folder);
  ~Ledger();

  /// Ties the folder to one target, so that what was done in a rehearsal is never taken for done
  /// elsewhere. The first call stores `identity`; a later one with another forgets the plans that
  /// are there, or once a load has begun is kConflict STATE_OTHER_TARGET.
  Status BindTarget(const std::string& identity);
  /// As BindTarget stored it; "" = not bound yet.
  Result<std::string> Target();

  /// A document about the run that ends, for later readers; replaces the one before.
  Status SaveRun(const std::string& document);
  /// "" = none yet.
  Result<std::string> LastRun();

  /// Replaces the table's plan and its units in one transaction (insert when new; key =
  /// source_name). Units that are committed or verified with an equal fingerprint keep everything
  /// they have, unless the target table changed; the others start at `planned` and keep counting
  /// generations, but for one in `loading` under a plan that is equal to the letter: its session
  /// and blocks stay, to be gone on with; one whose verdict is already kExtra was loaded and stays
  /// at the target as it is; `others` says what becomes of units that the plan does not have: they
  /// are removed, or, where the plan is for a part of the table, set aside if they were ever
  /// loaded: no list and no total has them until a later plan does. kConflict LEDGER_COMMITTING
  /// when a unit to be replaced may have a commit under way: settle it first. kKeepFinished: as
  /// kSetAside, but what is finished stays in lists and totals, and stays finished, of its own
  /// version, even where the plan has other content for it, unless it was compared and differs or
  /// is of `task`, which plans and loads it anew.
  enum class Others { kRemove, kSetAside, kKeepFinished };
  struct Keeping {
    Others others = Others::kRemove;
    bool finished = true;  ///< false: also what is finished of equal content is loaded again
    int64_t task = kNoTask;
    bool same_table = true;  ///< versions count on from those before; false: what stays has none
    /// What is finished is no business of the plan: it is set aside as it is.
    bool leave_finished = false;
  };
  Result<int64_t> SavePlan(const TableRecord& table, const std::vector<UnitRecord>& units,
                           const Keeping& keeping);
  Result<int64_t> SavePlan(const TableRecord& table, const std::vector<UnitRecord>& units) {
    return SavePlan(table, units, Keeping());
  }
  Result<std::optional<TableRecord>> FindTable(const std::string& source_name);
  Status SetTableState(int64_t table_id, TableState state, const std::string& error_json);
  /// Replaces the table's document alone; its units stay as they are.
  Status SetTablePlan(int64_t table_id, const std::string& plan_json);

  /// For a reader: only these tables are listed from now on. `wanted` may call the ledger, and may
  /// change what is told of a table, so that it is of a part.
  void Narrow(std::function<Result<bool>(TableRecord&)> wanted);
  /// In the order of their names. `visit` may take its time and may call the ledger.
  Status ListTables(const std::function<Status(TableRecord)>& visit);
  /// Units in partition order; `below` filters to states before it (kVerified: all but verified).
  /// Reads in pages, so `visit` may take its time and may call the ledger; each unit is visited at
  /// most once.
  Status ListUnits(const UnitScope& scope, std::optional<UnitState> below,
                   const std::function<Status(UnitRecord)>& visit);
  /// Those set aside too, in any state.
  Status ListAllUnits(int64_t table_id, const std::function<Status(UnitRecord)>& visit);
  Result<TableTotals> Totals(const UnitScope& scope);
  /// Whether each unit of the plan has a verdict; without a look at those that have.
  Result<bool> IsSettled(int64_t table_id);
  /// Of partitions that stand at the target: those that the table has no unit of, also none set
  /// aside, become units of verdict kExtra, with their task, plan and difference. In one
  /// transaction.
  Status AddExtra(int64_t table_id, std::vector<UnitRecord> units);
  /// Of a unit that is no longer at the target: nothing is known of it any more.
  Status RemoveUnit(int64_t unit_id);
  /// Units of the scope that were compared and differ, or are missing, are to be loaded again.
  Status ForgetMismatches(const UnitScope& scope);

  /// A transition under way; get() waits until it is on disk or refused. Transitions reach the disk
  /// in the order of the calls, whole transactions at a time, so one that is there proves that
  /// those asked for before it are there too.
  using Transition = std::future<Status>;

  /// planned/loading/committing -> loading, at `generation` + 1. What an earlier generation sent is
  /// forgotten. From `committing` only when its session is known never to commit.
  Transition BeginLoad(int64_t unit_id, int generation);
  /// Notes the session, in `loading`; "" = none that could be gone on with.
  Transition SetSession(int64_t unit_id, int generation, std::string session_id);
  /// What one block brought, by which a later attempt goes on in the same session.
  struct SentBlock {
    int64_t block_id = 0;
    int64_t rows = 0;
    std::string source_checksum;  ///< JSON, "" = not taken
    std::string changes;          ///< ValueChanges as text
  };
  /// In `loading`, of a session that was noted. Forgotten by the next BeginLoad and by Committed.
  Transition NoteBlock(int64_t unit_id, int generation, SentBlock block);
  /// In the order of their ids; reads in pages, so `visit` may call the ledger.
  Status ListBlocks(int64_t unit_id, const std::function<Status(SentBlock)>& visit);
  struct Sent {
    int64_t rows = 0;
    std::string source_checksum;  ///< "" = not taken
    std::string changes = {};     ///< "" = no value was changed
  };
  /// loading -> committing, with what was sent; refused when no session was noted.
  Transition BeginCommit(int64_t unit_id, int generation, Sent sent);
  /// committing -> committed.
  Transition Committed(int64_t unit_id, int generation);
  struct Comparison {
    Verdict verdict = Verdict::kPending;
    std::optional<int64_t> rows_target;
    std::string target_checksum;
    std::string difference;
    ComparedBy by = ComparedBy::kNothing;
  };
  /// committed/verified -> verified.
  Transition Verified(int64_t unit_id, int generation, Comparison comparison);
  /// Notes why the unit does not go on; its state stays. The next BeginLoad or Committed clears it.
  Status SetUnitError(int64_t unit_id, const std::string& error_json);

 private:
  struct State;
  Ledger();
  std::unique_ptr<State> state_;
};

}  // namespace mms::migration
