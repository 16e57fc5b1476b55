#include "migration/verify/partition_filter.h"

#include <map>

namespace mms::migration {
namespace {

using maxcompute::PartitionSpec;
using maxcompute::QuoteLiteral;
using maxcompute::QuoteName;

/// `a`='1' AND `b`='2' for all levels but the last.
std::string Prefix(const PartitionSpec& spec) {
  std::string text;
  for (size_t i = 0; i + 1 < spec.size(); ++i) {
    text += QuoteName(spec[i].first) + " = " + QuoteLiteral(spec[i].second) + " AND ";
  }
  return text;
}

}  // namespace

/// Literals are always quoted: MaxCompute converts them to the partition column's type.
std::string PartitionFilter(const std::vector<PartitionSpec>& partitions) {
  std::map<std::string, std::string> values_by_prefix;
  for (const PartitionSpec& spec : partitions) {
    std::string& values = values_by_prefix[Prefix(spec)];
    values += (values.empty() ? "" : ", ") + QuoteLiteral(spec.back().second);
  }
  const std::string last = QuoteName(partitions.front().back().first);
  std::string text;
  for (const auto& [prefix, values] : values_by_prefix) {
    text += (text.empty() ? "(" : " OR (") + prefix + last + " IN (" + values + "))";
  }
  return text;
}

size_t FilterBytes(const PartitionSpec& partition) {
  constexpr size_t kWordsBytes = 64;  // OR, IN, quotes and the last level's name
  return Prefix(partition).size() + 2 * partition.back().second.size() + kWordsBytes;
}

}  // namespace mms::migration
