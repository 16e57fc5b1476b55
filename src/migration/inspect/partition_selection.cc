#include "migration/inspect/partition_selection.h"

#include <nlohmann/json.hpp>

namespace mms::migration {

std::string PartitionText(const std::vector<std::optional<std::string>>& values) {
  nlohmann::json list = nlohmann::json::array();
  for (const std::optional<std::string>& value : values) {
    list.push_back(value ? nlohmann::json(*value) : nlohmann::json());
  }
  return list.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace mms::migration
