// What a run is doing, for the lines on the terminal and for machines. Thread-safe; written by the
// workflow's threads, read from any.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <vector>

#include "base/byte_count.h"

namespace mms::migration {

/// What went over the wire for a table. It never goes back: what was read or sent again was paid
/// for again.
struct Traffic {
  int64_t bytes_read = 0;  ///< that the source sent: logs, footers and broken answers too
  int64_t bytes_sent = 0;  ///< of blocks that arrived, compressed as they were sent

  friend bool operator==(const Traffic&, const Traffic&) = default;
};

/// What a table is doing. Bytes are source bytes (compressed file bytes).
struct TableProgress {
  std::string name;
  enum class Stage {
    kWaiting,
    kPlanning,
    kCreating,
    kCopying,
    kVerifying,
    kDone,
    kFailed,
    kRefused
  } stage = Stage::kWaiting;
  int64_t bytes_total = 0;  ///< unknown while kWaiting or kPlanning
  int64_t bytes_done = 0;   ///< moves with the blocks; goes back when a load begins again
  int64_t rows_done = 0;
  Traffic traffic;
  int64_t units_total = 0;
  bool by_sql = false;     ///< its rows are read, or counted, by SQL of the source
  int64_t units_done = 0;  ///< committed; while kVerifying in `Verify`: compared

  bool Ended() const {
    return stage == Stage::kDone || stage == Stage::kFailed || stage == Stage::kRefused;
  }
};

class Progress {
 public:
  /// A copy of every chosen table, each name once, and of the totals.
  struct View {
    std::vector<TableProgress> running;                            ///< those that ended too
    int64_t tables_total = 0, tables_done = 0, tables_failed = 0;  ///< failed: refused too
    int64_t bytes_total = 0, bytes_done = 0, rows_done = 0;
  };
  View Read() const;
  /// For machines: called at each stage change and table end, on any thread. Set before the run.
  /// The ledger has the table's new state already.
  std::function<void(const TableProgress&)> on_change;

  /// What a person may want to know while it runs; as on_change.
  std::function<void(const std::string& text)> on_note;
  /// Each SQL statement that MaxCompute has taken, with its LogView where there is one: what is
  /// billed. As on_change.
  std::function<void(const std::string& text, const std::string& statement)> on_statement;

  /// What follows is the workflow's side. A slot is a table's place until the next Restart.
  using Slot = size_t;
  void Restart();
  Slot Add(const std::string& name);
  void SetStage(Slot slot, TableProgress::Stage stage);
  struct Amount {
    int64_t rows = 0, bytes = 0, units = 0;
  };
  void SetTotals(Slot slot, Amount total, Amount done);
  void SetBySql(Slot slot);
  void Move(Slot slot, Amount amount);
  void Add(Slot slot, Traffic traffic);
  /// Traffic::bytes_read of the slot, for those who read; it may outlive this.
  ByteCount ReadCount(Slot slot);

 private:
  TableProgress Copy(Slot slot) const;  // holds mutex_

  mutable std::mutex mutex_;
  std::vector<TableProgress> tables_;
  std::vector<ByteCount> read_;  ///< by slot
};

}  // namespace mms::migration
