// The condition of a SELECT that names exactly the partitions asked for, however many. Pure.
//
// Source of the limit: MaxCompute help, "Limits on MaxCompute SQL" (2 MB a statement); half of it
// is left to the rest of the statement.
#pragma once

#include <string>
#include <vector>

#include "clients/maxcompute/client.h"

namespace mms::migration {

inline constexpr size_t kFilterBytesMax = 1 << 20;

/// "(`a` = '1' AND `b` IN ('2', '3'))", an alternative for each value of the upper levels. The
/// partitions, one at least, are all of the same columns.
std::string PartitionFilter(const std::vector<maxcompute::PartitionSpec>& partitions);

/// What a partition adds to the condition at most.
size_t FilterBytes(const maxcompute::PartitionSpec& partition);

}  // namespace mms::migration
