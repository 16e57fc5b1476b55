// Compares the small units of a table, many of them read back together by one SELECT, where
// sessions would have to wait (verify/unit_group.h). Unit by unit it ends as CheckUnit does: the
// same verdicts, the same transitions.
//
// What a SELECT cannot settle goes on by a session: values that differ though the rows are as many
// (the session's word counts), and all that is left of the table once a SELECT failed, which is
// noted once. Partitions that gave no row are looked for in the table's list of partitions.
//
// Threads: Run blocks its thread, one group at a time; the workers read a group's rows side by
// side. A crash or cancel in a group loses its reading: its units stay as they were.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "base/result.h"
#include "migration/checksum/partition_hasher.h"
#include "migration/ledger/ledger.h"
#include "migration/verify/unit_group.h"
#include "migration/workflow/engine.h"

namespace mms::migration {

class GroupCheck {
 public:
  /// `units_left`: how many of the scope are to be compared. `table` outlives this.
  GroupCheck(const TableContext& table, UnitScope scope, int64_t units_left);

  /// Some units of the table are left to Run.
  bool active() const { return active_; }
  /// This one is.
  bool Takes(const UnitRecord& unit) const;

  struct Calls {
    std::function<bool(const UnitRecord&)> wanted;
    /// Compares one by CheckUnit. Of its plan only the partition is left. May block.
    std::function<void(UnitRecord)> by_session;
    std::function<void(const UnitRecord&)> on_compared{};  ///< when the verdict is on disk
  };
  /// Compares all units of the scope that are wanted and taken. Errors: kCancelled, those of the
  /// ledger.
  Status Run(const Calls& calls);

 private:
  struct Group {
    UnitGroup partitions;
    std::vector<UnitRecord> units;  ///< parallel to `partitions`
  };
  /// Verdicts on their way to the disk.
  struct Settled {
    std::vector<UnitRecord> units;
    std::vector<Ledger::Transition> transitions;
  };

  Group MakeGroup() const;
  Status Put(UnitRecord unit, const Calls& calls);
  Status Compare(size_t row_columns, Group group, const Calls& calls);
  Status CompareFound(Group group, const PartitionChecksums& found, const Calls& calls);
  Status SettleSilent(std::map<std::vector<std::string>, UnitRecord> silent, Settled* settled,
                      const Calls& calls);
  void Settle(UnitRecord unit, Ledger::Comparison comparison, Settled* settled);
  Status Finish(Settled settled, const Calls& calls);
  void GiveUp(const std::string& why);

  const TableContext& table_;
  const UnitScope scope_;
  Engine& engine_;
  const VerifyBy by_;
  const bool active_;
  bool gave_up_ = false;
  /// By the number of columns that row hashes are made of, the same for all of a group.
  std::map<size_t, Group> groups_;
};

}  // namespace mms::migration
