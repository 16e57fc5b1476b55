#include "migration/inspect/partition_selection.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/lower_ascii.h"

namespace mms::migration {

std::string PartitionText(const std::vector<std::optional<std::string>>& values) {
  nlohmann::json list = nlohmann::json::array();
  for (const std::optional<std::string>& value : values) {
    list.push_back(value ? nlohmann::json(*value) : nlohmann::json());
  }
  return list.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

Status CheckColumns(const PartitionSelection& selection, const std::vector<std::string>& now) {
  const std::vector<std::string>& known = selection.columns;
  const bool same = std::equal(
      now.begin(), now.end(), known.begin(), known.end(),
      [](const auto& one, const auto& other) { return LowerAscii(one) == LowerAscii(other); });
  if (known.empty() || selection.task_of.empty() || same) return OkStatus();
  const std::string by = now.empty() ? "nothing" : fmt::format("({})", fmt::join(now, ", "));
  return Error(ErrorKind::kConflict, "PARTITION_COLUMNS_CHANGED",
               fmt::format("is partitioned by {}, and was by ({}) when the source was scanned: its "
                           "partitions are others by now; scan the source (mms source sync) and "
                           "make a new job",
                           by, fmt::join(known, ", ")));
}

}  // namespace mms::migration
