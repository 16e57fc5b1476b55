// What the access key may do in the target project, found out by doing harmless things, and the
// GRANT that is missing.
#pragma once

#include <string>
#include <vector>

#include "clients/maxcompute/tunnel.h"

namespace mms::maxcompute {

enum class RightState { kGranted, kMissing, kUnknown };

struct Right {
  std::string name;  ///< "list", "create table", "create instance", "alter", "describe", "select",
                     ///< "tunnel"
  RightState state = RightState::kUnknown;
  std::string detail;  ///< what was done, or why it is unknown
  std::string grant;   ///< statement for the project's owner to run; "" when granted
};

struct RightsOptions {
  /// A table of our own may be made, with a lifecycle of one day, and dropped at the end. Without
  /// it alter and select stay unknown, and create table too.
  bool may_create_table = false;
};

/// Each right once, in the order above. Never fails: what cannot be found out is unknown.
std::vector<Right> CheckRights(Tunnel& tunnel, const RightsOptions& options);

}  // namespace mms::maxcompute
