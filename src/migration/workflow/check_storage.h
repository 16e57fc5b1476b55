// The steps of `mms check` that look at the storage under the tables: the credential, by what a SAS
// says of itself, what Microsoft Entra ID gives the service principal or Unity Catalog vends; and
// one table's log read in each storage account. One that the credential cannot open is not tried.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/http_client.h"
#include "clients/azure/storage.h"
#include "clients/databricks/workspace_api.h"
#include "migration/inspect/inspect.h"
#include "migration/workflow/check_steps.h"

namespace mms::migration {

/// What can be told of a SAS without asking Azure. `now_ms` since 1970 UTC. Errors: as
/// azure::ParseSas; STORAGE_SAS_EXPIRED.
Result<Finding> JudgeSas(const Secret& sas, int64_t now_ms);

/// What to do about a storage that could not be read with credentials of `auth`: a managed account
/// of the workspace, whose deny assignment bars everyone but Databricks, is told from a credential
/// that is wrong. "" = the error says it.
std::string StorageRemedy(const Error& error, const std::string& account, azure::StorageAuth auth);

struct StorageQuestion {
  const SourceOptions& options;
  std::shared_ptr<HttpClient> http;               ///< of the source's network
  std::shared_ptr<databricks::WorkspaceApi> api;  ///< who vends
  Source& source;                                 ///< who reads
  const std::vector<SourceTable>& tables;         ///< any; the first of each account is read
};

void CheckStorage(const StorageQuestion& question, CheckSteps& steps);

}  // namespace mms::migration
