// Row counts of many target partitions by SQL: one statement for up to some thousand partitions,
// each naming exactly the partitions asked for, so that its answer stays below the 10,000 rows a
// result may have.
//
// Threads: blocks its thread; many may run side by side. Source of the limits: MaxCompute help,
// "SELECT" (10,000 rows shown) and "Limits on MaxCompute SQL" (2 MB a statement).
#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/result.h"
#include "clients/maxcompute/client.h"

namespace mms::migration {

/// The statement for these partitions (all of the same columns); without any, for the whole table.
std::string CountSql(const std::string& table_name,
                     const std::vector<maxcompute::PartitionSpec>& partitions);

/// Splits partitions so that each group's statement is within the limits.
std::vector<std::vector<maxcompute::PartitionSpec>> GroupForCounting(
    const std::vector<maxcompute::PartitionSpec>& partitions);

/// Rows by ToTunnelText of the partition ("" = the whole table). A partition without rows has no
/// entry. `table_name` is qualified and quoted. Errors: kNotFound ODPS_TABLE_NOT_FOUND, kCorrupt
/// COUNT_UNREADABLE.
Result<std::unordered_map<std::string, int64_t>> CountRows(
    maxcompute::Client& client, const std::string& table_name,
    const std::vector<maxcompute::PartitionSpec>& partitions,
    const maxcompute::SqlOptions& sql = {});

}  // namespace mms::migration
