// A ledger as it is at one moment, in another folder: for what plans as if, and leaves the ledger
// as it is.
#pragma once

#include <string>

#include "base/result.h"

namespace mms::migration {

/// Beside whoever writes to `from`. `to` is made if needed and has no ledger yet. Errors: kNotFound
/// STATE_NOT_FOUND when `from` has none; those of state_folder.h and database.h.
Status CopyLedger(const std::string& from, const std::string& to);

}  // namespace mms::migration
