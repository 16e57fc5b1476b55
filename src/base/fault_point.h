// Rehearsing crashes: the environment variable MMS_FAULT='<point>[:n]' makes this process kill
// itself (SIGKILL, nothing is cleaned up) the n-th time it comes to that point; n is 1 when left
// out. Several points are parted by commas; the first that is reached is it. Read once.
//
// A point is a moment and a step, "before commit upload". The steps are listed where they are
// taken, so that a test can walk them all (`mms version --json` prints every point):
//   LedgerActs()                each write to the ledger: before it is asked for, during its
//                               transaction (written, not committed), after it is on disk
//   maxcompute::AllCalls()      each call to MaxCompute: before it is sent, after its answer came
//   migration::WorkflowPoints() what lies between those
// Workers take no part: they are killed from outside.
//
// Unset, a point costs one comparison. Thread-safe.
#pragma once

#include <string_view>

namespace mms {

enum class Moment { kBefore, kDuring, kAfter };

/// "before", "during", "after".
std::string_view MomentName(Moment moment);

void FaultPoint(Moment moment, std::string_view step);

/// From here on no point is one. To be called before the first point is reached.
void IgnoreFaultPoints();

}  // namespace mms
