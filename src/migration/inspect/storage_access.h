// Opens the storage of tables with the credentials that the source was told of: a SAS or a service
// principal is shared by all tables of a process, what Unity Catalog vends belongs to one table.
// Thread-safe; used by the server and by each worker.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "base/http_client.h"
#include "base/result.h"
#include "clients/azure/storage.h"
#include "clients/databricks/call_limit.h"
#include "clients/databricks/credential_vending.h"
#include "clients/databricks/sign_in.h"
#include "clients/delta/table.h"

namespace mms::migration {

struct StorageAccessOptions {
  azure::StorageOptions storage;
  std::string workspace;  ///< for vended credentials, as what follows
  databricks::SignIn sign_in;
  std::shared_ptr<databricks::CallLimit> limit = nullptr;  ///< null = one of its own
};

class StorageAccess {
 public:
  StorageAccess(StorageAccessOptions options, std::shared_ptr<HttpClient> http);

  /// `table`: its name in the catalog, or its location's text when it was given by location;
  /// `catalog_id` "" = asked for when needed. No request is sent. Errors: as azure::Storage::Open.
  Result<std::shared_ptr<azure::Storage>> Open(const azure::Location& location,
                                               const std::string& table,
                                               const std::string& catalog_id);

 private:
  Result<std::shared_ptr<azure::CredentialKeeper>> SharedKeeper();
  std::shared_ptr<azure::CredentialKeeper> VendedKeeper(const std::string& table,
                                                        const std::string& catalog_id);

  const StorageAccessOptions options_;
  const std::shared_ptr<HttpClient> http_;
  const std::shared_ptr<databricks::CredentialVending> vending_;  ///< null unless vended
  std::mutex mutex_;
  std::shared_ptr<azure::CredentialKeeper> shared_;  // guarded by mutex_
  /// By account; guarded by mutex_. Not of vended credentials.
  std::map<std::string, std::shared_ptr<azure::Storage>> storages_;
};

/// Where the log of a table at `location` is read, over its storage. Errors: those of
/// Storage::KernelOptions.
Result<delta::Table::Place> LogPlace(const std::shared_ptr<azure::Storage>& storage,
                                     const azure::Location& location);

/// Rows that a vector of storage type "p" of a table at `root` removes: its file may lie in another
/// container or account than the table. Errors: as delta::Table::Open and Storage::KernelOptions.
Result<std::vector<uint64_t>> ReadAbsoluteVector(const std::shared_ptr<azure::Storage>& storage,
                                                 const azure::Location& root,
                                                 const delta::DeletionVector& vector);

/// Opens the log of a table at `location` over its storage. Errors: as delta::Table::Open.
Result<std::unique_ptr<delta::Table>> OpenLog(const std::shared_ptr<azure::Storage>& storage,
                                              const azure::Location& location,
                                              std::optional<int64_t> version);

}  // namespace mms::migration
