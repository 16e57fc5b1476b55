// What the parts of metadata*.cc share: the two connections. Included by those only.
#pragma once

#include <memory>
#include <mutex>
#include <string>

#include "migration/ledger/database.h"
#include "migration/ledger/state_folder.h"
#include "migration/metadata/metadata.h"

namespace mms::migration {

// Members end in reverse order: the folder's lock goes last.
struct Metadata::State {
  std::unique_ptr<StateFolder> folder;  ///< null when only read
  std::string file;
  std::mutex write_mutex;
  soci::session writes;
  std::mutex read_mutex;
  soci::session reads;
  /// What an older release wrote may be read, and is not migrated by that.
  int version = 0;
};

/// A number that may be unknown, as SOCI binds it.
struct Nullable {
  long long value = 0;
  soci::indicator known = soci::i_null;

  void Set(std::optional<int64_t> number) {
    value = number.value_or(0);
    known = number ? soci::i_ok : soci::i_null;
  }
  std::optional<int64_t> Get() const { return Optional(value, known); }
};

template <class Call>
auto Metadata::Read(Call&& call) {
  const std::lock_guard lock(state_->read_mutex);
  return Guard(state_->file, [&] { return call(state_->reads); });
}

/// One transaction; what `call` returns or throws as an error undoes it.
template <class Call>
Status Metadata::Write(Call&& call) {
  const std::lock_guard lock(state_->write_mutex);
  return Guard(state_->file, [&]() -> Status {
    WriteTransaction transaction(state_->writes);
    TRY_VOID(call(state_->writes));
    transaction.Commit();
    return OkStatus();
  });
}

}  // namespace mms::migration
