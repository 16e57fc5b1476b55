// Temporary credentials that Unity Catalog gives for the files of one table, so that no SAS or
// service principal of the storage is needed. Thread-safe; calls block.
//
// Source: the public REST reference and databricks-sdk 0.156: POST temporary-table-credentials with
// {table_id, operation}; the answer holds one of azure_user_delegation_sas.sas_token and
// azure_aad.aad_token, and expiration_time (ms). The SDK asks under 2.0, the open-source server
// answers under 2.1 only, and gives what it does not use as null.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "base/result.h"
#include "base/retry.h"
#include "base/secret.h"
#include "clients/databricks/workspace_api.h"

namespace mms::databricks {

struct TableCredential {
  Secret sas;                         ///< a query string, without '?'; empty when it is a token
  Secret bearer;                      ///< of Microsoft Entra ID; empty when it is a SAS
  std::optional<int64_t> expires_ms;  ///< since 1970 UTC; nullopt = not told
};

class CredentialVending {
 public:
  explicit CredentialVending(std::shared_ptr<WorkspaceApi> api);

  /// Before the first call.
  void SetRetryPolicy(const RetryPolicy& policy) { retry_ = policy; }

  /// For reading the table `full_name`; `table_id` "" = looked up. Errors: kDenied
  /// DATABRICKS_VENDING_DENIED (names the grant, and the metastore's setting), kUnsupported
  /// DATABRICKS_VENDING_NONE (no endpoint for it, or no credential of Azure), else as UnityCatalog.
  Result<TableCredential> FetchForTable(const std::string& full_name, std::string table_id);

 private:
  Result<std::string> Post(const std::string& full_name, const std::string& table_id);

  const std::shared_ptr<WorkspaceApi> api_;
  RetryPolicy retry_;
  std::atomic<bool> open_source_{false};  ///< 2.0 is not there, 2.1 is
};

/// The answer's body. Errors: kUnsupported DATABRICKS_VENDING_NONE, kCorrupt DATABRICKS_ANSWER.
Result<TableCredential> ParseTableCredential(const std::string& body, const std::string& full_name);

}  // namespace mms::databricks
