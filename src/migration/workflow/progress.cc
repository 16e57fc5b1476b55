#include "migration/workflow/progress.h"

namespace mms::migration {

Progress::View Progress::Read() const {
  std::lock_guard lock(mutex_);
  View view;
  for (Slot slot = 0; slot < tables_.size(); ++slot) view.running.push_back(Copy(slot));
  view.tables_total = static_cast<int64_t>(tables_.size());
  for (const TableProgress& table : tables_) {
    view.tables_done += table.stage == TableProgress::Stage::kDone;
    view.tables_failed += table.stage == TableProgress::Stage::kFailed ||
                          table.stage == TableProgress::Stage::kRefused;
    view.bytes_total += table.bytes_total;
    view.bytes_done += table.bytes_done;
    view.rows_done += table.rows_done;
  }
  return view;
}

void Progress::Restart() {
  std::lock_guard lock(mutex_);
  tables_.clear();
  read_.clear();
}

Progress::Slot Progress::Add(const std::string& name) {
  std::lock_guard lock(mutex_);
  tables_.emplace_back();
  tables_.back().name = name;
  read_.push_back(MakeByteCount());
  return tables_.size() - 1;
}

void Progress::SetStage(Slot slot, TableProgress::Stage stage) {
  TableProgress copy;
  {
    std::lock_guard lock(mutex_);
    if (tables_[slot].stage == stage) return;
    tables_[slot].stage = stage;
    copy = Copy(slot);
  }
  if (on_change) on_change(copy);
}

void Progress::SetTotals(Slot slot, Amount total, Amount done) {
  std::lock_guard lock(mutex_);
  TableProgress& table = tables_[slot];
  table.bytes_total = total.bytes;
  table.units_total = total.units;
  table.bytes_done = done.bytes;
  table.rows_done = done.rows;
  table.units_done = done.units;
}

void Progress::SetBySql(Slot slot) {
  std::lock_guard lock(mutex_);
  tables_[slot].by_sql = true;
}

void Progress::Move(Slot slot, Amount amount) {
  std::lock_guard lock(mutex_);
  TableProgress& table = tables_[slot];
  table.bytes_done += amount.bytes;
  table.rows_done += amount.rows;
  table.units_done += amount.units;
}

void Progress::Add(Slot slot, Traffic traffic) {
  std::lock_guard lock(mutex_);
  *read_[slot] += traffic.bytes_read;
  tables_[slot].traffic.bytes_sent += traffic.bytes_sent;
}

ByteCount Progress::ReadCount(Slot slot) {
  std::lock_guard lock(mutex_);
  return read_[slot];
}

TableProgress Progress::Copy(Slot slot) const {
  TableProgress copy = tables_[slot];
  copy.traffic.bytes_read = read_[slot]->load();
  return copy;
}

}  // namespace mms::migration
