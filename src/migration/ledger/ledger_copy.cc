#include "migration/ledger/ledger_copy.h"

#include "migration/ledger/database.h"
#include "migration/ledger/ledger.h"
#include "migration/ledger/state_folder.h"

namespace mms::migration {

Status CopyLedger(const std::string& from, const std::string& to) {
  TRY_VOID(Ledger::OpenToRead(from));  // with its own errors
  TRY(const auto taken, StateFolder::Take(to));
  const std::string file = from + "/ledger.db";
  return Guard(file, [&]() -> Status {
    soci::session sql;
    TRY_VOID(OpenToRead(sql, file));
    const std::string into = to + "/ledger.db";
    sql << "VACUUM INTO :file", soci::use(into);
    return OkStatus();
  });
}

}  // namespace mms::migration
