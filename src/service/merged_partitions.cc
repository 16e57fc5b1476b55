#include "service/merged_partitions.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

namespace mms::service {

using migration::ObjectStatus;

MergedPartitions::MergedPartitions(std::vector<migration::PartitionColumn> columns,
                                   std::optional<int> levels, migration::Policy policy)
    : columns_(std::move(columns)), policy_(std::move(policy)) {
  if (levels) columns_.resize(std::min(columns_.size(), static_cast<size_t>(*levels)));
}

std::string MergedPartitions::IdentityOf(const std::string& values) const {
  std::vector<std::optional<std::string>> list;
  for (const nlohmann::json& value : nlohmann::json::parse(values)) {
    list.push_back(value.is_string() ? std::optional(value.get<std::string>()) : std::nullopt);
  }
  return migration::PartitionIdentity(list, columns_, policy_);
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
    if (copied) torn.insert(IdentityOf(left.values));
    return OkStatus();
  }));
  return torn;
}

}  // namespace mms::service
