// One life of the process under test: opens the service in its folder and goes on from what is
// there, asking the world at each turn what a user does, until it is told to end, or is killed.
#pragma once

#include <string>

#include "base/result.h"

namespace mms::simulation {

/// Makes a service's folder, without a source. In a child: it begins threads.
Status Prepare(const std::string& folder);
/// In the child, with the link open. Never comes back: the process ends when it does.
void Live(const std::string& folder);

}  // namespace mms::simulation
