#include "service/merged_partitions.h"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace mms::service {

using migration::ObjectStatus;

std::string MergedPartitions::FirstValues(const std::string& values) const {
  nlohmann::json list = nlohmann::json::parse(values);
  const auto levels = std::min(static_cast<size_t>(levels_), list.size());
  list.erase(list.begin() + static_cast<ptrdiff_t>(levels), list.end());
  return list.dump();
}

Result<std::set<std::string>> MergedPartitions::FindTorn(migration::Metadata& metadata,
                                                         int64_t table_id) const {
  std::set<std::string> torn;
  migration::PartitionFilter filter;
  filter.table_id = table_id;
  filter.deleted = true;
  TRY_VOID(metadata.VisitPartitions(filter, [&](const migration::PartitionEntry& left) -> Status {
    // One whose last copy failed may be there from an earlier one.
    const bool copied = left.status == ObjectStatus::kDone || left.status == ObjectStatus::kFailed;
    if (copied) torn.insert(FirstValues(left.values));
    return OkStatus();
  }));
  return torn;
}

}  // namespace mms::service
