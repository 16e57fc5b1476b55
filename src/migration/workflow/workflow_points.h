// Where a crash is rehearsed (base/fault_point.h) between a run's writes to the ledger and its
// calls, which are points themselves. In the order of a run.
#pragma once

#include <array>
#include <string_view>

#include "base/fault_point.h"

namespace mms::migration {

struct WorkflowPoint {
  Moment moment;
  std::string_view step;
};

/// Columns that the plan adds are at the target table.
inline constexpr WorkflowPoint kColumnsAdded{Moment::kAfter, "add columns"};
/// The target table is there and fits.
inline constexpr WorkflowPoint kTableMade{Moment::kAfter, "create table"};
/// So is the staging table of a PK table.
inline constexpr WorkflowPoint kStagingMade{Moment::kAfter, "create staging"};
/// A page of partitions is at the target; none of them has a session.
inline constexpr WorkflowPoint kPartitionsAdded{Moment::kAfter, "add partitions"};
/// A page of partitions that left the source is gone at the target; the ledger does not know.
inline constexpr WorkflowPoint kPartitionsDropped{Moment::kAfter, "drop partitions"};
/// The first block of a unit is in its session.
inline constexpr WorkflowPoint kFirstBlock{Moment::kAfter, "first block"};
/// All blocks of a unit are in its session, the ledger does not know.
inline constexpr WorkflowPoint kLastBlock{Moment::kAfter, "last block"};
/// What is staged is about to be moved; or was, and the ledger does not know.
inline constexpr WorkflowPoint kStagedToMove{Moment::kBefore, "move staged"};
inline constexpr WorkflowPoint kStagedMoved{Moment::kAfter, "move staged"};
/// A unit, or a group of them, was read back and compared; the ledger does not know.
inline constexpr WorkflowPoint kRead{Moment::kAfter, "read back"};
/// Everything is verified; the staging table is still there.
inline constexpr WorkflowPoint kStagingToDrop{Moment::kBefore, "drop staging"};

/// All of them.
inline constexpr std::array kWorkflowPoints = {
    kColumnsAdded,      kTableMade,  kStagingMade,   kPartitionsAdded,
    kPartitionsDropped, kFirstBlock, kLastBlock,     kStagedToMove,
    kStagedMoved,       kRead,       kStagingToDrop,
};

inline void FaultPoint(const WorkflowPoint& point) { mms::FaultPoint(point.moment, point.step); }

}  // namespace mms::migration
