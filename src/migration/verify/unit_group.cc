#include "migration/verify/unit_group.h"

#include <utility>

#include "clients/maxcompute/pacer.h"
#include "migration/verify/partition_filter.h"

namespace mms::migration {
namespace {

constexpr int64_t kSmallBytesMax = 16LL << 20;
constexpr int64_t kSmallRowsMax = 500'000;

// Of a group. The result lies in the project for a day or so, and a failure reads it all again.
constexpr size_t kPartitionsMax = 2000;
constexpr int64_t kBytesMax = 512LL << 20;
constexpr int64_t kRowsMax = 10'000'000;
constexpr size_t kChecksumsMax = 100'000;  // partitions times columns: some 10 MB of JSON

/// What a table's sessions do without waiting.
int64_t SessionsOfAWindow() {
  const maxcompute::Pacer::Options options;
  return options.rules[static_cast<size_t>(maxcompute::Limit::kDownloadSessions)].count;
}

}  // namespace

bool ReadsTogether(VerifyBy by, int64_t units_left) {
  switch (by) {
    case VerifyBy::kAuto: return units_left > SessionsOfAWindow();
    case VerifyBy::kSessions: return false;
    case VerifyBy::kSelect: return units_left > 1;
  }
  return false;
}

bool ReadsTogether(VerifyBy by, const GroupMember& member) {
  if (by == VerifyBy::kSessions || member.record_blocks) return false;
  if (by == VerifyBy::kSelect) {
    return member.source_bytes <= kBytesMax && member.rows <= kRowsMax;
  }
  return member.source_bytes <= kSmallBytesMax && member.rows <= kSmallRowsMax;
}

bool UnitGroup::Fits(const maxcompute::PartitionSpec& partition, const GroupMember& member) const {
  const size_t count = partitions_.size() + 1;
  if (count == 1) return true;
  return count <= kPartitionsMax && count * columns_ <= kChecksumsMax &&
         filter_bytes_ + FilterBytes(partition) <= kFilterBytesMax &&
         source_bytes_ + member.source_bytes <= kBytesMax && rows_ + member.rows <= kRowsMax;
}

void UnitGroup::Add(maxcompute::PartitionSpec partition, const GroupMember& member) {
  filter_bytes_ += FilterBytes(partition);
  rows_ += member.rows;
  source_bytes_ += member.source_bytes;
  partitions_.push_back(std::move(partition));
}

std::string GroupSql(const std::string& table_name, const maxcompute::TableSchema& schema,
                     const std::vector<maxcompute::PartitionSpec>& partitions) {
  std::string columns;
  for (const maxcompute::Column& column : schema.partition_columns) {
    columns += (columns.empty() ? "CAST(" : ", CAST(") + maxcompute::QuoteName(column.name) +
               " AS STRING)";
  }
  for (const maxcompute::Column& column : schema.columns) {
    columns += ", " + maxcompute::QuoteName(column.name);
  }
  return "SELECT " + columns + " FROM " + table_name + " WHERE " + PartitionFilter(partitions) +
         ";";
}

}  // namespace mms::migration
