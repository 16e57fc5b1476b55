// What store.cc and store_write.cc share: the connection. Included by those two only.
#pragma once

#include <memory>
#include <string>

#include "migration/ledger/database.h"
#include "migration/ledger/store.h"

namespace mms::migration {

/// Prepared transitions with the variables they are bound to (store_write.cc).
struct Transitions;

struct Store::State {
  std::string file;
  soci::session sql;
  /// A report may read what an older release wrote, and does not migrate it.
  bool has_changes = true;
  bool has_aside = true;
  bool has_task = true;
  bool has_version = true;
  bool has_method = true;
  std::unique_ptr<Transitions> transitions;

  State();
  ~State();
};

}  // namespace mms::migration
