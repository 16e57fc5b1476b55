// One pass over a table's units for one plan: target table, partitions, units side by side,
// comparison. All of the table, or those of one task of a job.
//
// Threads: Run blocks its thread; units run in the engine's pools, bounded in number and bytes so
// that a table of any size needs the same memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>
#include <vector>

#include "base/result.h"
#include "migration/workflow/engine.h"
#include "migration/workflow/group_check.h"
#include "migration/workflow/unit_window.h"

namespace mms::migration {

/// Units are handed out in pages, whose partitions are made before.
inline constexpr size_t kFirstPageUnits = 64;  ///< copying starts while the others are made
inline constexpr size_t kPageUnits = 1000;     ///< what one ALTER TABLE takes
inline constexpr size_t kPageBytes = 8ULL << 20;

/// What is wanted of a pass, beside the plan.
struct PassWishes {
  std::optional<int64_t> task;  ///< its units alone
  VerifyLevel verify = VerifyLevel::kChecksum;
  bool make_table = true;            ///< false: it has to be there
  bool copy = true;                  ///< false: only the table, and its partitions
  std::mutex* definition = nullptr;  ///< held while the table or its partitions are made
};

class TablePass {
 public:
  TablePass(TableContext context, PassWishes wishes);

  /// Copies and compares all that is not verified. Errors: the most telling of what happened;
  /// kCancelled.
  Status Run();

  /// How far it got when Run returned an error.
  enum class Reached { kTable, kData, kComparison };
  Reached reached() const { return reached_; }

 private:
  UnitScope Scope() const;
  Status MakeTable(const TableTotals& totals);
  /// Partitions that have left the source and are to go.
  Status DropGone();
  Status HandOutAll();
  Status HandOutPage();
  Status MakePartitions(const std::vector<UnitRecord>& page);
  void HandOut(UnitRecord unit);
  void HandToCheck(UnitRecord unit);
  void Check(UnitRecord unit);
  void Fail(const UnitRecord& unit, Error error);
  Status CountCommitted();
  Status CheckGroups();
  bool IsCommitted(const UnitRecord& unit) const;

  TableContext table_;
  const PassWishes wishes_;
  Engine& engine_;
  UnitWindow window_;
  std::optional<GroupCheck> groups_;
  std::vector<UnitRecord> page_;
  size_t page_bytes_ = 0;
  size_t page_units_;
  Reached reached_ = Reached::kTable;
  std::atomic<bool> load_failed_{false};
};

}  // namespace mms::migration
