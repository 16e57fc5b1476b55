// Rows as the simulation has them: an id each, of one column. Pure.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "migration/checksum/checksum.h"

namespace mms::simulation {

/// Sorted; an id that is there twice was copied twice.
using Rows = std::vector<int64_t>;

inline void Add(const Rows& more, Rows* rows) {
  rows->insert(rows->end(), more.begin(), more.end());
  std::sort(rows->begin(), rows->end());
}

/// As a worker takes it: equal for equal rows, whatever their order.
inline migration::Checksum ChecksumOf(const Rows& rows) {
  migration::Checksum checksum;
  checksum.columns.resize(1);
  for (const int64_t id : rows) {
    const auto value = static_cast<uint64_t>(id) * 0x9e3779b97f4a7c15ULL;
    ++checksum.rows;
    checksum.row_sum += value ^ (value >> 29);
    checksum.columns[0].sum += value;
  }
  return checksum;
}

}  // namespace mms::simulation
