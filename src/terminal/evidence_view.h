// What is printed of an evidence bundle that was written (evidence.cc).
#pragma once

#include <string>

#include "migration/evidence/bundle.h"
#include "terminal/output.h"

namespace mms::terminal {

/// Path, counts, and the key it is signed by.
void PrintEvidence(const std::string& bundle, const migration::BundleSummary& summary,
                   Output& output);

}  // namespace mms::terminal
