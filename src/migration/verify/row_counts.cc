#include "migration/verify/row_counts.h"

#include <charconv>
#include <utility>

#include "migration/verify/partition_filter.h"

namespace mms::migration {
namespace {

constexpr size_t kPartitionsMax = 9000;

using maxcompute::PartitionSpec;
using maxcompute::QuoteName;

Result<int64_t> ParseCount(const std::optional<std::string>& text, const std::string& table_name) {
  int64_t count = 0;
  if (text) {
    const char* end = text->data() + text->size();
    const auto [at, failure] = std::from_chars(text->data(), end, count);
    if (failure == std::errc() && at == end && count >= 0) return count;
  }
  return Error(ErrorKind::kCorrupt, "COUNT_UNREADABLE",
               "the answer to COUNT(*) is '" + text.value_or("NULL") + "', not a number")
      .At("target table " + table_name);
}

}  // namespace

std::string CountSql(const std::string& table_name, const std::vector<PartitionSpec>& partitions) {
  if (partitions.empty()) return "SELECT COUNT(*) AS `rows_found` FROM " + table_name + ";";
  std::string columns;
  for (const auto& [name, value] : partitions.front()) {
    columns += (columns.empty() ? "" : ", ") + QuoteName(name);
  }
  return "SELECT " + columns + ", COUNT(*) AS `rows_found` FROM " + table_name + " WHERE " +
         PartitionFilter(partitions) + " GROUP BY " + columns + ";";
}

std::vector<std::vector<PartitionSpec>> GroupForCounting(
    const std::vector<PartitionSpec>& partitions) {
  std::vector<std::vector<PartitionSpec>> groups;
  size_t bytes = 0;
  for (const PartitionSpec& spec : partitions) {
    const size_t size = FilterBytes(spec);
    if (groups.empty() || groups.back().size() >= kPartitionsMax ||
        bytes + size > kFilterBytesMax) {
      groups.emplace_back();
      bytes = 0;
    }
    groups.back().push_back(spec);
    bytes += size;
  }
  return groups;
}

Result<std::unordered_map<std::string, int64_t>> CountRows(
    maxcompute::Client& client, const std::string& table_name,
    const std::vector<PartitionSpec>& partitions, const maxcompute::SqlOptions& sql) {
  std::unordered_map<std::string, int64_t> counts;
  std::vector<std::vector<PartitionSpec>> groups = GroupForCounting(partitions);
  if (partitions.empty()) groups.emplace_back();
  for (const std::vector<PartitionSpec>& group : groups) {
    // A SELECT may run twice, so a lost answer is asked for again.
    TRY(const maxcompute::SqlResult result, Retry(client.options().retry, [&] {
          return client.RunSql(CountSql(table_name, group), sql);
        }));
    const size_t levels = group.empty() ? 0 : group.front().size();
    for (const auto& row : result.rows) {
      if (row.size() != levels + 1) {
        return Error(ErrorKind::kCorrupt, "COUNT_UNREADABLE",
                     "the answer to COUNT(*) has " + std::to_string(row.size()) + " columns")
            .At("target table " + table_name);
      }
      PartitionSpec spec;
      for (size_t i = 0; i < levels; ++i) {
        spec.emplace_back(group.front()[i].first, row[i].value_or(""));
      }
      TRY(const int64_t count, ParseCount(row[levels], table_name));
      counts[maxcompute::ToTunnelText(spec)] += count;
    }
  }
  return counts;
}

}  // namespace mms::migration
