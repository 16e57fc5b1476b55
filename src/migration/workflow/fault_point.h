// Rehearsing crashes: the environment variable MMS_FAULT=<point>[:n] makes this process kill itself
// (SIGKILL, nothing is cleaned up) the n-th time it comes to that point; n is 1 when left out. Read
// once. Points, in the order of a run:
//   after_plan_saved     a table's plan and units are in the ledger
//   after_create_table   the target table is there
//   after_begin_load     the unit's new generation is in the ledger, it has no session yet
//   after_session        the session was noted, no block was sent
//   after_first_block    the first block of a unit is in its session
//   before_commit_sent   `committing` is in the ledger, the commit was not sent
//   after_commit_sent    the service has committed, the ledger does not know yet
//   after_committed      `committed` is in the ledger, nothing was compared
//   after_verified       the comparison is in the ledger
// Unset, a point costs one comparison. Thread-safe.
#pragma once

#include <string_view>

namespace mms::migration {

void FaultPoint(std::string_view name);

}  // namespace mms::migration
