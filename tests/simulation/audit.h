// What a service's folder says of itself, for the world to compare with what it has seen.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>

#include "base/result.h"
#include "service/store.h"

namespace mms::simulation {

struct Audited {
  std::string folder;  ///< of the service
  int64_t source_id = 0;
  bool over = false;  ///< nothing is at work any more: evidence is there
};

/// {"tasks": [...], "tables": [...], "units": [...], "evidence": [...]}, the last of them only when
/// all is over. Beside whoever writes.
Result<nlohmann::json> Audit(service::Store& store, const Audited& audited);

}  // namespace mms::simulation
