// From the list of tables to plans in the ledger: which version each table is pinned to and what of
// it is still to be copied.
//
// - A table whose earlier plan is unfinished keeps it, version and block ids included: half of a
//   partition's rows can never come from another version than the other half. Under other choices
//   of the user it is planned anew at the same version; when its data or its target failed it, at
//   the newest.
// - A finished table is looked at again; partitions whose files changed are planned anew, the
//   others keep what they have.
// - A partition that was copied and is no longer at the source is what on_dropped_partition says:
//   told and left alone, planned as an empty one, or to be dropped. That is told by the source's
//   values: one that goes by another name at the target now is copied there, and what stands under
//   the earlier name is told and left alone, whatever the policy.
// - Two source tables never share a target table: the later one is refused.
//
// Threads: PlanAll from one; Replan from many. A table that cannot be planned is noted in the
// ledger as refused or failed and does not stop the others.
#pragma once

#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "migration/inspect/snapshot.h"
#include "migration/plan/frozen_table.h"
#include "migration/workflow/engine.h"

namespace mms::migration {

/// UnitRecord::fingerprint of a partition that is to be dropped at the target.
inline constexpr const char* kFingerprintToDrop = "to drop";
/// Of one that has left the source and is to hold no rows.
inline constexpr const char* kFingerprintEmpty = "empty";
/// Of one that is no longer meant, and that nothing shows to have left the source.
inline constexpr const char* kFingerprintKept = "kept";

struct PlannedTable {
  SourceTable source;
  Progress::Slot slot = 0;
  bool runnable = false;  ///< there is a plan, and this time nothing spoke against it
  bool exact = false;     ///< of a frozen plan: where its files are gone it fails
};

/// The engine's, with what a job's selection says of its own.
Policy PolicyFor(const Engine& engine, const SourceTable& source);

class Planner {
 public:
  explicit Planner(Engine& engine) : engine_(engine) {}

  /// Every chosen table, in the order of the list. Errors: those of the list as a whole, of the
  /// ledger, kCancelled.
  ///
  /// `anew`: a plan of which nothing was begun yet is made again at the newest version.
  Result<std::vector<PlannedTable>> PlanAll(bool anew = false);

  /// The tables of a frozen plan, each at its version. One that was begun keeps the ledger's plan.
  /// Errors, before anything is at the target: kConflict PLAN_DIFFERS, which names each table and
  /// what differs, and PLAN_VERSION_GONE; why a table cannot be looked at now; those of PlanAll.
  Result<std::vector<PlannedTable>> PlanFrozen(const std::vector<FrozenTable>& frozen);
  /// The ledger's plan as a frozen plan has it. Errors: those of the ledger.
  Result<FrozenTable> Freeze(const std::string& source_name);

  /// One table of a job (source.selection). A plan of the same selection that is unfinished is
  /// kept, as above; else the table is planned at its newest version, and all that the selection
  /// has is to be loaded, also what is at the target already. Whether the table can be run now;
  /// when not, the ledger says why. Errors: those of the ledger, kCancelled. One call a table at a
  /// time.
  struct JobTable {
    SourceTable& source;  ///< gets its refusal
    Progress& progress;
    Progress::Slot slot = 0;
    bool anew = false;  ///< also an unfinished plan of the selection, at the newest version
    const std::function<Result<bool>(const std::string& owner)>& yields;  ///< JobTaskOrder::yields
  };
  Result<bool> PlanForJob(const JobTable& table);

  /// Pins the table to its newest version, because the files of the planned one are gone. What was
  /// finished of equal content is kept.
  Status Replan(const SourceTable& source, int64_t gone_version);
  /// Anew and without appending, after what the plan appends to was found to be something else.
  Status ReplanWhole(const SourceTable& source);

 private:
  struct Aim {
    std::optional<int64_t> version;  ///< nullopt = newest
    std::string warning;
    bool exact = false;  ///< no other version will do
    /// A plan of which nothing was begun stays if the new one decides the same: it may append.
    bool keep_equal = false;
    bool whole = false;  ///< all of it is to be copied anew, whatever is finished or planned
    bool gone = false;   ///< with `whole`: nothing of it stands at the target
  };
  /// Remembers whose a target table is. False: another source has it, whose name is put into
  /// `owner`.
  bool Claim(const std::string& target, const std::string& source, std::string& owner);
  /// Names of target tables that the ledger has given away. Not the first time: nothing.
  Status ClaimKnown();
  void Unclaim(const std::string& source);
  /// What is known of a table that gives its name up.
  Status Forget(const std::string& source);
  /// Of a migration file's table that is not at the target: what had been copied there is no more.
  Status TakeAsGone(const TableRecord& known, Aim* aim);
  struct Shown {
    Progress& progress;
    Progress::Slot slot;
    bool anew = false;
    bool refresh = false;                 ///< anew where nothing was begun
    const FrozenTable* frozen = nullptr;  ///< set: at its version and no other
  };
  using Wanted = std::function<bool(const SourceTable&)>;
  /// Every chosen table that is wanted, with names at the target given away.
  Result<std::vector<PlannedTable>> List(const Wanted& wanted);
  /// Plans them side by side; the first error ends it.
  Status PlanEach(std::vector<PlannedTable>& tables,
                  const std::function<Shown(const PlannedTable&)>& shown);
  /// "" when the ledger's plan is the frozen one. Errors: why it cannot be told.
  Result<std::string> DifferenceFrom(const FrozenTable& frozen, const PlannedTable& table);
  /// Whether the table can be run now.
  Result<bool> PlanTable(const SourceTable& source, const Shown& shown);
  Result<bool> IsUnfinished(const TableRecord& record);
  Status PlanAgain(const SourceTable& source, const std::optional<TableRecord>& known, Aim aim);
  /// Whether the destination's schema is there; nullopt = none is named, or nobody can tell. The
  /// project is asked once. Errors: those of CheckSchemaModel, Client::FetchProject.
  Result<std::optional<bool>> FindSchema();
  /// The plan for what is at the target now. `refusals` as MakePlan.
  Result<TablePlan> PlanForTarget(const Snapshot& snapshot, ColumnRefusals* refusals);
  /// Also what has left the source; and says in the plan what the source has besides.
  Result<std::vector<UnitRecord>> MakeUnits(const SourceTable& source,
                                            const std::optional<TableRecord>& known,
                                            TablePlan* plan);
  /// Has the plan append what is new, where that is all (plan/growth.h).
  Status TakeGrowth(const SourceTable& source, const TableRecord& known, TablePlan* plan);
  /// What was loaded once and is no partition of the plan.
  struct Unmeant {
    UnitPlan unit;
    std::string kept;  ///< why it stays, whatever the policy; "" = it has left the source
  };
  /// Leaves those that are still at the target.
  Status DropMissing(const std::string& target_table, std::vector<Unmeant>* unmeant);
  Status Note(const SourceTable& source, const std::optional<TableRecord>& known,
              const Error& error, const ColumnRefusals& refusals = {});

  Engine& engine_;
  std::mutex project_mutex_;
  std::optional<maxcompute::Client::ProjectInfo> project_;  ///< guarded by project_mutex_
  std::optional<bool> schema_there_;                        ///< when it was asked; likewise
  std::mutex claims_mutex_;
  std::map<std::string, std::string> claims_;  ///< target table -> source name
  bool claimed_known_ = false;                 ///< those of the ledger, for jobs
};

}  // namespace mms::migration
